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


"""Ports and the adapters of servers."""

import os

import fixtures
from nova.tests.functional.api import client
from oslo_utils import uuidutils

from nova_vmrun.host import host_networks
from tests.functional.api import base

VLAN = 101
NETWORKING = 'VERSION=1,0\nadd_bridge_mapping %s 11\n'
# Replaces iproute2: the test host has no VLAN interface.
IP = """\
#!/bin/sh
echo '[{"ifname": "%(interface)s", "link": "lo", "linkinfo": {
  "info_kind": "vlan", "info_data": {"id": %(vlan)d}}}]'
"""


class TestCase(base.TestCase):
    """A host with a NAT, a host-only and two bridged networks."""

    MAPPINGS = {'physnet-nat': 'nat', 'physnet-private': 'vmnet1',
                'physnet-lan.101': 'vmnet11', 'physnet-gone': 'vmnet7'}

    def _setup_services(self):
        self.host_folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MockPatchObject(
            host_networks, '_FOLDERS', {'linux': self.host_folder}))
        self.useFixture(fixtures.MockPatch(
            'psutil.net_if_stats', return_value={'lo': 1, 'lo.101': 1}))
        programs = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable(
            'PATH', programs + ':' + os.environ['PATH']))
        self.ip = os.path.join(programs, 'ip')
        self.set_vlan('lo.101', VLAN)
        self.flags(vmnet_mappings=self.MAPPINGS, vlan_interface='lo',
                   default_vmnet='', group='vmrun')
        super()._setup_services()

    def _fake_vmware(self):
        vmware = super()._fake_vmware()
        vmware.host_networks = {
            'vmnet0': ('bridged', False, ''),
            'vmnet1': ('hostOnly', True, '192.168.1.0'),
            'vmnet8': ('nat', True, '192.168.1.0'),
            'vmnet11': ('bridged', False, '')}
        return vmware

    def set_vlan(self, interface, vlan):
        """Make the host's vmnet11 be bridged to an interface of a VLAN."""
        path = os.path.join(self.host_folder, 'networking')
        with open(path, 'w') as file:
            file.write(NETWORKING % interface)
        with open(self.ip, 'w') as file:
            file.write(IP % {'interface': interface, 'vlan': vlan})
        os.chmod(self.ip, 0o755)

    def add_port(self, physical, vlan=None, address=None, vif_type='vmrun'):
        """Make a port as our mechanism driver binds it; return its id."""
        details = {'physical_network': physical, 'port_filter': False}
        if vlan:
            details['segmentation_id'] = vlan
        port = dict(
            self.neutron.port_1, id=uuidutils.generate_uuid(),
            mac_address=address or 'fa:16:3e:00:00:%02x' % len(
                self.neutron._ports),
            **{'binding:vif_type': vif_type, 'binding:vif_details': details})
        self.neutron._ports[port['id']] = port
        return port['id']

    def mac(self, port):
        return self.neutron._ports[port]['mac_address']

    def boot_with(self, *ports, **options):
        return self.boot(networks=[{'port': port} for port in ports],
                         **options)

    def adapters(self, server):
        """Return (MAC, connectionType, vnet) by the adapter's number."""
        vmx = self.vmx(server)
        return {number: (vmx[name + 'address'], vmx[name + 'connectionType'],
                         vmx.get(name + 'vnet'))
                for number, name in enumerate(
                    'ethernet%d.' % number for number in range(10))
                if vmx.get_bool(name + 'present')}

    def ports_of(self, server):
        return [entry['port_id'] for entry in
                self.admin_api.get_port_interfaces(server['id'])]


class BootTestCase(TestCase):

    def test_two_networks_and_a_vlan(self):
        ports = [self.add_port('physnet-nat'),
                 self.add_port('physnet-private'),
                 self.add_port('physnet-lan', VLAN)]
        server = self.boot_with(*ports)
        self.assertEqual(
            {0: (self.mac(ports[0]), 'nat', None),
             1: (self.mac(ports[1]), 'custom', 'vmnet1'),
             2: (self.mac(ports[2]), 'custom', 'vmnet11')},
            self.adapters(server))

    def test_addresses_in_vmwares_own_range(self):
        port = self.add_port('physnet-nat', address='00:50:56:12:34:56')
        server = self.boot_with(port)
        self.assertEqual('00:50:56:12:34:56', self.adapters(server)[0][0])

    def test_a_network_that_vmware_does_not_have(self):
        server = self.boot_with(self.add_port('physnet-gone'),
                                expected_state='ERROR')
        self.assertIn('no virtual network vmnet7', self.fault(server))

    def test_a_vlan_that_the_host_does_not_carry(self):
        self.set_vlan('lo.101', 102)
        server = self.boot_with(self.add_port('physnet-lan', VLAN),
                                expected_state='ERROR')
        self.assertIn('does not carry VLAN 101', self.fault(server))
        self.assertEqual([], self.vmware.running())

    def test_a_port_that_another_driver_has_bound(self):
        server = self.boot_with(self.add_port('physnet-lan', vif_type='ovs'),
                                expected_state='ERROR')
        self.assertIn('vif_type ovs', self.fault(server))
        self.assertIn('mechanism_drivers', self.fault(server))
        self.assertEqual([], self.vmware.running())

    def test_one_warning_of_security_groups_at_each_boot(self):
        server = self.boot_with(self.add_port('physnet-nat'))
        for count, boot in enumerate((
                lambda: None,
                lambda: self._reboot_server(server, hard=True),
                lambda: (self._stop_server(server),
                         self._start_server(server))), 1):
            boot()
            self.assertEqual(
                count, self.stdlog.logger.output.count(
                    'Nothing enforces security groups'))


class ChangedHostTestCase(TestCase):
    """The host has changed since a server was started."""

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.server = self.boot_with(self.add_port('physnet-lan', VLAN))

    def action(self, body):
        self.admin_api.post_server_action(self.server['id'], body)

    def test_a_stopped_server_is_not_started(self):
        self._stop_server(self.server)
        self.set_vlan('lo.101', 102)
        self.action({'os-start': None})
        self._wait_for_action_fail_completion(
            self.server, 'start', 'compute_start_instance')
        self.assertFalse(self.is_running(self.server))
        self.set_vlan('lo.101', VLAN)
        self._start_server(self.server)
        self.assertRunning(self.server)

    def test_a_suspended_server_stays_so(self):
        self._suspend_server(self.server)
        self.set_vlan('lo.101', 102)
        self.action({'resume': None})
        self._wait_for_action_fail_completion(
            self.server, 'resume', 'compute_resume_instance')
        server = self._wait_for_state_change(self.server, 'SUSPENDED')
        self.assertIsNone(server['OS-EXT-STS:task_state'])

    def test_a_server_that_runs_is_not_stopped_by_a_reboot(self):
        before = self.pid_of(self.server)
        self.set_vlan('lo.101', 102)
        self.action({'reboot': {'type': 'HARD'}})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertIn('does not carry VLAN 101', self.stdlog.logger.output)
        self.assertRunning(self.server)
        self.assertEqual(before, self.pid_of(self.server))


class OthersPortTestCase(TestCase):
    """Another mechanism driver has bound the port of a server."""

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.port = self.add_port('physnet-nat')
        self.server = self.boot_with(self.port)
        self.bind('ovs')

    def bind(self, vif_type):
        self.neutron._ports[self.port]['binding:vif_type'] = vif_type
        for binding in self.neutron._port_bindings[self.port].values():
            binding['vif_type'] = vif_type

    def action(self, body):
        self.admin_api.post_server_action(self.server['id'], body)

    def test_a_hard_reboot_leaves_it_running(self):
        before = self.pid_of(self.server)
        self.action({'reboot': {'type': 'HARD'}})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertIn('(vif_type ovs)', self.stdlog.logger.output)
        self.assertEqual(before, self.pid_of(self.server))

    def test_it_starts_once_the_port_is_bound_anew(self):
        self._stop_server(self.server)
        self.action({'os-start': None})
        self._wait_for_action_fail_completion(
            self.server, 'start', 'compute_start_instance')
        self.assertIn('(vif_type ovs)', self.stdlog.logger.output)
        self.assertFalse(self.is_running(self.server))
        self.bind('vmrun')
        self._start_server(self.server)
        self.assertRunning(self.server)


class AttachTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.first = self.add_port('physnet-nat')
        self.server = self.boot_with(self.first, image_id=self.add_image(
            properties={'hw_vif_model': 'vmxnet3'}))

    def stop(self):
        self.server = self._stop_server(self.server)

    def test_an_adapter_comes_and_goes(self):
        self.stop()
        private = self.add_port('physnet-private')
        vlan = self.add_port('physnet-lan', VLAN)
        self._attach_interface(self.server, private)
        self._attach_interface(self.server, vlan)
        places = {0: (self.mac(self.first), 'nat', None),
                  1: (self.mac(private), 'custom', 'vmnet1'),
                  2: (self.mac(vlan), 'custom', 'vmnet11')}
        self.assertEqual(places, self.adapters(self.server))
        self._start_server(self.server)
        vmx = self.vmx(self.server)
        slots = [vmx['ethernet%d.pciSlotNumber' % number]
                 for number in range(3)]
        self.assertEqual(['vmxnet3'] * 3,
                         [vmx['ethernet%d.virtualDev' % number]
                          for number in range(3)])

        self.stop()
        self._detach_interface(self.server, private)
        del places[1]
        self.assertEqual(places, self.adapters(self.server))
        self._reboot_server(self.server, hard=True)
        self.assertEqual(places, self.adapters(self.server))
        vmx = self.vmx(self.server)
        self.assertEqual([slots[0], slots[2]],
                         [vmx['ethernet%d.pciSlotNumber' % number]
                          for number in (0, 2)])
        self.assertEqual([self.first, vlan], self.ports_of(self.server))

        self.stop()
        back = self.add_port('physnet-private')
        self._attach_interface(self.server, back)
        places[1] = (self.mac(back), 'custom', 'vmnet1')
        self.assertEqual(places, self.adapters(self.server))

    def test_the_last_one_goes(self):
        self.stop()
        self._detach_interface(self.server, self.first)
        self._start_server(self.server)
        self.assertRunning(self.server)
        self.assertEqual({}, self.adapters(self.server))

    def test_a_running_server_gets_none(self):
        before = self.adapters(self.server)
        port = self.add_port('physnet-private')
        error = self.assertRaises(
            client.OpenStackApiException, self.api.attach_interface,
            self.server['id'], {'interfaceAttachment': {'port_id': port}})
        self.assertEqual(500, error.response.status_code)
        self.assertIn('Stop the server first', self.stdlog.logger.output)
        self.assertEqual(before, self.adapters(self.server))
        self.assertEqual([self.first], self.ports_of(self.server))
        # The port can be used elsewhere.
        self.assertFalse(self.neutron._ports[port]['device_id'])

    def test_a_port_that_was_deleted_in_neutron(self):
        """Nova then asks the driver, whatever the server does."""
        for stop in (False, True):
            if stop:
                self.stop()
            self.admin_api.create_server_external_events([{
                'name': 'network-vif-deleted', 'tag': self.first,
                'server_uuid': self.server['id']}])
            self.assertEqual(0 if stop else 1,
                             len(self.adapters(self.server)))


class RefusedDetachTestCase(TestCase):

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.first = self.add_port('physnet-nat')
        self.server = self.boot_with(self.first)

    def test_a_running_server_loses_none(self):
        before = self.adapters(self.server)
        self.api.detach_interface(self.server['id'], self.first)
        self._wait_for_action_fail_completion(
            self.server, 'detach_interface', 'compute_detach_interface')
        self.assertIn('Stop the server first', self.stdlog.logger.output)
        self.assertEqual(before, self.adapters(self.server))
        self.assertEqual([self.first], self.ports_of(self.server))
