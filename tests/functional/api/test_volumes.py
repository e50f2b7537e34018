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

"""Volumes that are attached and detached."""

import os

from nova import context
from nova import objects
from nova.tests.functional.api import client

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from tests.functional.api import volumes


class AttachTestCase(volumes.TestCase):

    def test_a_volume_comes_and_goes(self):
        server = self.boot_stopped()
        before = self.vmx(server)
        volume = self.cinder.add()
        self.attach(server, volume)
        self.assertVolumes(server, volume)
        server = self._start_server(server)
        self.assertRunning(server)
        self.assertVolumes(server, volume)
        server = self._stop_server(server)
        self.detach(server, volume)
        self.assertVolumes(server)
        self.assertEqual(set(before), {
            key for key in self.vmx(server) if key in before})
        self.assertEqual('available', self.cinder.status(volume))

    def test_a_running_server_gets_none(self):
        server, volume = self.boot(), self.cinder.add()
        error = self.assertRaises(client.OpenStackApiException,
                                  self.request_attach, server, volume)
        self.assertEqual(400, error.response.status_code)
        self.assertIn('Stop the server', str(error))
        self.assertEqual('available', self.cinder.status(volume))
        self.assertVolumes(server)

    def test_a_running_server_loses_none(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        server = self._start_server(server)
        self.admin_api.delete_server_volume(server['id'], volume)
        self._wait_for_action_fail_completion(
            server, 'detach_volume', 'compute_detach_volume')
        self.wait_for(lambda: self.cinder.status(volume) == 'in-use',
                      'a volume in use')
        self.assertVolumes(server, volume)
        self.assertRunning(server)

    def test_a_volume_that_cannot_be_used(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.cinder.change(volume, encrypted=True)
        self.request_attach(server, volume)
        self._wait_for_action_fail_completion(
            server, 'attach_volume', 'compute_attach_volume')
        self.wait_for(lambda: not self.attached(server), 'no volume')
        self.assertVolumes(server)
        self.assertEqual('available', self.cinder.status(volume))


class StartTestCase(volumes.TestCase):
    """At each start the .vmx has the volumes that Nova lists."""

    def setUp(self):
        super().setUp()
        self.server, self.volume = self.boot_stopped(), self.cinder.add()
        self.attach(self.server, self.volume)

    def lose(self):
        """Take the volume out of the .vmx, as somebody in a window could."""
        keys = self.vmx(self.server)
        for key in [key for key in keys if key.startswith('scsi3')]:
            del keys[key]
        files.write_atomically(self.vmx_path(self.server), vmx.dump(keys))
        self.assertEqual({}, self.in_vmx(self.server))

    def test_start_and_hard_reboot(self):
        self.lose()
        self._start_server(self.server)
        self.assertVolumes(self.server, self.volume)
        self.lose()
        self._reboot_server(self.server, hard=True)
        self.assertVolumes(self.server, self.volume)
        self.assertRunning(self.server)

    def test_suspend_and_resume(self):
        self._start_server(self.server)
        self._suspend_server(self.server)
        self._resume_server(self.server)
        self.assertVolumes(self.server, self.volume)
        self.assertRunning(self.server)

    def test_rescue_and_unrescue(self):
        self.admin_api.post_server_action(
            self.server['id'], {'rescue': {
                'rescue_image_ref': self.add_image()}})
        self._wait_for_state_change(self.server, 'RESCUE')
        self.assertVolumes(self.server, self.volume)
        self.admin_api.post_server_action(self.server['id'],
                                          {'unrescue': None})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertVolumes(self.server, self.volume)

    def test_when_the_host_boots(self):
        self.lose()
        instance = objects.Instance.get_by_uuid(
            context.get_admin_context(), self.server['id'])
        info = self.compute.manager._get_instance_block_device_info(
            context.get_admin_context(), instance)
        self.driver.resume_state_on_host_boot(
            context.get_admin_context(), instance,
            instance.get_network_info(), [], info)
        self.assertVolumes(self.server, self.volume)

    def test_a_damaged_volume_stops_the_start(self):
        os.truncate(self.cinder.path(self.volume), 512)
        self.admin_api.post_server_action(self.server['id'],
                                          {'os-start': None})
        self._wait_for_action_fail_completion(self.server, 'start',
                                              'compute_start_instance')
        self.assertFalse(self.is_running(self.server))
        self.assertEqual(512, os.path.getsize(self.cinder.path(self.volume)))

    def test_delete(self):
        self._start_server(self.server)
        self._delete_server(self.server)
        self.assertNothingLeft()
        self.assertTrue(os.path.exists(self.cinder.path(self.volume)))
        self.assertTrue(os.path.exists(self.cinder.descriptor(self.volume)))
        self.assertEqual('available', self.cinder.status(self.volume))
