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

"""Commands that Player lacks (fact 1.1)."""

from tests.contract import base

UNSUPPORTED = 'The operation is not supported'


class PlayerTest(base.ContractCase):

    @base.product('player')
    def test_player_has_no_pause(self):
        machine = self.running_vm()
        self.refused(UNSUPPORTED, 'pause', machine.vmx)
        self.refused(UNSUPPORTED, 'unpause', machine.vmx)

    @base.sample
    @base.product('player')
    def test_player_has_no_snapshots(self):
        machine = self.make_vm()
        self.refused(UNSUPPORTED, 'snapshot', machine.vmx, 's')
        self.refused(UNSUPPORTED, 'listSnapshots', machine.vmx)
        self.refused(UNSUPPORTED, 'revertToSnapshot', machine.vmx, 's')
        self.refused(UNSUPPORTED, 'deleteSnapshot', machine.vmx, 's')

    @base.product('player')
    def test_player_has_no_clone(self):
        machine = self.make_vm()
        self.refused(UNSUPPORTED, 'clone', machine.vmx,
                     self.path('c', 'c.vmx'), 'linked')

    @base.product('player')
    def test_player_has_no_upgrade(self):
        machine = self.make_vm(disk=False)
        self.refused(UNSUPPORTED, 'upgradevm', machine.vmx)

    @base.product('player')
    def test_player_starts_without_a_window(self):
        machine = self.make_vm()
        self.done('start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)
        self.done('stop', machine.vmx, 'hard')

    @base.product('player')
    def test_player_suspends(self):
        machine = self.running_vm()
        self.done('suspend', machine.vmx)
        self.done('start', machine.vmx, 'nogui')


class FusionTest(base.ContractCase):

    @base.sample
    @base.product('fusion')
    def test_fusion_pauses(self):
        machine = self.running_vm()
        self.done('pause', machine.vmx)
        self.done('unpause', machine.vmx)

    @base.product('ws')
    def test_fusion_asked_of_workstation(self):
        result = self.run_tool('vmrun', '-T', 'fusion', 'list')
        self.assertEqual((255, 'Error: The specified service provider was '
                          'not found\n'), (result.rc, result.out))
