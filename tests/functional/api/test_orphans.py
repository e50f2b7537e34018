#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""``nova-vmrun orphans`` on a compute host, with Nova's own API."""

import json
import os
import shutil

import fixtures
from keystoneauth1 import noauth
from keystoneauth1 import session
from nova import conf as nova_conf
from nova import context
from openstack.config import cloud_region
from openstack.config import defaults
from oslo_utils import uuidutils

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd import orphans
from nova_vmrun import exception
from tests.functional.api import base
from tests.unit.cmd import commands


class TestCase(base.TestCase):
    """Tests that run the command."""

    def setUp(self):
        super().setUp()
        self.log_in = self.useFixture(
            fixtures.MockPatchObject(cloud, 'log_in')).mock
        self.use_credentials(self.admin_api)
        self.configuration = self.useFixture(fixtures.MockPatchObject(
            compute_host, 'configuration',
            return_value=(nova_conf.CONF, self.driver._compute_id))).mock

    def use_credentials(self, api):
        """Let the command log in as a client of Nova's tests."""
        self.log_in.return_value = cloud_region.CloudRegion(
            name='test', region_name='r1', config=dict(
                defaults.get_defaults(),
                compute_endpoint_override=api.base_url),
            session=session.Session(
                auth=noauth.NoAuth(endpoint=api.base_url),
                additional_headers={
                    'X-Auth-User': api.auth_user,
                    'X-User-Id': api.auth_user,
                    'X-Auth-Project-Id': api.project_id,
                    'X-Roles': ','.join(api.roles)}))

    def run_command(self, *options):
        """Return the exit status, and kept-because by (kind, name)."""
        status, output, _ = commands.run(
            orphans.Orphans, '-f', 'json', '--min-age', '0', *options)
        rows = json.loads(output)
        return status, {(row['Kind'], os.path.basename(row['Path'])):
                        row['Kept because'] for row in rows}

    def leave_folder(self, server):
        """Leave a copy of a server's folder under another server's id."""
        uuid = uuidutils.generate_uuid()
        copy = os.path.join(self.instances_path, uuid)
        shutil.copytree(self.path(server), copy)
        record = os.path.join(copy, 'nova.json')
        with open(record) as file:
            text = file.read().replace(server['id'], uuid)
        with open(record, 'w') as file:
            file.write(text)
        os.rename(os.path.join(copy, server['id'] + '.vmx'),
                  os.path.join(copy, uuid + '.vmx'))
        return copy


class OrphansTestCase(TestCase):

    def test_a_host_without_orphans(self):
        self.boot()
        self.assertEqual((0, {}), self.run_command('--delete'))

    def test_orphans_are_removed_and_servers_are_not(self):
        server = self.boot()
        self._stop_server(server)
        names = [os.path.basename(self.leave_folder(server))
                 for _ in range(2)]
        os.rename(os.path.join(self.instances_path, names[1]),
                  os.path.join(self.instances_path, names[1] + '_resize'))
        self.assertEqual(
            (1, {('folder', names[0]): '',
                 ('folder', names[1] + '_resize'): ''}), self.run_command())
        status, rows = self.run_command('--delete')
        self.assertEqual((0, {'removed'}), (status, set(rows.values())))
        self.assertEqual((0, {}), self.run_command())
        self._start_server(server)
        self.assertRunning(server)

    def test_a_vm_that_runs_is_kept(self):
        server = self.boot()
        self._stop_server(server)
        copy = self.leave_folder(server)
        vmx = os.path.join(copy, os.path.basename(copy) + '.vmx')
        self.vmware.run('start', vmx, 'nogui')
        status, rows = self.run_command('--delete')
        self.assertEqual((1, 'A VM runs in it.'),
                         (status, rows['folder', os.path.basename(copy)]))
        self.vmware.run('stop', vmx, 'hard')
        self.assertEqual(0, self.run_command('--delete')[0])
        self.assertFalse(os.path.exists(copy))

    def test_what_nova_still_owns(self):
        self.flags(allow_resize_to_same_host=True, reclaim_instance_interval=9)
        resized, deleted, stopped = (
            self.boot(config_drive=True) for _ in range(3))
        self._resize_server(resized, self.add_flavor(memory_mb=128))
        self.assertTrue(os.path.exists(self.path(resized) + '_resize'))
        self.admin_api.delete_server(deleted['id'])
        self._wait_for_state_change(deleted, 'SOFT_DELETED')
        self._stop_server(stopped)
        self.assertEqual((0, {}), self.run_command('--delete'))
        for server in (resized, deleted, stopped):
            self.assertTrue(os.path.exists(self.vmx_path(server)))

    def test_leftovers_of_a_server(self):
        server = self.boot()
        self.vmware.run('snapshot', self.vmx_path(server), 'nova-vmrun-x')
        self.vmware.run('snapshot', self.vmx_path(server), 'mine')
        os.mkdir(self.path(server, 'snapshot'))
        self.assertEqual(
            (1, {('leftover', 'snapshot'): '',
                 ('snapshot', server['id'] + '.vmx'): ''}),
            self.run_command())
        self.assertEqual(0, self.run_command('--delete')[0])
        self.assertEqual((0, {}), self.run_command())
        self.assertIn('mine', self.vmware.run(
            'listSnapshots', self.vmx_path(server)))
        self.assertRunning(server)

    def test_bases_that_serve_nobody(self):
        self.flags(remove_unused_original_minimum_age_seconds=0,
                   group='image_cache')
        used, unused = self.boot(), self.boot()
        self._delete_server(unused)
        status, rows = self.run_command('--delete')
        self.assertEqual((0, {('base', 'disk-1.vmdk'): 'removed'}),
                         (status, rows))
        self._reboot_server(used, hard=True)
        self.assertRunning(used)

    def test_credentials_of_another_cloud(self):
        self.configuration.return_value = (
            nova_conf.CONF, uuidutils.generate_uuid())
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.run_command, '--delete')
        self.assertIn('not a compute host of the cloud', str(error))

    def test_credentials_of_a_user(self):
        self.use_credentials(self.api_fixture.reader_api)
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.run_command, '--delete')
        self.assertIn('administrator', str(error))

    def test_another_user_of_the_host(self):
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=12345))
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.run_command, '--delete')
        self.assertIn('another user', str(error))

    def test_nova_compute_warns(self):
        server = self.boot()
        self._stop_server(server)
        copy = self.leave_folder(server)
        for entry in (*os.scandir(copy), copy):
            os.utime(entry, (1000, 1000))
        log = self.useFixture(fixtures.FakeLogger('nova_vmrun'))
        self.compute.manager._run_image_cache_manager_pass(
            context.get_admin_context())
        self.assertIn('folder %s (Nova has no such' % copy, log.output)
        self.assertNotIn(server['id'], log.output)
