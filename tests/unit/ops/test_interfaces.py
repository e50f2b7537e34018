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
import shutil
import threading
import types
from unittest import mock

import fixtures
from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance_info_cache
import testscenarios

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops import cables
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import drives
from nova_vmrun.ops import guest_info
from nova_vmrun.ops import interfaces
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops import serial_consoles
from nova_vmrun.ops import tagged_devices
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops import test_definition
from tests.unit import stubs

UUID = hosts.UUID
# Two networks and a VLAN: name, connectionType, vnet.
PORTS = {
    'nat': ('physnet1', None, 'nat', None),
    'office': ('office', None, 'bridged', None),
    'vlan': ('physnet1', 101, 'custom', 'vmnet11'),
}
MACS = {name: 'fa:16:3e:00:00:0%d' % number
        for number, name in enumerate(PORTS, 1)}


def port(name):
    """Returns a port as Neutron tells Nova of it."""
    physical, vlan, _, _ = PORTS[name]
    details = {'physical_network': physical}
    if vlan:
        details['segmentation_id'] = vlan
    return model.VIF(
        id=name, address=MACS[name].upper(), type='vmrun', details=details,
        network=model.Network(id='net', physical_network=physical))


class Base(hosts.TestCase):
    """A stopped server, and the ports that Nova knows of."""

    def setUp(self):
        super().setUp()
        conf = stubs.conf(
            default_guestos='otherlinux-64', desktop_integration=False,
            template_dirs=[], default_vmnet='', vmnet_mappings={
                'physnet1': 'nat', 'office': 'bridged',
                'physnet1.101': 'vmnet11'})
        screens = mock.create_autospec(consoles.Consoles, instance=True)
        screens.listen_address = '127.0.0.1'
        screens.port_of.return_value = None
        self.vlans = mock.Mock()
        self.networks = networks.Networks(conf, stubs.HostNetworks(),
                                          self.vlans, self.product)
        self.definitions = definition.Definitions(
            self.host(types.SimpleNamespace(vmrun=conf)), self.servers,
            self.make_access(
                consoles=screens,
                guest_info=guest_info.GuestInfo(conf, self.layout),
                serial_consoles=serial_consoles.SerialConsoles(
                    self.host(stubs.serial_conf()), self.servers)),
            drives.Drives(self.host(), self.servers, self.images()),
            self.networks)
        self.ports = mock.create_autospec(ports.Ports, instance=True)
        self.ports.is_deleted.return_value = False
        self.ports.states.return_value = {}
        # Tags by MAC address, as in Nova's database.
        self.tags_by_mac = {}
        self.useFixture(fixtures.MockPatch(
            'nova.objects.virtual_interface.VirtualInterfaceList'
            '.get_by_instance_uuid', lambda context, uuid: [
                types.SimpleNamespace(address=mac, tag=tag)
                for mac, tag in self.tags_by_mac.items()]))
        self.tagged = tagged_devices.TaggedDevices(
            self.disk_lists, guest_info.GuestInfo(conf, self.layout))
        self.describe = self.useFixture(fixtures.MockPatchObject(
            self.tagged, 'describe', return_value=None)).mock
        self.cables = cables.Cables(self.host(), self.servers, self.ports)
        self.interfaces = interfaces.Interfaces(
            self.servers, self.definitions, self.networks, self.ports,
            self.tagged, self.cables)
        self.instance = test_definition.instance(
            image_hw_vif_model='vmxnet3')
        self.instance.device_metadata = None
        self.instance.save = mock.Mock()
        self.records.create(UUID, 'instance-1', 5900)
        self.known = []
        self.useFixture(fixtures.MockPatchObject(
            instance_info_cache.InstanceInfoCache, 'get_by_instance_uuid',
            lambda context, uuid: types.SimpleNamespace(
                network_info=self.known)))
        self.definitions.write(
            self.definitions.draft(self.instance, {}), ())

    def attach(self, name):
        """Does what Nova does: it notes the port, then asks the driver."""
        self.known = self.known + [port(name)]
        self.interfaces.attach(None, self.instance, port(name))

    def detach(self, name):
        self.interfaces.detach(None, self.instance, port(name))
        self.known = [vif for vif in self.known if vif['id'] != name]

    def rewrite(self, ports):
        """Does what a hard reboot does."""
        write = self.definitions.rewriter(self.instance, ports)
        with vmx_file.VmxFiles(self.layout).opened(UUID) as file:
            write(file)

    def text(self):
        return files.read(self.layout.vmx(UUID))

    def nics(self):
        """Returns the keys of each adapter by its number."""
        found = {}
        for key, value in vmx.load(self.text()).items():
            device, _, name = key.partition('.')
            if device.startswith('ethernet'):
                found.setdefault(device, {})[name] = value
        return found

    def power_cycle(self):
        """Does what VMware does with a VM's adapters."""
        live = vmx.load(self.text())
        for device in self.nics():
            live.setdefault(device + '.pciSlotNumber',
                            'of ' + live[device + '.address'])
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))


def expected(name):
    """Returns the keys of an adapter that VMware has seen once."""
    _, _, connection, vnet = PORTS[name]
    keys = {
        'present': 'TRUE', 'virtualDev': 'vmxnet3',
        'connectionType': connection, 'addressType': 'static',
        'address': MACS[name], 'checkMACAddress': 'FALSE',
        'startConnected': 'TRUE', 'allowGuestConnectionControl': 'FALSE',
        'pciSlotNumber': 'of ' + MACS[name]}
    return dict(keys, vnet=vnet) if vnet else keys


class OrderTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [('attach %s' % ' '.join(order), {'order': order})
                 for order in itertools.permutations(PORTS)]

    def check(self, places):
        self.power_cycle()
        self.assertEqual(
            {'ethernet%d' % slot: expected(name)
             for name, slot in places.items()}, self.nics())
        before = self.text()
        # A hard reboot gets the ports in Neutron's order.
        self.rewrite(self.known[::-1])
        self.assertEqual(vmx.load(before), vmx.load(self.text()))
        self.assertEqual(before.count(b'ethernet'),
                         self.text().count(b'ethernet'))

    def test_every_order_of_detaching(self):
        for leaving in itertools.permutations(PORTS):
            places = {}
            for slot, name in enumerate(self.order):
                self.attach(name)
                places[name] = slot
                self.check(places)
            for name in leaving:
                self.detach(name)
                del places[name]
                self.check(places)

    def test_a_port_that_comes_back_takes_the_free_place(self):
        for name in self.order:
            self.attach(name)
        places = {name: slot for slot, name in enumerate(self.order)}
        for name in self.order:
            self.detach(name)
            self.attach(name)
            self.check(places)


class InterfacesTestCase(Base):

    def test_once_more(self):
        self.attach('nat')
        before = self.text()
        self.interfaces.attach(None, self.instance, port('nat'))
        self.assertEqual(before, self.text())
        self.detach('nat')
        self.interfaces.detach(None, self.instance, port('nat'))
        self.assertEqual({}, self.nics())

    def test_nothing_else_changes(self):
        before = self.text()
        self.attach('vlan')
        self.assertNotEqual(before, self.text())
        self.detach('vlan')
        self.assertEqual(before, self.text())

    def test_a_port_that_nova_only_wants_to_attach_is_left_out(self):
        self.known = [port('office')]
        self.attach('nat')
        self.assertEqual({'ethernet0': MACS['nat']},
                         {device: keys['address']
                          for device, keys in self.nics().items()})

    def test_a_server_that_is_not_stopped(self):
        self.attach('nat')
        before = self.text()
        for state, reason in ((states.State.RUNNING, 'It is running'),
                              (states.State.PAUSED, 'paused'),
                              (states.State.SUSPENDED, 'suspended'),
                              (states.State.UNKNOWN, 'not known')):
            with fixtures.MockPatchObject(self.states, 'get',
                                          return_value=state):
                for refused in (lambda: self.attach('office'),
                                lambda: self.detach('nat')):
                    error = self.assertRaises(exception.VmrunError, refused)
                    self.assertIn(reason, error.details)
                    self.assertIn('Stop the server', error.resolution)
        self.assertEqual(before, self.text())

    def open_in_a_window(self, **owner):
        return locks.lock(self.layout.vmx(UUID), program='vmware', **owner)

    def test_a_server_that_is_open_in_a_window(self):
        self.attach('nat')
        before = self.text()
        self.open_in_a_window()
        self.useFixture(fixtures.MockPatchObject(
            interfaces, '_CLOSE_SECONDS', 0))
        for refused in (lambda: self.attach('office'),
                        lambda: self.detach('nat')):
            error = self.assertRaises(exception.VmrunError, refused)
            self.assertIn('VMware window', error.details)
            self.assertIn('Close', error.resolution)
        self.assertEqual(before, self.text())

    def test_a_lock_that_a_crash_has_left(self):
        self.open_in_a_window(born=1)
        self.attach('nat')
        self.assertEqual(1, len(self.nics()))

    def test_a_vm_that_has_just_gone_off(self):
        lock = self.open_in_a_window()
        self.useFixture(fixtures.MockPatch(
            'time.sleep', lambda seconds: shutil.rmtree(lock)))
        self.attach('nat')
        self.assertEqual(1, len(self.nics()))

    def test_a_start_is_waited_for(self):
        self.known = [port('nat')]
        errors = []

        def attach():
            try:
                self.interfaces.attach(None, self.instance, port('nat'))
            except exception.VmrunError as error:
                errors.append(error.details)

        thread = threading.Thread(target=attach)
        with vmx_file.VmxFiles(self.layout).opened(UUID):
            thread.start()
            thread.join(0.2)
            self.assertTrue(thread.is_alive())
            self.start()
        thread.join()
        self.assertEqual(['It is running.'], errors)
        self.assertEqual({}, self.nics())

    def test_state_is_not_taken_from_the_cache(self):
        self.states.get(UUID)
        self.start()
        self.assertRaises(exception.VmrunError, self.attach, 'nat')

    def test_a_server_without_a_vm(self):
        self.known = []
        other = test_definition.instance()
        other.uuid, other.device_metadata = hosts.OTHER, None
        for change in (self.interfaces.attach, self.interfaces.detach):
            self.assertRaises(exception.VmNotFound, change, None, other,
                              port('nat'))

    def test_the_network_of_a_new_adapter_is_checked_first(self):
        self.vlans.check.side_effect = exception.InvalidConfiguration('no')
        before = self.text()
        self.assertRaises(exception.InvalidConfiguration, self.attach, 'vlan')
        self.assertEqual(before, self.text())

    def test_an_adapter_without_a_network_can_be_taken_away(self):
        self.attach('nat')
        self.attach('vlan')
        self.vlans.check.side_effect = exception.InvalidConfiguration('no')
        self.detach('nat')
        self.detach('vlan')
        self.assertEqual({}, self.nics())

    def test_ports_that_are_not_bound_do_not_stand_in_the_way(self):
        self.attach('office')
        self.attach('vlan')
        before = self.nics()
        for vif in self.known:
            vif['type'] = 'binding_failed'
        self.attach('nat')
        self.assertEqual(MACS['nat'], self.nics()['ethernet2']['address'])
        self.detach('nat')
        self.assertEqual(before, self.nics())
        self.detach('office')
        self.assertEqual({'ethernet1': before['ethernet1']}, self.nics())

    def test_a_new_port_has_to_be_bound(self):
        vif = port('nat')
        vif['type'] = 'binding_failed'
        self.known = [vif]
        self.assertRaises(nova_exception.VirtualInterfacePlugException,
                          self.interfaces.attach, None, self.instance, vif)
        self.assertEqual({}, self.nics())

    def twin(self):
        """Return a port of another network with the address of one."""
        vif = port('office')
        vif['address'] = MACS['nat']
        return vif

    def test_a_second_port_with_the_address_is_refused(self):
        self.attach('nat')
        before = self.text()
        self.known = self.known + [self.twin()]
        for _ in range(2):
            error = self.assertRaises(
                exception.InvalidInput, self.interfaces.attach, None,
                self.instance, self.twin())
            self.assertIn(MACS['nat'], error.brief)
            self.assertIn('Ports nat and office', error.details)
        self.assertEqual(before, self.text())
        # Nova gives the port back, and another one can come.
        self.known = [port('nat')]
        self.attach('vlan')

    def test_the_adapter_stays_for_the_port_that_stays(self):
        """Such servers were possible once."""
        self.attach('nat')
        self.known = self.known + [self.twin()]
        self.interfaces.detach(None, self.instance, self.twin())
        self.assertEqual([('nat', MACS['nat'])], [
            (nic['connectionType'], nic['address'])
            for nic in self.nics().values()])

    def test_a_new_server_with_two_such_ports_is_refused(self):
        draft = self.definitions.draft(self.instance, {})
        error = self.assertRaises(
            exception.InvalidInput, self.definitions.check_new, draft, (),
            [port('nat'), self.twin()])
        self.assertIn('Two network adapters have the address ' + MACS['nat'],
                      error.brief)
        self.assertIn('different MAC addresses', error.resolution)

    def test_no_more_than_vmware_has_places(self):
        for number in range(11):
            vif = port('nat')
            vif.update(id='port-%d' % number,
                       address='fa:16:3e:00:01:%02d' % number)
            self.known = self.known + [vif]
            if number < 10:
                self.interfaces.attach(None, self.instance, vif)
        error = self.assertRaises(exception.InvalidInput,
                                  self.interfaces.attach, None,
                                  self.instance, vif)
        self.assertIn('11 network adapters', error.brief)
        self.assertEqual(10, len(self.nics()))


class CrashTestCase(testscenarios.TestWithScenarios, Base):
    """The power is cut before one of the files is written."""

    scenarios = [('%s, before write %d' % (change, number),
                  {'change': change, 'number': number})
                 for change in ('attach', 'detach') for number in (1, 2)]

    def setUp(self):
        super().setUp()
        self.attach('nat')
        if self.change == 'detach':
            self.attach('vlan')
        with fixtures.MockPatchObject(files, 'write_atomically',
                                      self._cut(files.write_atomically)):
            self.assertRaises(KeyboardInterrupt, getattr(self, self.change),
                              'vlan')

    def _cut(self, write):
        calls = itertools.count(1)

        def wrapper(*args):
            if next(calls) == self.number:
                raise KeyboardInterrupt
            write(*args)

        return wrapper

    def addresses(self):
        return {keys['address'] for keys in self.nics().values()}

    def test_it_can_be_repeated(self):
        with_vlan = {MACS['nat'], MACS['vlan']}
        if self.change == 'attach':
            self.interfaces.attach(None, self.instance, port('vlan'))
            self.assertEqual(with_vlan, self.addresses())
        self.detach('vlan')
        self.assertEqual({MACS['nat']}, self.addresses())

    def test_a_hard_reboot_mends_it(self):
        for names in (['nat'], ['nat', 'vlan'], []):
            self.rewrite([port(name) for name in names])
            self.assertEqual({MACS[name] for name in names},
                             self.addresses())
