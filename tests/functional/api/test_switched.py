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

"""What Nova sees of VMs that others switch, and of hosts that were switched.

Nova's periodic comparison acts on what it sees.
"""

import os

from nova.compute import power_state
from nova import exception as nova_exception

from nova_vmrun.server import vm_process
from tests.functional.api import base


class TestCase(base.TestCase):

    # What is tested here is the comparison that Nova makes later.
    HEARS_EVENTS = False

    # Nova stops a server while it holds the server's lock; with a call
    # instead of a cast it would wait for itself.
    CAST_AS_CALL = False

    def sync_power_states(self):
        """Let Nova compare, as it does every ten minutes, and act."""
        self.driver._hypervisor.states.changed()
        super().sync_power_states()

    def compare(self, server, status):
        self.sync_power_states()
        return self._wait_for_state_change(server, status)


class WindowTestCase(TestCase):
    """Somebody uses VMware's own window."""

    def test_started_while_nova_says_shutoff(self):
        server = self.boot()
        self._stop_server(server)
        self.vmware.run('start', self.vmx_path(server), 'nogui')
        self.sync_power_states()
        self.wait_for(lambda: not self.is_running(server),
                      'Nova to stop the server')

    def test_stopped(self):
        server = self.boot()
        self.vmware.run('stop', self.vmx_path(server), 'hard')
        self.compare(server, 'SHUTOFF')
        self._start_server(server)
        self.assertRunning(server)

    def test_suspended_keeps_its_memory(self):
        server = self.boot()
        self.vmware.run('suspend', self.vmx_path(server))
        memory = self.path(server, self.vmx(server)['checkpoint.vmState'])
        self.compare(server, 'SHUTOFF')
        self.assertTrue(os.path.exists(memory))
        self._start_server(server)
        self.assertRunning(server)
        # VMware removes it when it has resumed from it.
        self.assertFalse(os.path.exists(memory))


class HostBootTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.running, self.suspended = self.boot(), self.boot()
        self._suspend_server(self.suspended)

    def boot_host(self):
        """End each VM at once, and begin with a new nova-compute."""
        os.kill(self.pid_of(self.running), 9)
        vmx = self.vmx_path(self.running)
        self.wait_for(lambda: not vm_process.is_alive(vmx),
                      'the end of the VM')
        self.restart_compute_service(self.compute)
        self.driver = self.compute.manager.driver

    def check_suspended(self):
        self.compare(self.suspended, 'SUSPENDED')
        self.assertEqual(power_state.SUSPENDED,
                         self.power_state(self.suspended))
        self._resume_server(self.suspended)
        self.assertRunning(self.suspended)

    def test_servers_come_back_if_configured(self):
        self.flags(resume_guests_state_on_host_boot=True)
        self.boot_host()
        self.assertRunning(self.running)
        self.check_suspended()

    def test_else_they_are_off(self):
        self.boot_host()
        self.compare(self.running, 'SHUTOFF')
        self.assertFalse(self.is_running(self.running))
        self.check_suspended()

    def test_a_server_that_runs_is_not_reset(self):
        self.flags(resume_guests_state_on_host_boot=True)
        before = self.pid_of(self.running)
        self.restart_compute_service(self.compute)
        self.assertEqual(before, self.pid_of(self.running))
        self.assertRunning(self.running)


class NewHostTestCase(TestCase):

    def test_a_host_that_nova_does_not_know_has_no_servers(self):
        self.boot()
        error = self.assertRaises(nova_exception.InvalidConfiguration,
                                  self.compute.manager.init_host, None)
        self.assertIn('existing instances', str(error))
