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
import types

from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops import quiesce
from nova_vmrun.server import states
from tests.unit.ops import hosts

UUID = hosts.UUID
INSTANCE = types.SimpleNamespace(uuid=UUID)
PAUSED, RUNNING = states.State.PAUSED, states.State.RUNNING


def image(**properties):
    return types.SimpleNamespace(properties=properties)


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)
        self.power = self.make_power()
        self.restart()

    def restart(self):
        self.quiescer = quiesce.Quiescer(self.product, self.states,
                                         self.records, self.power)

    def state(self):
        return self.states.get(UUID)

    def quiesce(self, **properties):
        self.quiescer.quiesce(INSTANCE, image(**properties))


class QuiesceTestCase(Base):

    def test_there_and_back(self):
        self.quiesce()
        self.assertEqual(PAUSED, self.state())
        self.quiescer.unquiesce(UUID)
        self.assertEqual(RUNNING, self.state())
        self.assertEqual(['pause', 'unpause'], self.vmrun.verbs())

    def test_a_pause_is_not_what_the_image_requires(self):
        self.assertRaises(nova_exception.InstanceQuiesceNotSupported,
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


class PausedTestCase(Base):

    def test_the_block_runs_while_it_is_paused(self):
        with self.quiescer.paused(UUID):
            self.assertEqual(PAUSED, self.state())
        self.assertEqual(RUNNING, self.state())

    def test_a_block_that_fails(self):
        def fail():
            with self.quiescer.paused(UUID):
                raise exception.DiskFull('full')

        self.assertRaises(exception.DiskFull, fail)
        self.assertEqual(RUNNING, self.state())

    def test_an_unpause_that_fails_is_logged(self):
        self.vmrun.fail('unpause', hosts.hung())
        with self.quiescer.paused(UUID):
            pass
        self.assertEqual(PAUSED, self.state())
        self.assertIn('stays paused after its disks were copied',
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
            self.quiescer.quiesce(types.SimpleNamespace(uuid=uuid), image())
        self.vmrun.fail('unpause', hosts.hung())
        self.start_again()
        self.assertEqual(2, self.vmrun.verbs().count('unpause'))
