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

import dataclasses
import os
import types

import fixtures
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops import quiesce
from nova_vmrun.server import freeze_marks
from nova_vmrun.server import states
from nova_vmrun.tools import guest_agent
from tests.unit import agents
from tests.unit.ops import hosts

UUID = hosts.UUID
PAUSED, RUNNING = states.State.PAUSED, states.State.RUNNING
THAW = 'guest-fsfreeze-thaw'


def image(**properties):
    return types.SimpleNamespace(properties=properties)


def instance(uuid=UUID, **properties):
    return types.SimpleNamespace(uuid=uuid, image_meta=image(**properties))


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)
        self.power = self.make_power()
        self.slept = []
        self.restart()

    def restart(self):
        self.quiescer = quiesce.Quiescer(
            self.product, self.states, self.records, self.power,
            self.guest_agents, freeze_marks.FreezeMarks(self.layout),
            sleep=self.slept.append)

    def state(self):
        return self.states.get(UUID)

    def quiesce(self, **properties):
        found = instance(**properties)
        self.quiescer.quiesce(found, found.image_meta)


class QuiesceTestCase(Base):

    def test_there_and_back(self):
        self.quiesce()
        self.assertEqual(PAUSED, self.state())
        self.quiescer.unquiesce(UUID)
        self.assertEqual(RUNNING, self.state())
        self.assertEqual(['pause', 'unpause'], self.vmrun.verbs())

    def test_a_pause_is_not_what_the_image_requires(self):
        self.assertRaises(nova_exception.QemuGuestAgentNotEnabled,
                          self.quiesce, os_require_quiesce=True)
        self.assertEqual([], self.vmrun.verbs())
        self.quiesce(os_require_quiesce=False)
        self.assertEqual(PAUSED, self.state())

    def test_player_cannot(self):
        self.product = dataclasses.replace(self.product,
                                           kind=product.PLAYER)
        self.restart()
        self.assertRaises(nova_exception.InstanceQuiesceNotSupported,
                          self.quiesce)
        self.assertEqual([], self.vmrun.verbs())

    def test_a_server_that_is_off(self):
        self.vmrun.running.clear()
        self.quiesce()
        self.quiescer.unquiesce(UUID)
        self.assertEqual([], self.vmrun.verbs())

    def test_an_unknown_state(self):
        self.vmrun.fail('list', hosts.hung())
        self.assertRaises(exception.StateUnknown, self.quiesce)
        self.assertEqual([], self.vmrun.verbs())

    def test_a_server_that_its_user_has_paused(self):
        self.power.pause(UUID)
        self.quiesce()
        self.quiescer.unquiesce(UUID)
        self.assertEqual(PAUSED, self.state())
        self.assertEqual(['pause'], self.vmrun.verbs())

    def test_a_server_that_its_user_pauses_meanwhile(self):
        self.quiesce()
        self.vmrun.fail('pause', exception.VmPaused('paused'))
        self.power.pause(UUID)
        self.quiescer.unquiesce(UUID)
        self.assertEqual(PAUSED, self.state())

    def test_a_server_that_was_paused_in_vmware(self):
        self.vmrun.fail('pause', exception.VmPaused('paused'))
        self.quiesce()
        self.quiescer.unquiesce(UUID)
        self.assertEqual(['pause'], self.vmrun.verbs())

    def test_a_pause_that_fails_or_hangs_is_taken_back(self):
        """Nova goes on without it, and does not call unquiesce."""
        for error in (hosts.refused(), hosts.hung()):
            self.vmrun.fail('pause', error)
            self.assertRaises(type(error), self.quiesce)
            self.assertEqual(RUNNING, self.state())
        self.assertEqual(['pause', 'pause', 'unpause'], self.vmrun.verbs())

    def test_a_server_that_is_gone(self):
        self.quiescer.unquiesce(hosts.OTHER)
        self.assertEqual([], self.vmrun.verbs())


class FreezeTestCase(Base):
    """The guest has an agent."""

    def setUp(self):
        super().setUp()
        self.guest = agents.Guest(guest_fsfreeze_freeze=2)

    def serve(self):
        return self.add_agent(self.guest)

    def freeze(self, **properties):
        self.quiesce(hw_qemu_guest_agent=True, **properties)

    def is_marked(self):
        return os.path.exists(self.layout.frozen(UUID))

    def test_there_and_back(self):
        self.serve()
        self.guest.answers['guest-fsfreeze-freeze'] = lambda: (
            2 if self.is_marked() else ValueError('not marked'))
        self.freeze()
        self.assertEqual(RUNNING, self.state())
        self.quiescer.unquiesce(UUID)
        self.assertEqual(['guest-fsfreeze-freeze', THAW],
                         self.guest.commands)
        self.assertEqual([], self.vmrun.verbs())
        self.assertFalse(self.is_marked())
        # Nova may call it again.
        self.quiescer.unquiesce(UUID)
        self.assertEqual(1, self.guest.commands.count(THAW))

    def test_an_image_that_does_not_want_one_is_paused(self):
        self.serve()
        self.quiesce()
        self.assertEqual(PAUSED, self.state())
        self.assertEqual([], self.guest.commands)

    def test_a_server_that_is_off(self):
        self.serve()
        self.vmrun.running.clear()
        self.freeze(os_require_quiesce=True)
        self.assertEqual([], self.guest.commands)

    def test_no_port_and_no_agent_mean_a_pause_and_a_warning(self):
        self.freeze()
        self.assertIn('has no port for a guest agent', self.log.output)
        self.assertEqual(PAUSED, self.state())
        self.quiescer.unquiesce(UUID)
        self.serve().close()
        self.freeze()
        self.assertIn('does not answer', self.log.output)
        self.assertEqual(PAUSED, self.state())
        self.assertFalse(self.is_marked())

    def test_what_is_required_is_not_replaced_by_a_pause(self):
        error = self.assertRaises(nova_exception.InstanceQuiesceFailed,
                                  self.freeze, os_require_quiesce=True)
        self.assertIn('no port', str(error))
        self.assertEqual([], self.vmrun.verbs())

    def test_a_freeze_that_fails_half_way_is_taken_back(self):
        self.serve()
        self.guest.answers['guest-fsfreeze-freeze'] = ValueError('/mnt: I/O')
        self.assertRaises(nova_exception.InstanceQuiesceFailed,
                          self.freeze, os_require_quiesce=True)
        self.assertEqual(THAW, self.guest.commands[-1])
        self.assertFalse(self.is_marked())
        self.freeze()
        self.assertEqual(THAW, self.guest.commands[-1])
        self.assertEqual(PAUSED, self.state())

    def test_a_freeze_that_never_ends_is_taken_back(self):
        self.useFixture(fixtures.MockPatchObject(
            guest_agent, '_FREEZE_SECONDS', 0.3))

        def hang(connection):
            connection.synchronise()
            connection.request()
            agents.silent(connection)

        self.add_agent(hang, self.guest)
        self.assertRaises(nova_exception.InstanceQuiesceFailed,
                          self.freeze, os_require_quiesce=True)
        self.assertEqual([THAW], self.guest.commands)
        self.assertFalse(self.is_marked())

    def test_a_guest_without_file_systems(self):
        self.serve()
        self.guest.answers['guest-fsfreeze-freeze'] = 0
        self.assertRaises(nova_exception.InstanceQuiesceFailed,
                          self.freeze, os_require_quiesce=True)
        self.assertEqual(THAW, self.guest.commands[-1])

    def test_a_thaw_is_tried_again(self):
        self.serve()
        self.freeze()
        answers = [ValueError('busy'), ValueError('busy'), 2]
        self.guest.answers[THAW] = lambda: answers.pop(0)
        self.quiescer.unquiesce(UUID)
        self.assertEqual([1.0, 1.0], self.slept)
        self.assertFalse(self.is_marked())

    def test_a_thaw_that_fails_is_tried_when_nova_compute_starts(self):
        self.serve()
        self.freeze()
        self.guest.answers[THAW] = ValueError('busy')
        self.assertRaises(exception.AgentRefused, self.quiescer.unquiesce,
                          UUID)
        del self.guest.answers[THAW]
        self.restart()
        self.quiescer.finish_interrupted()
        self.assertFalse(self.is_marked())

    def test_after_a_crash_before_the_freeze_or_during_it(self):
        self.serve()
        freeze_marks.FreezeMarks(self.layout).mark(UUID)
        self.restart()
        self.quiescer.finish_interrupted()
        self.assertEqual([THAW], self.guest.commands)
        self.assertFalse(self.is_marked())

    def test_a_vm_that_was_started_since(self):
        self.serve()
        files.write_atomically(self.layout.frozen(UUID), '[1, 5.0]')
        self.quiescer.finish_interrupted()
        self.assertEqual([], self.guest.commands)
        self.assertFalse(self.is_marked())


class FrozenTestCase(Base):

    def setUp(self):
        super().setUp()
        self.guest = agents.Guest(guest_fsfreeze_freeze=1)
        self.add_agent(self.guest)

    def test_the_block_runs_while_it_is_frozen(self):
        for block in (self.quiescer.frozen, self.quiescer.still):
            del self.guest.asked[:]
            with block(instance(hw_qemu_guest_agent=True)):
                self.assertEqual(['guest-fsfreeze-freeze'],
                                 self.guest.commands)
            self.assertEqual(THAW, self.guest.commands[-1])
        self.assertEqual([], self.vmrun.verbs())

    def test_a_block_that_fails(self):
        def fail():
            with self.quiescer.frozen(instance(hw_qemu_guest_agent=True)):
                raise exception.DiskFull('full')

        self.assertRaises(exception.DiskFull, fail)
        self.assertEqual(THAW, self.guest.commands[-1])

    def test_it_is_not_paused_instead(self):
        self.guest.answers['guest-fsfreeze-freeze'] = ValueError('no')
        with self.quiescer.frozen(instance(hw_qemu_guest_agent=True)):
            self.assertEqual(RUNNING, self.state())
        with self.quiescer.frozen(instance()):
            self.assertEqual(RUNNING, self.state())
        self.assertEqual([], self.vmrun.verbs())

    def test_what_an_image_requires_without_wanting_an_agent(self):
        block = self.quiescer.frozen(instance(os_require_quiesce=True))
        self.assertRaises(nova_exception.QemuGuestAgentNotEnabled,
                          block.__enter__)


class StillTestCase(Base):
    """The guest has no agent, so the server is paused."""

    def test_the_block_runs_while_it_is_paused(self):
        with self.quiescer.still(instance()):
            self.assertEqual(PAUSED, self.state())
        self.assertEqual(RUNNING, self.state())

    def test_a_block_that_fails(self):
        def fail():
            with self.quiescer.still(instance()):
                raise exception.DiskFull('full')

        self.assertRaises(exception.DiskFull, fail)
        self.assertEqual(RUNNING, self.state())

    def test_an_unpause_that_fails_is_logged(self):
        self.vmrun.fail('unpause', hosts.hung())
        with self.quiescer.still(instance()):
            pass
        self.assertEqual(PAUSED, self.state())
        self.assertIn('stays frozen or paused after its disks were',
                      self.log.output)


class CrashTestCase(Base):
    """nova-compute starts again while a server is paused."""

    def start_again(self):
        self.restart()
        self.quiescer.finish_interrupted()

    def test_it_goes_on(self):
        self.quiesce()
        self.start_again()
        self.assertEqual(RUNNING, self.state())
        # Nova calls this when it is done.
        self.quiescer.unquiesce(UUID)
        self.assertEqual(['pause', 'unpause'], self.vmrun.verbs())

    def test_a_kill_before_the_pause(self):
        self.states.mark_paused(UUID, for_copy=True)
        self.vmrun.fail('unpause', hosts.refused())
        self.start_again()
        self.assertEqual(RUNNING, self.state())

    def test_users_pauses_stay(self):
        self.power.pause(UUID)
        self.start_again()
        self.assertEqual(PAUSED, self.state())

    def test_a_vm_that_was_started_since(self):
        files.write_atomically(self.layout.paused(UUID),
                               '[1, 5.0, "for a copy"]')
        self.start_again()
        self.assertEqual([], self.vmrun.verbs())

    def test_one_that_cannot_go_on_does_not_stop_the_others(self):
        self.add_server(hosts.OTHER, running=True)
        for uuid in UUID, hosts.OTHER:
            self.quiescer.quiesce(instance(uuid), image())
        self.vmrun.fail('unpause', hosts.hung())
        self.start_again()
        self.assertEqual(2, self.vmrun.verbs().count('unpause'))
