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

"""openstack server show --diagnostics, in both of its forms."""

from tests.functional.api import base


class DiagnosticsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.boot(
            networks=[{'port': self.neutron.port_1['id']}],
            config_drive=True)

    def ask(self, microversion='latest'):
        self.admin_api.microversion = microversion
        try:
            return self.admin_api.api_get(
                '/servers/%s/diagnostics' % self.server['id']).body
        finally:
            self.admin_api.microversion = self.microversion

    def test_typed(self):
        found = self.ask()
        self.assertEqual(
            ('running', 'vmwareapi', 'VMware Workstation', True, 1, 1, 1),
            tuple(found[name] for name in (
                'state', 'driver', 'hypervisor', 'config_drive', 'num_cpus',
                'num_nics', 'num_disks')))
        self.assertEqual(self.neutron.port_1['mac_address'],
                         found['nic_details'][0]['mac_address'])
        self.assertEqual(64, found['memory_details']['maximum'])
        self.assertGreater(found['cpu_details'][0]['time'], 0)
        self.assertGreater(found['disk_details'][0]['read_requests'], 0)

    def test_free(self):
        self.vmware.set_knobs(GUEST_IP='192.168.80.130')
        found = self.ask('2.47')
        self.assertEqual(
            ('running', '192.168.80.130',
             self.neutron.port_1['mac_address'], 'root.vmdk'),
            tuple(found[name] for name in (
                'state', 'guest_address', 'nic0_mac', 'disk0_file')))
        self.assertIn(
            '192.168.80.130 and Neutron shows %s'
            % self.neutron.port_1['fixed_ips'][0]['ip_address'],
            self.stdlog.logger.output)

    def test_a_guest_without_tools(self):
        self.flags(guest_address_timeout=1, group='vmrun')
        self.vmware.set_knobs(GUEST_IP='none')
        self.assertIsNone(self.ask('2.47')['guest_address'])

    def test_a_server_that_is_off_has_none(self):
        self._stop_server(self.server)
        response = self.admin_api.api_get(
            '/servers/%s/diagnostics' % self.server['id'],
            check_response_status=[409])
        self.assertEqual(409, response.status)
