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

import fixtures
from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance_info_cache
import oslo_messaging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from tests.unit.ops import hosts
from tests.unit.ops import test_interfaces

UUID = hosts.UUID
port = test_interfaces.port


class Base(test_interfaces.Base):
    """A running server with two adapters."""

    def setUp(self):
        super().setUp()
        self.attach('nat')
        self.attach('vlan')
        self.start()
        self.states.changed()
        self.disconnect = self.vmrun.tool.disconnect_device

    def pulled(self):
        return [call.args[1] for call in self.disconnect.mock_calls]

    def forget_all(self):
        self.useFixture(fixtures.MockPatchObject(
            instance_info_cache.InstanceInfoCache, 'get_by_instance_uuid',
            side_effect=nova_exception.InstanceInfoCacheNotFound(
                instance_uuid=UUID)))


class PullTestCase(Base):

    def test_adapter_of_the_port(self):
        self.cables.pull(self.instance, port('vlan'))
        self.disconnect.assert_called_once_with(self.layout.vmx(UUID),
                                                'ethernet1')

    def test_whatever_nova_remembers(self):
        self.forget_all()
        self.cables.pull(self.instance, port('vlan'))
        self.assertEqual(['ethernet1'], self.pulled())

    def test_an_adapter_that_the_server_does_not_have(self):
        self.cables.pull(self.instance, port('office'))
        self.assertEqual([], self.pulled())

    def test_an_adapter_that_may_be_of_another_port(self):
        """A server of an older version can have two ports with its address."""
        twin = port('office')
        twin['address'] = test_interfaces.MACS['vlan']
        self.known = self.known + [twin]
        for vif in (twin, port('vlan')):
            self.cables.pull(self.instance, vif)
        self.assertEqual([], self.pulled())
        self.known = [port('nat')]
        self.cables.pull(self.instance, twin)
        self.assertEqual(['ethernet1'], self.pulled())

    def test_a_server_whose_vmx_cannot_be_read(self):
        files.write_atomically(self.layout.vmx(UUID), 'half of a li')
        self.cables.pull(self.instance, port('vlan'))
        self.assertEqual([], self.pulled())
        self.assertIn('Cannot tell which adapters', self.log.output)


class PullStaleTestCase(Base):

    def setUp(self):
        super().setUp()
        self.vmrun.tool.reset_mock()

    def pull(self, *names):
        """Return what is disconnected if Nova knows some ports."""
        self.known = [port(name) for name in names]
        self.cables.pull_stale(self.instance)
        return self.pulled()

    def test_a_bus_that_is_away(self):
        """The guest has gone on all the same."""
        self.useFixture(fixtures.MockPatchObject(
            instance_info_cache.InstanceInfoCache, 'get_by_instance_uuid',
            side_effect=oslo_messaging.MessagingTimeout))
        self.assertEqual([], self.pull('vlan'))
        self.assertIn('they stay connected', self.log.output)

    def test_a_port_that_is_gone(self):
        self.assertEqual(['ethernet0'], self.pull('vlan'))
        self.assertFalse(self.ports.of_server.called)

    def test_nothing_is_run_if_each_adapter_has_a_port(self):
        self.assertEqual([], self.pull('vlan', 'nat', 'office'))
        self.assertEqual([], self.vmrun.tool.mock_calls)

    def test_adapters_that_somebody_added_stay(self):
        live = vmx.load(self.text())
        live.update({'ethernet1.addressType': 'generated',
                     'ethernet1.generatedAddress': '00:0c:29:00:00:01'})
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))
        self.assertEqual([], self.pull('nat'))

    def test_one_failure_does_not_keep_the_others(self):
        for error in (exception.VmPaused('Paused.'), hosts.hung()):
            self.disconnect.reset_mock()
            self.disconnect.side_effect = error
            self.assertEqual(['ethernet0', 'ethernet1'], self.pull('office'))
            self.assertIn(str(error), self.log.output)

    def test_a_vm_that_is_off_again(self):
        self.vmrun.running.clear()
        self.states.changed()
        self.assertEqual([], self.pull('vlan'))

    def test_neutron_is_asked_if_nova_knows_no_port(self):
        for found, expected in (
                (None, []), ([port('nat'), port('vlan')], []),
                ([port('nat')], ['ethernet1']),
                ([], ['ethernet0', 'ethernet1'])):
            self.disconnect.reset_mock()
            self.ports.of_server.return_value = (
                None if found is None else model.NetworkInfo(found))
            self.assertEqual(expected, self.pull())
        self.assertIn('stay connected', self.log.output)

    def test_a_server_that_nova_remembers_nothing_of(self):
        self.forget_all()
        self.ports.of_server.return_value = None
        self.assertEqual([], self.pull())

    def test_neutron_is_not_asked_about_a_server_without_adapters(self):
        self.vmrun.running.clear()
        self.states.changed()
        self.rewrite([])
        self.start()
        self.states.changed()
        self.assertEqual([], self.pull())
        self.assertFalse(self.ports.of_server.called)
