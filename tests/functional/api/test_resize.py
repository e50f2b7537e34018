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

"""Resize and cold migration through Nova's API."""

import hashlib
import os
import subprocess
from unittest import mock

from nova.tests.functional.api import client

from nova_vmrun.ops.resize import resize
from nova_vmrun.server import vm_process
from tests.functional.api import base
from tests.functional.api import two_hosts


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.small = self.add_flavor()

    def resize(self, server, **flavor):
        self.admin_api.post_server_action(server['id'], {
            'resize': {'flavorRef': self.add_flavor(**flavor)}})
        return self._wait_for_state_change(server, 'VERIFY_RESIZE')

    def refuse(self, server, action):
        """Ask for what a compute node refuses, and wait for its answer."""
        self.admin_api.post_server_action(server['id'], action)
        self._wait_for_migration_status(server, ['error'])
        self._wait_for_state_change(server, 'ACTIVE')

    def write_as_guest(self, path):
        """Change a disk as its guest does; only while nobody has it open."""
        subprocess.run(['qemu-io', '-f', 'vmdk', '-c',
                        'write -P 0x5a 8M 64k', path], check=True,
                       stdout=subprocess.DEVNULL)

    def content(self, path):
        """Return the hash of what a guest reads, and the disk's size."""
        raw = os.path.join(self.folder, 'seen.raw')
        subprocess.run(['qemu-img', 'convert', '-U', '-f', 'vmdk', '-O',
                        'raw', path, raw], check=True)
        size = os.path.getsize(raw)
        with open(raw, 'rb') as file:
            return hashlib.sha256(file.read(16 << 20)).hexdigest(), size


class ResizeTestCase(TestCase):

    def test_memory_and_processors(self):
        server = self.boot(
            flavor_id=self.small,
            networks=[{'port': self.neutron.port_1['id']}])
        disk = os.stat(self.path(server, 'root.vmdk')).st_ino
        before = self.vmx(server)
        calls = len(self.vmware.calls())
        self.resize(server, memory_mb=128, vcpu=2)
        # The soft stop, what came of it, and the start.
        self.assertLessEqual(len(self.vmware.verbs_since(calls)), 4)
        self.assertRunning(server)
        after = self.vmx(server)
        self.assertEqual(('128', '2'), (after['memsize'], after['numvcpus']))
        for key in ('uuid.bios', 'uuid.location', 'ethernet0.address',
                    'ethernet0.pciSlotNumber', 'RemoteDisplay.vnc.port'):
            self.assertEqual(before[key], after[key])
        self._confirm_resize(server)
        self.assertRunning(server)
        self.assertEqual(disk, os.stat(self.path(server, 'root.vmdk')).st_ino)
        self.assertFalse(os.path.exists(self.path(server) + '_resize'))
        self._delete_server(server)
        self.assertNothingLeft()

    @base.sample
    def test_disks_grow_and_a_revert_takes_them_back(self):
        server = self.boot(flavor_id=self.add_flavor(ephemeral=1, swap=64))
        self._stop_server(server)
        path = self.path(server, 'root.vmdk')
        self.write_as_guest(path)
        self._start_server(server)
        self._stop_server(server)
        digest, size = self.content(path)
        self.assertEqual(1 << 30, size)
        self.resize(server, disk=2, ephemeral=2, swap=128)
        # It was stopped before.
        self.assertFalse(self.is_running(server))
        self.assertEqual((digest, 2 << 30), self.content(path))
        self.assertEqual(
            [2 << 30, 128 << 20],
            [self.content(self.path(server, name))[1]
             for name in ('ephemeral0.vmdk', 'swap.vmdk')])
        self.admin_api.post_server_action(server['id'],
                                          {'revertResize': None})
        self._wait_for_state_change(server, 'SHUTOFF')
        self.assertEqual((digest, 1 << 30), self.content(path))
        self.assertEqual(1 << 30, self.content(
            self.path(server, 'ephemeral0.vmdk'))[1])
        self._start_server(server)
        self.assertRunning(server)

    def test_deleted_before_it_is_confirmed(self):
        server = self.boot(flavor_id=self.small)
        self.resize(server, disk=2)
        self.assertRunning(server)
        self._delete_server(server)
        self.assertNothingLeft()

    def test_a_hard_reboot_finds_a_server_that_was_not_finished(self):
        server = self.boot(flavor_id=self.small)
        digest = self.content(self.path(server, 'root.vmdk'))
        with mock.patch.object(resize.Resize, 'finish',
                               side_effect=OSError('It breaks here.')):
            # The API of the test waits for the compute node.
            self.assertRaises(client.OpenStackApiException, self.resize,
                              server, disk=2)
        self._wait_for_state_change(server, 'ERROR')
        self.assertFalse(os.path.exists(self.path(server)))
        self._reboot_server(server, hard=True, api=self.admin_api)
        self.assertRunning(server)
        self._stop_server(server)
        self.assertEqual(digest, self.content(self.path(server, 'root.vmdk')))
        self._delete_server(server)
        self.assertNothingLeft()


class RefusedTestCase(TestCase):

    # One compute node must not hear at once of what another refuses.
    CAST_AS_CALL = False

    def test_a_smaller_disk_is_refused(self):
        # Of a smaller root disk Nova's API does not even ask us.
        server = self.boot(flavor_id=self.add_flavor(ephemeral=1))
        pid = self.pid_of(server)
        self.refuse(server, {'resize': {'flavorRef': self.small}})
        self.assertEqual(pid, self.pid_of(server))
        self.assertRunning(server)
        self.assertEqual([server['id']], [
            name for name in os.listdir(self.instances_path)
            if server['id'] in name])


class TwoHosts(two_hosts.TwoHosts, TestCase):
    """Two hosts, and what resizes need."""


class MoveTestCase(TwoHosts):

    def test_there_and_back(self):
        self.flags(allow_resize_to_same_host=False)
        server = self.boot(flavor_id=self.small, host='compute')
        self._stop_server(server)
        digest = self.content(self.at('compute', server, 'root.vmdk'))
        self._start_server(server)
        # The other host has no image of it, and needs none.
        self._migrate_server(server, api=self.admin_api)
        self.assertRunsAt('second', server)
        self.assertFalse(os.path.exists(self.at('compute', server)))
        self._confirm_resize(server)
        self.assertEqual([], [
            name for name in os.listdir(self.paths['compute'])
            if server['id'] in name])
        self.resize(server, disk=2, memory_mb=128)
        self.assertRunsAt('compute', server)
        grown = self.at('compute', server, 'root.vmdk')
        self.assertEqual(2 << 30, self.content(grown)[1])
        self._revert_resize(server)
        self.assertRunsAt('second', server)
        self.assertFalse(os.path.exists(self.at('compute', server)))
        self._stop_server(server)
        self.assertEqual(
            digest, self.content(self.at('second', server, 'root.vmdk')))
        self._delete_server(server)
        for path in self.paths.values():
            self.assertNotIn(server['id'], ' '.join(os.listdir(path)))


class CutOffRevertTestCase(TwoHosts):

    def test_a_host_that_dies_before_it_tells_the_other(self):
        self.flags(allow_resize_to_same_host=False)
        server = self.boot(flavor_id=self.small, host='compute')
        self._migrate_server(server, api=self.admin_api)
        with mock.patch('nova.compute.rpcapi.ComputeAPI.finish_revert_resize'):
            self.admin_api.post_server_action(
                server['id'], {'revertResize': None})
        self.assertFalse(os.path.exists(self.at('second', server)))
        self.admin_api.post_server_action(
            server['id'], {'os-resetState': {'state': 'error'}})
        self._reboot_server(server, hard=True)
        self.assertRunsAt('second', server)


class RefusedMoveTestCase(TwoHosts):

    CAST_AS_CALL = False

    def test_a_host_that_cannot_be_reached(self):
        server = self.boot(flavor_id=self.small, host='compute')
        vmx = self.at('compute', server, server['id'] + '.vmx')
        process = vm_process.identity(vmx)
        self.flags(ssh_path='/nonexistent/ssh', group='vmrun')
        self.refuse(server, {'migrate': None})
        self.assertRunsAt('compute', server)
        self.assertEqual(process, vm_process.identity(vmx))
