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
from keystoneauth1 import fixture as keystone_fixture
import requests
from requests_mock.contrib import fixture as requests_fixture

from nova_vmrun.doctor import gather_host_in_cloud
from nova_vmrun.doctor import host_in_cloud
from tests.unit import base

_KEYSTONE = 'http://keystone:5000/v3'
_NOVA, _PLACEMENT = 'http://nova:8774/v2.1', 'http://placement:8778'
_NEUTRON = 'http://neutron:9696'
_CREDENTIALS = """
[%s]
auth_type = password
auth_url = http://keystone:5000/v3
username = nova
password = open-sesame
user_domain_name = Default
project_name = service
project_domain_name = Default
"""
_CONF = '[DEFAULT]\nhost = laptop\n' + (
    _CREDENTIALS % 'placement' + _CREDENTIALS % 'neutron')
_INVENTORY = {'total': 8, 'reserved': 0, 'allocation_ratio': 1.0,
              'max_unit': 8}


class GatherTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.web = self.useFixture(requests_fixture.Fixture())
        token = keystone_fixture.V3Token()
        token.set_project_scope()
        for kind, url in (('compute', _NOVA), ('placement', _PLACEMENT),
                          ('network', _NEUTRON)):
            token.add_service(kind).add_standard_endpoints(internal=url)
        self.web.get(_KEYSTONE, json={'version': keystone_fixture.V3Discovery(
            _KEYSTONE)})
        self.web.post(_KEYSTONE + '/auth/tokens', json=token,
                      headers={'X-Subject-Token': 'a token'})
        self.services = self.web.get(_NOVA + '/os-services', json={
            'services': [{'state': 'up', 'status': 'disabled',
                          'disabled_reason': 'Too hot.'}]})
        self.web.get(_PLACEMENT + '/resource_providers?name=laptop', json={
            'resource_providers': [{'uuid': 'u'}]})
        of_node = _PLACEMENT + '/resource_providers/u/'
        self.web.get(of_node + 'inventories', json={
            'inventories': {'VCPU': _INVENTORY}})
        self.web.get(of_node + 'usages', json={'usages': {'VCPU': 3}})
        self.web.get(of_node + 'traits', json={'traits': ['HW_X']})
        self.web.get(_NEUTRON + '/v2.0/ports?binding:host_id=laptop', json={
            'ports': [
                {'id': 'a', 'device_owner': 'compute:nova',
                 'binding:vif_type': 'vmrun'},
                {'id': 'b', 'device_owner': 'compute:nova'},
                {'id': 'c', 'device_owner': 'network:dhcp',
                 'binding:vif_type': 'ovs'}]})

    def gather(self, conf=_CONF):
        path = self.useFixture(fixtures.TempDir()).path + '/nova.conf'
        with open(path, 'w') as file:
            file.write(conf)
        return gather_host_in_cloud.HostGatherer([path]).gather()

    def test_everything(self):
        found = self.gather()
        self.assertEqual('laptop', found.host)
        self.assertEqual(host_in_cloud.Service(True, False, 'Too hot.'),
                         found.service)
        self.assertEqual(5, found.node.free('VCPU'))
        self.assertEqual((host_in_cloud.Port('a', 'vmrun'),
                          host_in_cloud.Port('b', '')), found.ports)
        self.assertEqual(
            {'binary': ['nova-compute'], 'host': ['laptop']},
            self.services.last_request.qs)

    def test_host_that_the_cloud_does_not_know(self):
        self.web.get(_NOVA + '/os-services', json={'services': []})
        self.web.get(_PLACEMENT + '/resource_providers',
                     json={'resource_providers': []})
        found = self.gather()
        self.assertEqual((None, None), (found.service, found.node))

    def test_name_of_the_host(self):
        self.web.get(_PLACEMENT + '/resource_providers',
                     json={'resource_providers': []})
        self.web.get(_NEUTRON + '/v2.0/ports', json={'ports': []})
        self.assertEqual(
            gather_host_in_cloud.socket.gethostname(),
            self.gather(_CONF.replace('host = laptop', '')).host)

    def unknown(self, reason, concerns_nova):
        return host_in_cloud.Unknown(reason, concerns_nova)

    def test_nova_that_refuses_the_credentials_for_placement(self):
        self.web.get(_NOVA + '/os-services', status_code=403)
        self.assertEqual(self.unknown(
            'Nova refuses the credentials in [placement] (HTTP 403).', False),
            self.gather().service)

    def test_wrong_password(self):
        self.web.post(_KEYSTONE + '/auth/tokens', status_code=401, json={})
        found = self.gather()
        for each in (found.service, found.node, found.ports):
            self.assertNotIn('sesame', each.reason)
        self.assertIn('Placement cannot be asked', found.node.reason)
        self.assertEqual((False, True, True), tuple(
            each.concerns_nova for each in (found.service, found.node,
                                            found.ports)))

    def test_no_credentials(self):
        found = self.gather('[DEFAULT]\nhost = laptop\n')
        self.assertEqual(
            [self.unknown('nova.conf has no credentials in [%s].' % section,
                          False)
             for section in ('placement', 'placement', 'neutron')],
            [found.service, found.node, found.ports])

    def test_service_that_is_down(self):
        self.web.get(_NEUTRON + '/v2.0/ports',
                     exc=requests.exceptions.ConnectionError('No route.'))
        self.web.get(_PLACEMENT + '/resource_providers', status_code=503)
        found = self.gather()
        self.assertIn('Neutron cannot be asked', found.ports.reason)
        self.assertEqual(self.unknown('Placement answers with HTTP 503.',
                                      True), found.node)

    def test_hostile_answers(self):
        for answer in ({'text': '<html>'}, {'json': []}, {'json': {}},
                       {'json': {'ports': [1]}}, {'json': {'ports': None}}):
            self.web.get(_NEUTRON + '/v2.0/ports', **answer)
            found = self.gather().ports
            self.assertIsInstance(found, host_in_cloud.Unknown)
