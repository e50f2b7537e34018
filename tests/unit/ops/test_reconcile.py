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

import ipaddress
from unittest import mock

import fixtures
from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance_info_cache
from nova.objects import virt_device_metadata as metadata

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import volume_updates
from nova_vmrun.server import vmx_file
from nova_vmrun.volumes import connectors
from tests.unit.ops import hosts
from tests.unit.ops import test_interfaces

UUID = hosts.UUID
MACS = test_interfaces.MACS
NETWORK = '10b5f867-de2d-4436-952c-7f4416b3948e'
port = test_interfaces.port


def disabled(*ids):
    return dict.fromkeys(ids, ports_module.State(is_enabled=False))


class Base(test_interfaces.Base):
    """A stopped server with two adapters."""

    def setUp(self):
        super().setUp()
        self.reconciler = reconcile.Reconciler(
            self.servers, self.definitions, self.networks, self.ports,
            self.tagged, volume_updates.VolumeUpdates(
                self.servers, self.definitions, connectors.Connectors({})))
        self.attach('nat')
        self.attach('vlan')

    def start(self, ports, method='starter'):
        """Does what Power does with a server that is off."""
        self.known = ports
        rewrite = getattr(self.reconciler, method)(None, self.instance, ports)
        self.apply(rewrite)

    def apply(self, rewrite):
        with vmx_file.VmxFiles(self.layout).opened(UUID) as file:
            rewrite(file)

    def addresses(self):
        return [keys['address'] for keys in self.nics().values()]

    def edit(self, **keys):
        live = vmx.load(self.text())
        live.update(keys)
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))


class StartTestCase(Base):

    def test_the_adapter_of_a_deleted_port_goes(self):
        for method in ('starter', 'resumer', 'rebooter'):
            self.rewrite([port('nat'), port('vlan')])
            self.start([port('nat')], method)
            self.assertEqual([MACS['nat']], self.addresses())

    def test_the_link_of_a_disabled_port_is_down(self):
        def links():
            return [keys['startConnected'] for keys in self.nics().values()]

        for method in ('starter', 'resumer', 'rebooter'):
            for states, expected in ((disabled('vlan'), ['TRUE', 'FALSE']),
                                     ({}, ['TRUE', 'TRUE'])):
                self.ports.states.return_value = states
                self.start([port('nat'), port('vlan')], method)
                self.assertEqual(expected, links())

    def test_the_links_of_ports_that_come_meanwhile(self):
        self.ports.states.return_value = disabled('vlan', 'office')
        ports = [port('nat'), port('vlan')]
        rewrite = self.reconciler.starter(None, self.instance, ports)
        self.attach('office')
        self.ports.states.side_effect = AssertionError
        self.apply(rewrite)
        self.assertEqual(
            ['TRUE', 'FALSE', 'FALSE'],
            [keys['startConnected'] for keys in self.nics().values()])

    def test_an_adapter_that_was_refused_comes(self):
        self.start([port('nat'), port('vlan'), port('office')])
        self.assertEqual([MACS[name] for name in ('nat', 'vlan', 'office')],
                         self.addresses())

    def test_equal_vmx_is_not_written(self):
        self.start([port('nat'), port('vlan')])
        with mock.patch.object(files, 'write_atomically') as write:
            self.start([port('nat'), port('vlan')])
        write.assert_not_called()
        self.assertFalse(self.ports.of_server.called)

    def test_a_start_parses_the_vmx_once(self):
        rewrite = self.reconciler.starter(
            None, self.instance, [port('nat'), port('vlan')])
        with mock.patch.object(vmx_file, '_load',
                               wraps=vmx_file._load) as load:
            self.apply(rewrite)
        load.assert_called_once()

    def test_manual_changes_are_kept(self):
        self.edit(**{'vmci0.id': '42', 'mks.enable3d': 'TRUE',
                     'memsize': '4096', 'ethernet0.connectionType': 'bridged',
                     'ethernet5.present': 'TRUE',
                     'ethernet5.addressType': 'generated',
                     'ethernet5.generatedAddress': '00:0c:29:00:00:01'})
        self.start([port('nat')])
        live = vmx.load(self.text())
        self.assertEqual(
            ('42', 'TRUE', '4096', '00:0c:29:00:00:01'),
            (live['vmci0.id'], live['mks.enable3d'], live['memsize'],
             live['ethernet5.generatedAddress']))
        self.assertEqual('nat', live['ethernet0.connectionType'])

    def test_manual_changes_yield_to_later_changes_of_nova(self):
        self.edit(memsize='4096', displayName='by hand')
        self.instance.display_name = 'new name'
        self.start([port('nat'), port('vlan')])
        live = vmx.load(self.text())
        self.assertEqual(('4096', 'new name'),
                         (live['memsize'], live['displayName']))

    def test_a_hard_reboot_sets_all_that_nova_decides(self):
        self.edit(memsize='4096')
        self.start([port('nat'), port('vlan')], 'rebooter')
        self.assertEqual('132', vmx.load(self.text())['memsize'])

    def test_a_power_cut_loses_nothing_that_nova_wants(self):
        write = files.write_atomically
        for steps in range(4):
            self.instance.display_name = 'name %d' % steps
            left = iter(range(steps))

            def cut(*arguments):
                if next(left, None) is None:
                    raise ZeroDivisionError()
                write(*arguments)

            ports = [port('nat')] if steps % 2 else [port('nat'),
                                                     port('office')]
            with mock.patch.object(files, 'write_atomically', cut):
                try:
                    self.start(ports)
                except ZeroDivisionError:
                    self.assertLess(steps, 3)
            self.edit(memsize='4096')
            self.start(ports)
            live = vmx.load(self.text())
            self.assertEqual(('name %d' % steps, '4096'),
                             (live['displayName'], live['memsize']))
            self.assertEqual([vif['address'].lower() for vif in ports],
                             self.addresses())

    def test_a_new_name(self):
        self.instance.display_name = 'new name'
        self.start([port('nat'), port('vlan')])
        self.assertEqual('new name', vmx.load(self.text())['displayName'])

    def test_a_property_of_the_image_that_was_changed(self):
        self.instance.system_metadata['image_hw_vif_model'] = 'e1000'
        self.start([port('nat'), port('vlan')])
        self.assertEqual({'e1000'}, {keys['virtualDev']
                                     for keys in self.nics().values()})

    def test_a_network_that_the_host_has_no_more(self):
        self.vlans.check.side_effect = exception.InvalidConfiguration('no')
        for method in (self.reconciler.starter, self.reconciler.resumer,
                       self.reconciler.rebooter):
            self.assertRaises(exception.InvalidConfiguration, method, None,
                              self.instance, [port('vlan')])

    def test_a_suspended_server_needs_nothing_that_vmware_lacks(self):
        self.instance.system_metadata['image_hw_vif_model'] = 'odd'
        ports = [port('nat')]
        rewrite = self.reconciler.resumer(None, self.instance, ports)
        self.assertRaises(exception.InvalidInput, self.apply, rewrite)
        self.assertRaises(exception.InvalidInput, self.reconciler.starter,
                          None, self.instance, ports)

    def test_a_server_of_another_host(self):
        self.instance.uuid = hosts.OTHER
        self.assertRaises(exception.VmNotFound, self.reconciler.starter,
                          None, self.instance, [port('nat')])


class UnboundTestCase(Base):
    """Neutron could not bind a port of the server."""

    def unbound(self, name):
        vif = port(name)
        vif['type'] = 'binding_failed'
        return vif

    def test_its_adapter_stays_as_it_is(self):
        before = self.nics()
        self.start([port('nat'), self.unbound('vlan')])
        self.assertEqual(before, self.nics())

    def segment(self, vif_type):
        """Returns a port on a network of type local."""
        vif = port('nat')
        vif['network']['id'] = NETWORK
        vif.update(type=vif_type, details=(
            {'network_type': 'local'} if vif_type == 'vmrun' else {}))
        return vif

    def test_a_segment_is_unplugged_until_it_is_bound(self):
        """Another host may have the network: there would be two of it."""
        def nic():
            return [(keys['connectionType'], keys['startConnected'])
                    for keys in self.nics().values()]

        self.rewrite([self.segment('vmrun')])
        for vif_type in ('binding_failed', 'unbound'):
            for method in ('starter', 'resumer'):
                self.start([self.segment('vmrun')], method)
                self.assertEqual([('pvn', 'TRUE')], nic())
                self.start([self.segment(vif_type)], method)
                self.assertEqual([('pvn', 'FALSE')], nic())
        for text in (UUID, MACS['nat'], NETWORK):
            self.assertIn(text, self.log.output)
        # If Nova forgets the port, it stays so.
        self.ports.of_server.return_value = None
        self.start([])
        self.assertEqual([('pvn', 'FALSE')], nic())

    def test_a_segment_is_unplugged_while_another_host_has_the_port(self):
        """A move was interrupted before Nova bound the port again."""
        ports = [self.segment('vmrun')]
        for method in ('starter', 'resumer'):
            for elsewhere, connected in (('', 'TRUE'), ('n2', 'FALSE')):
                self.ports.states.return_value = {
                    'nat': ports_module.State(elsewhere=elsewhere)}
                self.start(ports, method)
                keys, = self.nics().values()
                self.assertEqual(('pvn', connected), (
                    keys['connectionType'], keys['startConnected']))
        self.assertIn('is bound to host n2, not to this one', self.log.output)
        error = self.assertRaises(
            nova_exception.VirtualInterfacePlugException,
            self.reconciler.rebooter, None, self.instance, ports)
        self.assertIn('is bound to host n2', str(error))
        # If Neutron does not answer, the server starts as Nova knows it.
        self.ports.states.return_value = {}
        for method in ('starter', 'rebooter'):
            self.start(ports, method)
            keys, = self.nics().values()
            self.assertEqual('TRUE', keys['startConnected'])

    def test_an_unplugged_adapter_stays_so(self):
        """A disabled port that is not bound is disabled all the same."""
        self.ports.states.return_value = disabled('vlan')
        self.start([port('nat'), port('vlan')])
        before = self.nics()
        self.assertEqual('FALSE', before['ethernet1']['startConnected'])
        self.start([port('nat'), self.unbound('vlan')])
        self.assertEqual(before, self.nics())

    def test_a_new_one_has_to_wait(self):
        self.start([port('nat'), self.unbound('office')])
        self.assertEqual([MACS['nat']], self.addresses())

    def test_a_hard_reboot_refuses_it(self):
        self.assertRaises(
            nova_exception.VirtualInterfacePlugException,
            self.reconciler.rebooter, None, self.instance,
            [self.unbound('nat')])


class AddressTestCase(Base):
    """A server comes from another host."""

    def test_an_address_outside_the_range(self):
        vif = port('nat')
        vif['network']['subnets'] = [model.Subnet(
            cidr='0.0.0.0/0', ips=[model.FixedIP(address='10.9.0.1')])]
        self.reconciler.check_addresses(None)
        self.reconciler.check_addresses([vif])
        self.useFixture(fixtures.MockPatchObject(
            self.networks._host_networks, 'find',
            return_value=vmnets.Vmnet(
                'vmnet8', 'nat',
                subnet=ipaddress.IPv4Network('10.8.0.0/24'))))
        error = self.assertRaises(
            exception.InvalidConfiguration, self.reconciler.check_addresses,
            [vif])
        self.assertIn('10.8.0.0/24', error.brief)


class EmptyTestCase(Base):
    """Nova remembers no port."""

    def test_neutron_has_some(self):
        self.ports.of_server.return_value = model.NetworkInfo([port('nat')])
        rewrite = self.reconciler.starter('context', self.instance, [])
        self.known = [port('nat')]
        self.apply(rewrite)
        self.ports.of_server.assert_called_once_with('context', self.instance)
        self.assertEqual([MACS['nat']], self.addresses())

    def test_neutron_has_none_either(self):
        self.ports.of_server.return_value = model.NetworkInfo()
        self.start([])
        self.assertEqual([], self.addresses())

    def test_neutron_cannot_be_asked(self):
        self.ports.of_server.return_value = None
        for method in ('starter', 'resumer', 'rebooter'):
            before = self.nics()
            self.start([], method)
            self.assertEqual(before, self.nics())
            self.assertIn('keeps its network adapters', self.log.output)

    def test_a_server_without_adapters_is_not_asked_for(self):
        self.rewrite([])
        self.start([])
        self.assertFalse(self.ports.of_server.called)

    def test_unreadable_vmx_is_left_alone(self):
        files.write_atomically(self.layout.vmx(UUID), 'half of a li')
        self.reconciler.starter(None, self.instance, [])
        self.assertFalse(self.ports.of_server.called)


class MeanwhileTestCase(Base):
    """Ports come and go between Nova's look at them and the start."""

    def prepare(self, *names):
        return self.reconciler.starter(None, self.instance,
                                       [port(name) for name in names])

    def test_one_that_came(self):
        rewrite = self.prepare('nat', 'vlan')
        self.attach('office')
        self.apply(rewrite)
        self.assertEqual([MACS[name] for name in ('nat', 'vlan', 'office')],
                         self.addresses())

    def test_one_that_went(self):
        rewrite = self.prepare('nat', 'vlan')
        self.detach('vlan')
        self.apply(rewrite)
        self.assertEqual([MACS['nat']], self.addresses())

    def test_a_server_that_nova_remembers_nothing_of(self):
        rewrite = self.prepare('nat')
        self.useFixture(fixtures.MockPatchObject(
            instance_info_cache.InstanceInfoCache, 'get_by_instance_uuid',
            side_effect=nova_exception.InstanceInfoCacheNotFound(
                instance_uuid=UUID)))
        self.apply(rewrite)
        self.assertEqual([MACS['nat']], self.addresses())


class TagsTestCase(Base):

    def tags(self):
        return [device.tags[0]
                for device in self.instance.device_metadata.devices]

    def test_those_of_adapters_that_are_gone_go(self):
        self.instance.device_metadata = metadata.InstanceDeviceMetadata(
            devices=[
                metadata.NetworkInterfaceMetadata(mac=MACS['nat'],
                                                  tags=['nat']),
                metadata.DiskMetadata(tags=['disk']),
                metadata.NetworkInterfaceMetadata(mac=MACS['vlan'],
                                                  tags=['vlan'])])
        self.start([port('nat'), port('vlan')])
        self.assertFalse(self.instance.save.called)
        self.ports.of_server.return_value = None
        self.start([])
        self.assertEqual(['nat', 'disk', 'vlan'], self.tags())
        self.start([port('nat')])
        self.assertEqual(['nat', 'disk'], self.tags())
        self.instance.save.assert_called_once_with()
        # The guest reads the same.
        self.describe.assert_called_once_with(self.instance)
