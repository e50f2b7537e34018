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

import itertools
import os
import types

from nova.compute import manager
from nova.compute import power_state
from nova.compute import task_states
from nova.compute import vm_states
from nova.virt import hardware
import testscenarios

from nova_vmrun.host import files
from nova_vmrun.ops.power import power_states
from nova_vmrun.server import states
from tests.unit import base
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID
State = states.State
VM_STATES = sorted(
    getattr(vm_states, name) for name in vars(vm_states)
    if name.isupper() and not name.startswith('ALLOW_'))


class Instance(types.SimpleNamespace):
    """A server as Nova's power sync sees it."""

    uuid = UUID
    name = 'instance-1'
    host = 'host'
    task_state = None
    shutdown_terminate = False

    def refresh(self, use_slave=False):
        """Reads nothing: this is the database."""

    def save(self):
        """Writes nothing."""


class TableTestCase(base.TestCase):

    def test_each_pair_is_there(self):
        self.assertEqual(VM_STATES, sorted(power_states.TABLE))
        for row in power_states.TABLE.values():
            self.assertEqual(set(State), set(row))

    def test_a_state_that_a_later_nova_has(self):
        self.assertEqual(
            power_state.SUSPENDED, power_states.for_nova(
                Instance(vm_state='new'), State.SUSPENDED))

    def test_a_server_that_is_just_being_stopped(self):
        for task_state in (task_states.POWERING_OFF,
                           task_states.SOFT_DELETING):
            instance = Instance(vm_state=vm_states.ACTIVE,
                                task_state=task_state)
            self.assertEqual(
                [power_state.SHUTDOWN, power_state.RUNNING],
                [power_states.for_nova(instance, state)
                 for state in (State.SUSPENDED, State.RUNNING)])

    def test_unknown_state_is_never_off(self):
        for row in power_states.TABLE.values():
            self.assertEqual(power_state.NOSTATE,
                             row[State.UNKNOWN].power_state)

    def test_a_vm_that_is_on_is_never_off(self):
        for row, state in itertools.product(
                power_states.TABLE.values(), (State.RUNNING, State.PAUSED)):
            self.assertEqual(power_states.POWER_STATES[state],
                             row[state].power_state)


class PairTestCase(testscenarios.TestWithScenarios, test_power.Base):
    """Nova's own power sync, above our Power and a VM."""

    scenarios = [
        ('%s and %s' % (vm_state, state.value),
         {'vm_state': vm_state, 'vm': state})
        for vm_state, state in itertools.product(VM_STATES, State)]

    def setUp(self):
        super().setUp()
        self.instance = Instance(vm_state=self.vm_state, power_state=None)
        self.stops = []
        self.manager = object.__new__(manager.ComputeManager)
        self.manager.host = 'host'
        self.manager.driver = types.SimpleNamespace(get_info=self.get_info)
        self.manager.compute_api = types.SimpleNamespace(
            stop=self.stop, force_stop=self.stop)
        self.bring_to(self.vm)

    def bring_to(self, state):
        self.add_server()
        if state in (State.RUNNING, State.PAUSED):
            self.start()
        else:
            self.vmrun.fail('stop', hosts.exception.NotPoweredOn('off'))
        if state is State.PAUSED:
            self.states.mark_paused(UUID)
        elif state is State.SUSPENDED:
            files.write_atomically(
                self.layout.vmx(UUID),
                hosts.VMX + 'checkpoint.vmState = "a.vmss"\n')
            files.write_atomically(
                os.path.join(self.layout.folder(UUID), 'a.vmss'), 'memory')
        elif state is State.UNKNOWN:
            self.vmrun.fail('list', hosts.hung())
        self.assertIs(state, self.state())

    def get_info(self, instance, use_cache=True):
        return hardware.InstanceInfo(
            state=power_states.for_nova(instance, self.state()))

    def stop(self, context, instance):
        """Does what nova-compute does when the API asks it to stop."""
        self.stops.append(instance.vm_state)
        instance.task_state = task_states.POWERING_OFF
        self.power.off(UUID)
        instance.power_state = self.get_info(instance).state
        instance.vm_state = vm_states.STOPPED
        instance.task_state = None

    def sync(self):
        self.manager._query_driver_power_state_and_sync(None,
                                                        self.instance)

    def test_it_ends(self):
        pair = power_states.TABLE[self.vm_state][self.vm]
        self.assertEqual(pair.power_state, self.get_info(self.instance).state)
        self.sync()
        self.assertEqual(
            [self.vm_state] if pair.sync is power_states.Sync.STOP else [],
            self.stops)
        after = self.state(), self.instance.vm_state
        for _ in range(3):
            self.sync()
        self.assertEqual(1 if self.stops else 0, len(self.stops))
        self.assertEqual(after, (self.state(), self.instance.vm_state))

    def test_no_memory_is_thrown_away(self):
        self.sync()
        self.assertEqual(
            self.vm is State.SUSPENDED, os.path.exists(
                os.path.join(self.layout.folder(UUID), 'a.vmss')))
