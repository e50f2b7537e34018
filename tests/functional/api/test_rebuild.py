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

import subprocess

from nova.tests.functional.api import client

from tests.functional.api import base


class RebuildTestCase(base.TestCase):

    # What is refused is told later, not to the caller.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.server = self.boot(
            flavor_id=self.add_flavor(disk=0),
            networks=[{'port': self.neutron.port_1['id']}])

    def rebuild(self, expected_state='ACTIVE', **request):
        self.admin_api.post_server_action(
            self.server['id'],
            {'rebuild': {'imageRef': self.add_image(), **request}})
        self._wait_for_server_parameter(self.server, {
            'status': expected_state, 'OS-EXT-STS:task_state': None})

    def write(self):
        """Writes to the disk as the guest does, while the server is off."""
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

    def test_ephemeral_disks_are_not_preserved(self):
        pid = self.pid_of(self.server)
        self.rebuild('ERROR', preserve_ephemeral=True)
        self.assertIn('preserving ephemeral', self.fault(self.server))
        self.assertEqual(pid, self.pid_of(self.server))

    def test_not_while_it_is_suspended(self):
        self._suspend_server(self.server)
        error = self.assertRaises(client.OpenStackApiException, self.rebuild)
        self.assertEqual(409, error.response.status_code)
