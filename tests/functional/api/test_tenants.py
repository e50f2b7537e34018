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

"""What one tenant does must not hold up another."""

import os

from nova.compute import power_state
import psutil

from tests.functional.api import base

# More seconds than the system can wait for.
_FOREVER = '2147484'


class DeafGuestsTestCase(base.TestCase):
    """Guests that never shut down, and owners who ask for it."""

    # The API does not wait for the compute node.
    CAST_AS_CALL = False

    def setUp(self):
        self.flags(max_concurrent_operations=1, max_shutdown_timeout=60,
                   wait_soft_reboot_seconds=60, group='vmrun')
        super().setUp()
        self.image = self.add_image(
            properties={'os_shutdown_timeout': _FOREVER})

    def waiting(self):
        """Return the vmrun processes that wait for a guest."""
        found = []
        for process in psutil.Process().children():
            try:
                if process.cmdline()[-1:] == ['soft']:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def ask(self, server, action, body=None):
        """Ask a guest that never answers; return when it is being asked."""
        before = len(self.waiting())
        self.vmware.set_knobs(STOP_SOFT='hang', STOP_TIMEOUT=1000)
        self.admin_api.post_server_action(server['id'], {action: body})
        self.wait_for(lambda: len(self.waiting()) > before, 'vmrun')

    def let_go(self, *servers):
        """End VMs, and what waits for them."""
        self.vmware.set_knobs()
        for server in servers:
            self.vmware.run('stop', self.vmx_path(server), 'hard')
        for process in self.waiting():
            process.kill()

    def test_another_tenant_boots_reboots_and_deletes_meanwhile(self):
        deaf = [self.boot(self.image) for _ in range(2)]
        self.ask(deaf[0], 'os-stop')
        self.ask(deaf[1], 'reboot', {'type': 'SOFT'})
        other = self.boot_for_other()
        self._reboot_server(other, hard=True, api=self.admin_api)
        self.other_tenant.delete_server(other['id'])
        self._wait_until_deleted(other)
        # All of that was done while the guests were waited for.
        self.assertEqual(2, len(self.waiting()))
        self.let_go(*deaf)
        self._wait_for_state_change(deaf[0], 'SHUTOFF')
        self._wait_for_state_change(deaf[1], 'ACTIVE')
        self.assertEqual([], self.waiting())

    def test_the_operator_says_how_long_a_guest_may_take(self):
        self.flags(max_shutdown_timeout=1, group='vmrun')
        server = self.boot(self.image)
        self.vmware.set_knobs(STOP_SOFT='hang', STOP_TIMEOUT=1000)
        self._stop_server(server)
        self.assertFalse(self.is_running(server))
        self.assertEqual([], self.waiting())
        self.vmware.set_knobs()
        self._start_server(server)
        self.vmware.set_knobs(STOP_SOFT='hang', STOP_TIMEOUT=1000)
        self._rebuild_server(server, self.add_image())
        self.assertRunning(server)
        self.assertEqual([], self.waiting())


class FilledLogTestCase(base.TestCase):
    """A guest writes so much to vmware.log that VMware begins a new one."""

    def fill_log(self, server, first_line):
        """Do what VMware then does; the guest chose the first line."""
        log = self.path(server, 'vmware.log')
        os.rename(log, self.path(server, 'vmware-0.log'))
        with open(log, 'w') as file:
            file.write('2026-01-01T00:00:00.000Z In(05) vcpu-0 %s\n'
                       % first_line)

    def test_a_paused_server_stays_paused(self):
        victim, server = self.boot_for_other(), self.boot()
        pid = self.pid_of(server)
        self.admin_api.post_server_action(server['id'], {'pause': None})
        self._wait_for_state_change(server, 'PAUSED')
        self.fill_log(server, 'Guest: pid=%d version=17' % self.pid_of(victim))
        self.sync_power_states()
        shown = self.admin_api.get_server(server['id'])
        self.assertEqual(('PAUSED', power_state.PAUSED),
                         (shown['status'], shown['OS-EXT-STS:power_state']))
        self.assertEqual(pid, self.pid_of(server))
        self.admin_api.post_server_action(server['id'], {'unpause': None})
        self._wait_for_state_change(server, 'ACTIVE')
        self._stop_server(server)
        self.assertFalse(self.is_running(server))
        self.assertRunning(victim)
