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

"""Lifecycle events: what others do to a VM is reported, our own work not."""

import os
import signal
import types

import fixtures
from nova.compute import vm_states
from nova.virt import event as virtevent

from nova_vmrun.ops import lifecycle_events
from nova_vmrun.server import states
from tests.functional.api import base
from tests.functional import glance_uploads

STOPPED = virtevent.EVENT_LIFECYCLE_STOPPED
SUSPENDED = virtevent.EVENT_LIFECYCLE_SUSPENDED


class TestCase(base.TestCase):

    # As in a real cloud, Nova's events do not wait for what they bring about.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.heard = []
        self.listen()
        self.flavor_id = self.add_flavor(disk=0)

    def listen(self):
        """Record the events that Nova gets."""
        tell = self.driver._compute_event_callback

        def note(event):
            self.heard.append((event.uuid, event.transition))
            tell(event)

        self.driver.register_event_listener(note)

    def guest_shuts_down(self, server):
        """Shut a guest down from inside, without Nova."""
        self.vmware.run('stop', self.vmx_path(server), 'soft')

    def make_canary(self):
        self.canary = self.boot(flavor_id=self.flavor_id)

    def assertHeard(self, *expected):
        """Assert which events came before the end of the canary.

        Events come in the order in which the processes end.
        """
        os.kill(self.pid_of(self.canary), signal.SIGKILL)
        last = self.canary['id'], STOPPED
        self.wait_for(lambda: last in self.heard, 'the end of the canary')
        self.assertEqual([*expected, last], self.heard)


class OutsideTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.boot(flavor_id=self.flavor_id)

    def found(self):
        return self.driver._hypervisor.states.get(self.server['id'])

    def check_told(self, transition):
        self._wait_for_state_change(self.server, 'SHUTOFF')
        self.assertEqual([(self.server['id'], transition)], self.heard)

    def test_a_guest_that_shuts_itself_down(self):
        self.guest_shuts_down(self.server)
        self.check_told(STOPPED)
        self._start_server(self.server)
        self.assertRunning(self.server)
        # The new process is watched as well.
        self.heard.clear()
        self.guest_shuts_down(self.server)
        self.check_told(STOPPED)

    def test_a_process_that_is_killed(self):
        os.kill(self.pid_of(self.server), signal.SIGKILL)
        self.check_told(STOPPED)

    def test_suspended_in_the_window(self):
        self.vmware.run('suspend', self.vmx_path(self.server))
        self.check_told(SUSPENDED)
        # Nova's stop leaves the memory where it is.
        self.assertIs(states.State.SUSPENDED, self.found())

    def test_paused_by_nova_and_stopped_in_the_window(self):
        self.admin_api.post_server_action(self.server['id'], {'pause': None})
        self._wait_for_state_change(self.server, 'PAUSED')
        self.vmware.run('stop', self.vmx_path(self.server), 'hard')
        self.check_told(STOPPED)

    def test_stopped_and_started_again_in_the_window(self):
        """Nova gets no event and does not stop it; its end is an event."""
        self.make_canary()
        self.useFixture(fixtures.MockPatchObject(
            lifecycle_events, '_TASK_SECONDS', 0))
        with self.driver._hypervisor.events.held(self.server['id']):
            self.vmware.run('stop', self.vmx_path(self.server), 'hard')
            self.vmware.run('start', self.vmx_path(self.server), 'nogui')
        self.assertHeard()
        self.assertRunning(self.server)
        self.heard.clear()
        self.guest_shuts_down(self.server)
        self.check_told(STOPPED)

    def test_a_guest_that_restarts(self):
        self.make_canary()
        self.vmware.run('reset', self.vmx_path(self.server), 'soft')
        self.assertHeard()
        self.assertRunning(self.server)

    def test_started_in_the_window_and_found_by_nova(self):
        """After Nova has seen that it runs, its end is an event."""
        with self.driver._hypervisor.events.ours(self.server['id'], True):
            self.vmware.run('stop', self.vmx_path(self.server), 'hard')
        self.vmware.run('start', self.vmx_path(self.server), 'nogui')
        self.driver._hypervisor.states.changed()
        self.driver.get_info(types.SimpleNamespace(
            uuid=self.server['id'], vm_state=vm_states.ACTIVE,
            task_state=None))
        self.guest_shuts_down(self.server)
        self.check_told(STOPPED)

    def test_while_an_image_is_made(self):
        """Nova ignores events meanwhile, and gets one afterwards."""
        def end(*_args):
            self.guest_shuts_down(self.server)
            raise RuntimeError('no such luck')

        snapshots = self.driver._hypervisor.snapshots
        take, snapshots.take = snapshots.take, end
        self.admin_api.post_server_action(
            self.server['id'], {'createImage': {'name': 'image'}})
        self.check_told(STOPPED)
        snapshots.take = take


class RestartTestCase(TestCase):

    def restart(self):
        self.restart_compute_service(self.compute)
        self.listen()

    def test_a_server_that_runs_on(self):
        server = self.boot(flavor_id=self.flavor_id)
        self.restart()
        self.guest_shuts_down(server)
        self._wait_for_state_change(server, 'SHUTOFF')
        self.assertEqual([(server['id'], STOPPED)], self.heard)

    def test_a_server_that_ended_meanwhile(self):
        """Nova compares all servers when it starts, before anything else."""
        server = self.boot(flavor_id=self.flavor_id)
        self.compute.stop()
        self.guest_shuts_down(server)
        self.compute.start()
        self.assertTrue(
            self.compute.manager._sync_power_states._periodic_immediate)
        self.sync_power_states()
        self._wait_for_state_change(server, 'SHUTOFF')
        self.assertEqual([], self.heard)


class OursTestCase(TestCase):
    """What Nova does itself is no event."""

    CAST_AS_CALL = True

    def setUp(self):
        self.flags(allow_resize_to_same_host=True, shelved_offload_time=0)
        self.useFixture(glance_uploads.GlanceUploads())
        super().setUp()
        self.make_canary()
        self.server = self.boot(flavor_id=self.flavor_id)

    def act(self, action, state, argument=None):
        self.admin_api.post_server_action(self.server['id'],
                                          {action: argument})
        self._wait_for_state_change(self.server, state)

    def test_power(self):
        for action, state, argument in (
                ('os-stop', 'SHUTOFF', None),
                ('os-start', 'ACTIVE', None),
                ('pause', 'PAUSED', None),
                ('unpause', 'ACTIVE', None),
                ('suspend', 'SUSPENDED', None),
                ('resume', 'ACTIVE', None),
                ('reboot', 'ACTIVE', {'type': 'SOFT'}),
                ('reboot', 'ACTIVE', {'type': 'HARD'}),
                ('createImage', 'ACTIVE', {'name': 'image'}),
                ('pause', 'PAUSED', None),
                ('reboot', 'ACTIVE', {'type': 'HARD'})):
            self.act(action, state, argument)
        self.assertRunning(self.server)
        self.assertHeard()

    def test_power_off_without_a_soft_stop(self):
        self.vmware.set_knobs(TOOLS='unknown')
        self.act('os-stop', 'SHUTOFF')
        self.assertHeard()

    def test_a_soft_reboot_that_ends_off(self):
        self.vmware.set_knobs(RESET_LEAVES_OFF=1)
        self.act('reboot', 'ACTIVE', {'type': 'SOFT'})
        self.assertHeard()

    def test_rescue(self):
        self.act('rescue', 'RESCUE')
        self.act('unrescue', 'ACTIVE')
        self.assertHeard()

    def test_rebuild(self):
        self.act('rebuild', 'ACTIVE', {'imageRef': self.add_image()})
        self.assertHeard()

    def test_resize(self):
        larger = self.add_flavor(disk=0, memory_mb=128)
        self.act('resize', 'VERIFY_RESIZE', {'flavorRef': larger})
        self.act('revertResize', 'ACTIVE')
        self.act('resize', 'VERIFY_RESIZE', {'flavorRef': larger})
        self.act('confirmResize', 'ACTIVE')
        self.assertHeard()

    def test_shelve(self):
        self.act('shelve', 'SHELVED_OFFLOADED')
        self.act('unshelve', 'ACTIVE')
        self.assertHeard()

    def test_delete(self):
        self._delete_server(self.server)
        self.assertHeard()

    def test_a_boot_that_fails(self):
        self.vmware.set_knobs(FAULTS='start 1 hang')
        self.flags(start_timeout=2, group='vmrun')
        self.boot(flavor_id=self.flavor_id, expected_state='ERROR')
        self.vmware.set_knobs()
        self.assertHeard()
