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

"""Rebuild: the same server, with the disk of another image."""

import json
import os
import subprocess
from unittest import mock

import fixtures
from nova import context as nova_context
from nova import objects
from nova.tests.functional.api import client

from nova_vmrun import exception
from tests.functional.api import base


class TestCase(base.TestCase):

    # A refusal is reported later, not to the caller.
    CAST_AS_CALL = False
    disk_gb = 0
    properties = {}

    def setUp(self):
        super().setUp()
        self.image_id = self.add_image(properties=self.properties)
        self.server = self.boot(
            self.image_id, self.add_flavor(disk=self.disk_gb),
            networks=[{'port': self.neutron.port_1['id']}])

    def rebuild(self, expected_state='ACTIVE', **request):
        self.admin_api.post_server_action(
            self.server['id'],
            {'rebuild': {'imageRef': self.add_image(), **request}})
        self._wait_for_state_change(self.server, expected_state)

    def write(self):
        """Write to the disk as the guest does, while the server is off."""
        self.assertNotIn('failed', self.qemu_io('write -P 90 2M 64k'))

    def assertDiskIsNew(self):
        output = self.qemu_io('read -P 0 2M 64k')
        self.assertIn('read 65536/65536', output)
        self.assertNotIn('failed', output)

    def qemu_io(self, command):
        return subprocess.run(
            ['qemu-io', '-f', 'vmdk', '-c', command,
             self.path(self.server, 'root.vmdk')],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True).stdout


class RebuildTestCase(TestCase):

    def test_a_running_server(self):
        pid, before = self.pid_of(self.server), self.vmx(self.server)
        self._stop_server(self.server)
        self.write()
        self._start_server(self.server)
        self.rebuild(name='other')
        self.assertRunning(self.server)
        self.assertNotEqual(pid, self.pid_of(self.server))
        after = self.vmx(self.server)
        for key in ('uuid.bios', 'ethernet0.address', 'memsize'):
            self.assertEqual(before[key], after[key])
        self.assertEqual('other', after['displayName'])
        self._stop_server(self.server)
        self.assertDiskIsNew()
        self._delete_server(self.server)
        self.assertNothingLeft()

    def test_a_stopped_server_stays_stopped(self):
        self._stop_server(self.server)
        self.write()
        self.rebuild('SHUTOFF')
        self.assertFalse(self.is_running(self.server))
        self.assertDiskIsNew()

    def test_not_while_it_is_suspended(self):
        self._suspend_server(self.server)
        error = self.assertRaises(client.OpenStackApiException, self.rebuild)
        self.assertEqual(409, error.response.status_code)


class RefusedTestCase(TestCase):
    """The server goes on as if nobody had asked."""

    disk_gb = 1
    properties = {'hw_disk_bus': 'ide', 'os_type': 'linux'}

    def setUp(self):
        super().setUp()
        self.pid = self.pid_of(self.server)
        self.before = self.in_database()
        self.allocations = self.resources()
        self.files = self.listing()

    def in_database(self):
        """Return what Nova has saved of the server's image."""
        instance = objects.Instance.get_by_uuid(
            nova_context.get_admin_context(), self.server['id'],
            expected_attrs=['system_metadata'])
        return (instance.image_ref, instance.os_type, {
            name: value for name, value in instance.system_metadata.items()
            if name.startswith('image_')})

    def resources(self):
        """Return what the server takes of the host, as the scheduler sees.

        Nova itself gives it back when a rebuild fails, whatever the reason.
        """
        self._run_periodics()
        found = self.placement.get('/allocations/' + self.server['id'])
        return [each['resources'] for each in
                found.body['allocations'].values()]

    def listing(self):
        return sorted(name for name in os.listdir(self.path(self.server))
                      if '.log' not in name)

    def refuse(self, words, expected_state='ACTIVE', **request):
        self.rebuild(expected_state, **request)
        # The server stays as it is, so only its log of events says why.
        last = self.admin_api.get_instance_actions(self.server['id'])[0]
        event = self.wait_for(lambda: next((
            each for each in self.admin_api.api_get(
                '/servers/%s/os-instance-actions/%s' % (
                    self.server['id'], last['request_id'])).body[
                        'instanceAction']['events']
            if each['event'] == 'compute_rebuild_instance' and
            each['finish_time']), None), 'the end of the rebuild')
        self.assertEqual('Error', event['result'])
        self.assertIn(words, event['details'])
        self.assertEqual(self.before, self.in_database())
        self.assertEqual(self.allocations, self.resources())
        self.assertEqual(self.files, self.listing())

    def test_images_that_cannot_be_used(self):
        for words, request in (
                ('its content is', {'content': b'hostile' * 4096}),
                ('hw_disk_bus', {'properties': {'hw_disk_bus': 'usb'}}),
                ('A virtual TPM needs', {
                    'properties': {'hw_tpm_version': '2.0'}}),
                ('too small', {'size': '1200M'})):
            self.refuse(words, imageRef=self.add_image(**request))
            self.assertRunning(self.server)
            self.assertEqual(self.pid, self.pid_of(self.server))
        # The hardware is still that of the disk.
        self._reboot_server(self.server, hard=True)
        self.assertEqual('root.vmdk', self.vmx(self.server)['ide0:0.fileName'])
        self.rebuild(imageRef=self.add_image())
        self.assertNotIn('ide0:0.fileName', self.vmx(self.server))
        self.assertRunning(self.server)

    def test_a_stopped_server(self):
        self._stop_server(self.server)
        self.write()
        self.files = self.listing()
        self.refuse('its content is', 'SHUTOFF',
                    imageRef=self.add_image(content=b'no disk'))
        self.assertFalse(self.is_running(self.server))
        self.assertIn('failed', self.qemu_io('read -P 0 2M 64k'))

    def test_ephemeral_disks_are_not_preserved(self):
        self.refuse('preserving ephemeral', preserve_ephemeral=True)
        self.assertEqual(self.pid, self.pid_of(self.server))

    def test_a_host_that_does_not_have_the_network(self):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.ops.networks.Networks.check',
            side_effect=exception.InvalidConfiguration('No such vmnet.')))
        self.refuse('No such vmnet')
        self.assertEqual(self.pid, self.pid_of(self.server))

    def test_nova_is_killed_before_it_is_refused(self):
        """Its API has saved the new image, and the disk is of the old one."""
        with mock.patch.object(self.compute.manager,
                               'rebuild_instance') as rebuild:
            self.admin_api.post_server_action(
                self.server['id'],
                {'rebuild': {'imageRef': self.add_image(
                    properties={'hw_disk_bus': 'sata'})}})
            self._wait_for_server_parameter(
                self.server, {'OS-EXT-STS:task_state': 'rebuilding'})
            # The API says so before nova-compute gets the message.
            self.wait_for(lambda: rebuild.called, 'the message')
        self.compute = self.restart_compute_service(self.compute)
        self._wait_for_server_parameter(self.server, {'status': 'ERROR'},
                                        wait_for_fault_key=False)
        self.assertEqual(self.pid, self.pid_of(self.server))
        self.assertNotEqual(self.before, self.in_database())
        self._reboot_server(self.server, hard=True)
        self.assertEqual(self.before, self.in_database())
        self.assertRunning(self.server)
        self.assertEqual('root.vmdk', self.vmx(self.server)['ide0:0.fileName'])

    def test_a_server_that_an_older_release_has_made(self):
        """Its record gets what it lacks when nova-compute starts."""
        path = self.path(self.server, 'nova.json')
        with open(path) as file:
            record = json.load(file)
        for name in ('image_ref', 'image_properties'):
            del record[name]
        with open(path, 'w') as file:
            json.dump(record, file)
        self.compute = self.restart_compute_service(self.compute)
        self.refuse('its content is',
                    imageRef=self.add_image(content=b'no disk'))
        self.assertEqual(self.pid, self.pid_of(self.server))
