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
from keystoneauth1 import loading
from oslo_config import cfg
import requests
from requests_mock.contrib import fixture as requests_fixture
import testtools

from nova_vmrun.ml2 import lost_hosts

NOVA = 'http://nova.test/v2.1'


class LostHostsTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.requests = self.useFixture(requests_fixture.Fixture())
        self.conf = cfg.ConfigOpts()
        # As Neutron registers them.
        loading.register_auth_conf_options(self.conf, 'nova')
        loading.register_session_conf_options(self.conf, 'nova')
        self.conf.register_opts([
            cfg.StrOpt('region_name'),
            cfg.StrOpt('endpoint_type', default='public')], group='nova')
        self.conf([])
        self.conf.set_override('auth_type', 'none', group='nova')
        # Without Keystone, the endpoint is an option of the plugin.
        self.conf.register_opts(
            loading.get_auth_plugin_conf_options('none'), group='nova')
        self.conf.set_override('endpoint', NOVA, group='nova')

    def among(self, *hosts):
        return lost_hosts.among(hosts, self.conf)

    def answer(self, **kwargs):
        self.requests.get(NOVA + '/os-services', **kwargs)

    def test_those_that_are_forced_down(self):
        self.answer(json={'services': [
            {'host': 'lost', 'forced_down': True, 'state': 'down'},
            {'host': 'other', 'forced_down': True, 'state': 'down'},
            {'host': 'down', 'forced_down': False, 'state': 'down'}]})
        self.assertEqual({'lost'}, self.among('lost', 'down', 'unknown'))
        asked, = self.requests.request_history
        self.assertEqual(['nova-compute'], asked.qs['binary'])
        self.assertEqual('compute 2.11',
                         asked.headers['OpenStack-API-Version'])
        self.assertEqual(10, asked.timeout)

    def test_nova_is_not_asked_without_need(self):
        self.assertEqual(set(), self.among())
        self.assertEqual([], self.requests.request_history)

    def test_nova_that_cannot_be_asked(self):
        for number, answer in enumerate((
                {'status_code': 403}, {'text': 'no JSON'}, {'json': {}},
                {'json': {'services': [{}]}}, {'json': {'services': None}},
                {'json': []}, {'exc': requests.exceptions.ConnectTimeout}), 1):
            self.answer(**answer)
            self.assertEqual(set(), self.among('lost'))
            self.assertEqual(number, self.logger.output.count(
                'Nova cannot be asked whether host lost is forced down'))

    def test_neutron_that_has_no_credentials(self):
        self.conf.clear_override('auth_type', group='nova')
        self.assertEqual(set(), self.among('lost'))
        self.assertIn('Look at [nova] in neutron.conf', self.logger.output)
