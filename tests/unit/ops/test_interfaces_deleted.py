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

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from tests.unit.ops import hosts
from tests.unit.ops import test_interfaces

UUID = hosts.UUID


class DeletedPortTestCase(test_interfaces.Base):
    """A port that is deleted in Neutron while its server is not off."""

    def setUp(self):
        super().setUp()
        self.attach('nat')
        self.attach('vlan')
        self.ports.is_deleted.return_value = True
        self.disconnect = self.vmrun.tool.disconnect_device

    def test_its_cable_is_pulled(self):
        self.start()
        before = self.text()
        self.detach('vlan')
        self.ports.is_deleted.assert_called_once_with('vlan')
        self.disconnect.assert_called_once_with(self.layout.vmx(UUID),
                                                'ethernet1')
        self.assertEqual(before, self.text())

    def test_a_cable_that_cannot_be_pulled_is_only_logged(self):
        self.start()
        for error in (exception.VmPaused('Paused.'), hosts.hung()):
            self.disconnect.side_effect = error
            self.detach('vlan')
            self.assertIn(str(error), self.log.output)

    def test_a_suspended_vm_has_no_cable(self):
        live = vmx.load(self.text())
        live['checkpoint.vmState'] = 'a.vmss'
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))
        self.detach('vlan')
        self.assertFalse(self.disconnect.called)
        self.assertEqual(2, len(self.nics()))

    def test_a_vm_that_nobody_can_ask_for(self):
        self.vmrun.fail('list', hosts.hung())
        self.detach('vlan')
        self.assertFalse(self.disconnect.called)

    def test_of_a_stopped_server_it_goes_at_once(self):
        self.detach('vlan')
        self.assertFalse(self.ports.is_deleted.called)
        self.assertEqual(['ethernet0'], list(self.nics()))

    def test_a_port_that_the_user_wants_to_remove_is_refused(self):
        self.ports.is_deleted.return_value = False
        self.start()
        self.assertRaises(exception.VmrunError, self.detach, 'vlan')
        self.assertFalse(self.disconnect.called)

    def test_a_new_port_is_refused_whatever_neutron_says(self):
        self.start()
        self.assertRaises(exception.VmrunError, self.attach, 'office')
        self.assertFalse(self.ports.is_deleted.called)
