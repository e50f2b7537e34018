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

"""What users may ask for in each state, and what becomes of the VM."""

from nova.compute import power_state
from nova.tests.functional.api import client

from nova_vmrun.server import states
from tests.functional.api import base


class TestCase(base.TestCase):

    # What a server is to be in, and how it comes there from ACTIVE.
    STATES = {
        'ACTIVE': (),
        'PAUSED': ({'pause': None},),
        'SUSPENDED': ({'suspend': None},),
        'SHUTOFF': ({'os-stop': None},),
        'ERROR': ({'os-resetState': {'state': 'error'}},),
    }

    def setUp(self):
        super().setUp()
        self.server = self.boot(flavor_id=self.add_flavor(disk=0))

    def act(self, action, expected_state):
        self.admin_api.post_server_action(self.server['id'], action)
        # A state that was only set has no fault to wait for.
        self._wait_for_server_parameter(
            self.server, {'status': expected_state,
                          'OS-EXT-STS:task_state': None},
            wait_for_fault_key=False)

    def bring_to(self, state):
        for action in self.STATES[state]:
            self.act(action, state)

    def in_window(self, *words):
        """Do what a person does in the VMware window."""
        self.vmware.run('-T', 'ws', words[0], self.vmx_path(self.server),
                        *words[1:])
        self.driver._hypervisor.states.changed()

    def found(self):
        return self.driver._hypervisor.states.get(self.server['id'])


class ApiStatesTestCase(TestCase):

    def refused_in(self, action):
        """Return the states in which the API does not take an action."""
        refused = set()
        for state in self.STATES:
            self.bring_to(state)
            try:
                self.admin_api.post_server_action(self.server['id'], action)
                self._wait_for_server_parameter(
                    self.server, {'OS-EXT-STS:task_state': None})
            except client.OpenStackApiException as error:
                self.assertEqual(409, error.response.status_code)
                refused.add(state)
            else:
                self.check(state)
            self.act({'reboot': {'type': 'HARD'}}, 'ACTIVE')
            self.assertRunning(self.server)
        return refused

    def test_stop_in_each_and_a_hard_reboot_out_of_each(self):
        self.check = lambda state: self.assertEqual(
            ('SHUTOFF', states.State.OFF), (self.status(), self.found()))
        self.assertEqual({'PAUSED', 'SUSPENDED', 'SHUTOFF'},
                         self.refused_in({'os-stop': None}))

    def test_start_in_each(self):
        self.check = lambda state: self.assertRunning(self.server)
        self.assertEqual({'ACTIVE', 'PAUSED', 'SUSPENDED', 'ERROR'},
                         self.refused_in({'os-start': None}))

    def status(self):
        return self.admin_api.get_server(self.server['id'])['status']


class WindowStatesTestCase(TestCase):
    """The VM is not in the state that Nova knows."""

    # Nova has not been told yet, or cannot be.
    HEARS_EVENTS = False

    def test_stop_and_start(self):
        for words, after_stop in (
                (('pause',), states.State.OFF),
                (('stop', 'hard'), states.State.OFF),
                # The memory is not thrown away.
                (('suspend',), states.State.SUSPENDED)):
            self.in_window(*words)
            self.act({'os-stop': None}, 'SHUTOFF')
            self.assertEqual(after_stop, self.found(), words)
            self.act({'os-start': None}, 'ACTIVE')
            self.assertRunning(self.server)

    def test_start_of_one_that_runs(self):
        self.act({'os-stop': None}, 'SHUTOFF')
        self.in_window('start', 'nogui')
        pid = self.pid_of(self.server)
        self.act({'os-start': None}, 'ACTIVE')
        self.assertRunning(self.server)
        self.assertEqual(pid, self.pid_of(self.server))


class PowerSyncTestCase(TestCase):
    """Somebody suspends a VM in the VMware window."""

    # Nova stops a server while it holds the server's lock.
    CAST_AS_CALL = False

    def sync(self):
        self.driver._hypervisor.states.changed()
        self.sync_power_states()

    def stops(self):
        return [action['action'] for action in self.admin_api.
                api_get('/servers/%s/os-instance-actions' % self.server['id'])
                .body['instanceActions']].count('stop')

    def check_stopped_once(self):
        self.in_window('suspend')
        self.sync()
        self._wait_for_state_change(self.server, 'SHUTOFF')
        self.assertEqual(1, self.stops())
        calls = len(self.vmware.calls())
        for _ in range(3):
            self.sync()
            self.assertEqual(power_state.SHUTDOWN,
                             self.power_state(self.server))
        self.assertEqual(1, self.stops())
        self.assertEqual({('vmrun', 'list')},
                         set(self.vmware.verbs_since(calls)))

    def test_nova_stops_it_once_and_a_start_resumes_it(self):
        self.check_stopped_once()
        # Its memory is there, and is what a start goes on from.
        self.assertEqual(states.State.SUSPENDED, self.found())
        self.act({'os-start': None}, 'ACTIVE')
        self.assertRunning(self.server)

    def test_so_it_does_if_nova_had_paused_it(self):
        self.act({'pause': None}, 'PAUSED')
        self.in_window('unpause')
        self.check_stopped_once()
        self.act({'os-start': None}, 'ACTIVE')
        self.assertRunning(self.server)


class SoftDeleteTestCase(TestCase):

    def _setup_services(self):
        self.flags(reclaim_instance_interval=3600)
        super()._setup_services()

    def test_restore_and_delete_at_last(self):
        self.admin_api.delete_server(self.server['id'])
        self._wait_for_state_change(self.server, 'SOFT_DELETED')
        self.assertFalse(self.is_running(self.server))
        self.act({'restore': None}, 'ACTIVE')
        self.assertRunning(self.server)
        self.admin_api.delete_server(self.server['id'])
        self._wait_for_state_change(self.server, 'SOFT_DELETED')
        self.admin_api.post_server_action(self.server['id'],
                                          {'forceDelete': None})
        self._wait_until_deleted(self.server)
        self.assertNothingLeft()
