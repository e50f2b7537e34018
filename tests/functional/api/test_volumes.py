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

from nova.tests.functional.api import client

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
