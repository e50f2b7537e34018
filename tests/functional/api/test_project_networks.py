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

"""Networks that projects create, and addresses that do not fit a network."""

import io
import os

import fixtures
from nova import exception as nova_exception
from nova.network import neutron
from nova.tests.functional.api import client
from oslo_serialization import jsonutils
import pycdlib

from nova_vmrun.formats import identity
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import product
from tests.functional.api import test_evacuation
from tests.functional.api import test_networks
from tests.functional.api import two_hosts


class TestCase(test_networks.TestCase):

    MAPPINGS = {**test_networks.TestCase.MAPPINGS,
                'physnet-far': 'vmnet2'}

    def _fake_vmware(self):
        vmware = super()._fake_vmware()
        vmware.host_networks['vmnet2'] = ('hostOnly', True, '172.16.12.0')
        return vmware

    def add_local_port(self):
        """Add a port as it is bound on a network of type local."""
        port = self.add_port(None)
        details = self.neutron._ports[port]['binding:vif_details']
        details['network_type'] = 'local'
        return port

    def pvn_ids(self, server):
        vmx = self.vmx(server)
        return [vmx.get('ethernet%d.pvnID' % number) for number in range(2)]


class LanSegmentTestCase(TestCase):

    def test_adapters(self):
        ports = [self.add_port('physnet-nat'), self.add_local_port()]
        server = self.boot_with(*ports)
        self.assertEqual({0: (self.mac(ports[0]), 'nat', None),
                          1: (self.mac(ports[1]), 'pvn', None)},
                         self.adapters(server))
        network = self.neutron._ports[ports[1]]['network_id']
        segments = [None, identity.to_segment(network)]
        self.assertEqual(segments, self.pvn_ids(server))

        self._reboot_server(server, hard=True)
        self._stop_server(server)
        self._start_server(server)
        self.assertEqual(segments, self.pvn_ids(server))
        self.admin_api.microversion = '2.47'
        found = self.admin_api.api_get(
            '/servers/%s/diagnostics' % server['id']).body
        self.assertEqual('LAN segment ' + network, found['nic1_network'])

    def test_only_the_network_with_a_way_out_has_a_default_route(self):
        server = self.boot_with(self.add_port('physnet-nat'),
                                self.add_local_port(), config_drive=True)
        drive = pycdlib.PyCdlib()
        drive.open(self.path(server, 'config-drive.iso'))
        self.addCleanup(drive.close)
        content = io.BytesIO()
        drive.get_file_from_iso_fp(
            content, joliet_path='/openstack/latest/network_data.json')
        self.assertEqual(
            [(['0.0.0.0']), []],
            [[route['network'] for route in network['routes']]
             for network in jsonutils.loads(content.getvalue())['networks']])

    def test_attached_to_a_stopped_server(self):
        server = self.boot_with(self.add_port('physnet-nat'))
        self._stop_server(server)
        self._attach_interface(server, self.add_local_port())
        self.assertEqual('pvn', self.adapters(server)[1][1])
        self._start_server(server)
        self.assertRunning(server)

    def test_fusion_refuses_it_before_anything_is_built(self):
        hypervisor = self.compute.manager.driver._hypervisor
        hypervisor.networks._product = product.Product(
            product.FUSION, None, 'vmrun', None)
        server = self.boot_with(self.add_local_port(), expected_state='ERROR')
        self.assertIn('VMware Fusion has no LAN segments', self.fault(server))
        self.assertIn('of type flat', self.fault(server))
        self.assertFalse(os.path.exists(self.path(server)))
        self.assertEqual([], self.vmware.running())


class TwoHostsTestCase(two_hosts.TwoHosts, TestCase):
    """Two servers on a network that ends at its host."""

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        flavor_id = self.add_flavor(disk=0)
        self.ports = [self.add_local_port(), self.add_local_port()]
        self.servers = [self.boot_with(port, flavor_id=flavor_id,
                                       host='compute')
                        for port in self.ports]

    def test_neither_moves_until_the_other_is_gone(self):
        running = self.vmware.run('list')
        for server, port in zip(self.servers, self.ports):
            self.admin_api.post_server_action(server['id'], {'migrate': None})
            event = self._wait_for_action_fail_completion(
                server, 'migrate', 'compute_resize_instance')
            self._wait_for_state_change(server, 'ACTIVE')
            # "node drain" reports this; Nova shows 255 bytes.
            self.assertEqual(
                'Resize error: Server %s cannot move: other servers on its '
                'network %s are on host compute. Shelve them while it moves, '
                'or stop them and remove their ports on the network.'
                % (server['id'], self.neutron._ports[port]['network_id']),
                event['details'].partition(' A network of')[0])
        self.assertEqual(running, self.vmware.run('list'))
        self._delete_server(self.servers[1])
        self.neutron._ports.pop(self.ports[1])
        self.admin_api.post_server_action(self.servers[0]['id'],
                                          {'migrate': None})
        self._wait_for_state_change(self.servers[0], 'VERIFY_RESIZE')
        self.assertRunsAt('second', self.servers[0])


class MoveTestCase(two_hosts.TwoHosts, TestCase):
    """A server takes its network along to another host."""

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.port = self.add_local_port()
        self.server = self.boot_with(
            self.port, flavor_id=self.add_flavor(disk=0), host='compute')

    def act(self, action, status):
        self.admin_api.post_server_action(self.server['id'], action)
        self._wait_for_state_change(self.server, status)

    def cut(self, action):
        """Do what fails before Nova has bound the port to the new host."""
        with fixtures.MockPatchObject(
                neutron.API, 'migrate_instance_finish',
                side_effect=nova_exception.PortUpdateFailed(
                    port_id=self.port, reason='Neutron does not answer')):
            self.act(action, 'ERROR')

    def host_of_port(self):
        return self.neutron._ports[self.port]['binding:host_id']

    def assert_cable(self, host, connected):
        self.assertRunsAt(host, self.server)
        keys = vmx.load(files.read(
            self.at(host, self.server, self.server['id'] + '.vmx')))
        self.assertEqual(('pvn', connected), (
            keys['ethernet0.connectionType'],
            keys['ethernet0.startConnected']))

    def assert_kept_apart(self, host, other):
        """The network is not on two hosts; leave the server stopped."""
        self.assertEqual((host, other),
                         (self.where(self.server), self.host_of_port()))
        self.admin_api.post_server_action(self.server['id'],
                                          {'reboot': {'type': 'HARD'}})
        event = self._wait_for_action_fail_completion(
            self.server, 'reboot', 'compute_reboot_instance')
        self.assertIn('Port %s is bound to host %s, not to this one'
                      % (self.port, other), event['details'])
        self.assertEqual([], self.running(host))
        self._stop_server(self.server)
        self._start_server(self.server)
        self.assert_cable(host, 'FALSE')
        self.assertIn('bound to host %s, not to this one' % other,
                      self.stdlog.logger.output)
        self._stop_server(self.server)

    def test_there_and_back(self):
        self.act({'migrate': None}, 'VERIFY_RESIZE')
        self.assertEqual('second', self.host_of_port())
        self.assert_cable('second', 'TRUE')
        self.act({'revertResize': None}, 'ACTIVE')
        self.assertEqual('compute', self.host_of_port())
        self.assert_cable('compute', 'TRUE')

    def test_an_interrupted_move(self):
        self.cut({'migrate': None})
        self.assert_kept_apart('second', 'compute')
        # An administrator: openstack port set --host
        self.neutron.update_port(self.port, {'port': {
            'binding:host_id': 'second'}})
        self._start_server(self.server)
        self.assert_cable('second', 'TRUE')
        self._reboot_server(self.server, hard=True)
        self.assert_cable('second', 'TRUE')

    def test_an_interrupted_move_back(self):
        self.act({'migrate': None}, 'VERIFY_RESIZE')
        self.cut({'revertResize': None})
        self.assert_kept_apart('compute', 'second')
        self._detach_interface(self.server, self.port)
        self._attach_interface(self.server, self.port)
        self.assertEqual('compute', self.host_of_port())
        self._start_server(self.server)
        self.assert_cable('compute', 'TRUE')


class EvacuationTestCase(test_evacuation.TestCase, TestCase):

    share_storage = True

    def make_server(self):
        self.port = self.add_local_port()
        return self.boot(self.image_id, self.add_flavor(disk=0),
                         networks=[{'port': self.port}], host='compute')

    def test_its_cable_stays_plugged_in(self):
        self.lose(fenced=True)
        self.evacuate()
        self.assertEqual('second',
                         self.neutron._ports[self.port]['binding:host_id'])
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.assertEqual('TRUE', vmx.load(files.read(self.vmx['second']))[
            'ethernet0.startConnected'])


class UnboundTestCase(TestCase):
    """Neutron no longer binds two ports of a server."""

    def test_its_ports_come_and_go(self):
        ports = [self.add_local_port(), self.add_local_port()]
        server = self.boot_with(self.add_port('physnet-nat'), *ports)
        for port in ports:
            self.neutron.update_port(port, {'port': {
                'binding:vif_type': 'binding_failed',
                'binding:vif_details': {}}})
        self._stop_server(server)
        self._start_server(server)
        self._stop_server(server)
        self._detach_interface(server, ports[0])
        self.assertEqual([0, 2], list(self.adapters(server)))
        self._attach_interface(server, self.add_port('physnet-private'))
        self.assertEqual(['nat', 'custom', 'pvn'], [
            connection for _, connection, _ in
            self.adapters(server).values()])


class AddressOutsideTheRangeTestCase(TestCase):

    def test_a_new_server(self):
        server = self.boot_with(self.add_port('physnet-far'),
                                expected_state='ERROR')
        self.assertIn('192.168.1.3 is outside the range of vmnet2, which is '
                      '172.16.12.0/24', self.fault(server))
        self.assertEqual([], self.vmware.running())

    def test_a_port_for_a_stopped_server(self):
        server = self.boot_with(self.add_port('physnet-nat'))
        self._stop_server(server)
        port = self.add_port('physnet-far')
        self.assertRaises(
            client.OpenStackApiException, self.api.attach_interface,
            server['id'], {'interfaceAttachment': {'port_id': port}})
        self.assertIn('outside the range of vmnet2',
                      self.stdlog.logger.output)
        self.assertEqual(1, len(self.adapters(server)))

    def test_a_server_that_is_there_already_still_starts(self):
        server = self.boot_with(self.add_port('physnet-nat'))
        self._stop_server(server)
        networks = self.compute.manager.driver._hypervisor.networks
        networks._mappings['physnet-nat'] = networks._mappings['physnet-far']
        self._start_server(server)
        self.assertEqual('vmnet2', self.adapters(server)[0][2])


class DisabledPortTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.ports = [self.add_port('physnet-nat'),
                      self.add_port('physnet-nat')]

    def enable(self, enabled):
        self.neutron._ports[self.ports[1]]['admin_state_up'] = enabled

    def assert_cables(self, server, second):
        vmx = self.vmx(server)
        self.assertEqual(('TRUE', second), (vmx['ethernet0.startConnected'],
                                            vmx['ethernet1.startConnected']))

    def test_its_cable_is_unplugged_from_the_next_start_on(self):
        server = self.boot_with(*self.ports)
        for enabled, connected in ((False, 'FALSE'), (True, 'TRUE')):
            self._stop_server(server)
            self.enable(enabled)
            self._start_server(server)
            self.assert_cables(server, connected)

    def test_first_start_and_rescue(self):
        self.enable(False)
        server = self.boot_with(*self.ports)
        self.assert_cables(server, 'FALSE')
        self.enable(True)
        self.admin_api.post_server_action(server['id'], {'rescue': {}})
        self._wait_for_state_change(server, 'RESCUE')
        self.assert_cables(server, 'TRUE')


class TooManyTestCase(TestCase):

    def test_eleven_adapters(self):
        server = self.boot_with(
            *(self.add_port('physnet-nat') for _ in range(11)),
            expected_state='ERROR')
        self.assertIn('11 network adapters', self.fault(server))
        self.assertEqual([], self.vmware.running())
