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

"""The life of a server with a nova-compute in its own process."""

from tests.functional.split import base


class SplitControlPlaneTestCase(base.TestCase):
    """The driver cannot use the database or pass objects that cannot be sent.

    With the conductor in the same process, nobody would notice if it did.
    """

    def test_life_of_a_server(self):
        server = self.boot()
        vms = self.running_vms()
        self.assertEqual(1, len(vms))
        self.assertIn(server.id, vms[0])
        self.change_power_states(server, vms)
        self.restart_compute(server, vms)
        self.delete(server)
        self.check_process()

    def change_power_states(self, server, vms):
        api = self.cloud.compute
        api.stop_server(server)
        self.wait_for_status(server, 'SHUTOFF')
        self.assertEqual([], self.running_vms())
        api.start_server(server)
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
        api.pause_server(server)
        self.wait_for_status(server, 'PAUSED')
        api.unpause_server(server)
        self.wait_for_status(server, 'ACTIVE')
        api.suspend_server(server)
        self.wait_for_status(server, 'SUSPENDED')
        self.assertEqual([], self.running_vms())
        api.resume_server(server)
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
        log = api.get_server_console_output(server)
        self.assertIsInstance(log['output'], str)

    def restart_compute(self, server, vms):
        compute_id = (self.layout.nova_state / 'compute_id').read_text()
        self.assertEqual(0, self.nova_compute.stop())
        self.assertEqual(vms, self.running_vms())
        self.restart()
        self.assertEqual(
            compute_id, (self.layout.nova_state / 'compute_id').read_text())
        self.assertEqual(vms, self.running_vms())
        before = self.vmrun_calls()
        self.cloud.compute.reboot_server(server, 'HARD')
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
        self.assertIn('start', self.vmrun_calls()[len(before):])

    def check_process(self):
        """Check that nova-compute was a stock one and logged no error."""
        self.assertNotIn('connection =', self.nova_compute.config.read_text())
        imported = self.nova_compute.imported()
        self.assertIn('nova_vmrun.driver', imported)
        # The list has failed imports too, and Nova forbids this one.
        self.assertNotIn('eventlet.hubs', imported)
        # Nova logs an error when compute tries to use the database.
        self.assertEqual([], self.nova_compute.errors())
