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

import threading
import time

import fixtures
from keystoneauth1 import fixture as keystone_fixture
from keystoneauth1 import loading
from oslo_config import cfg
import requests
from requests_mock.contrib import fixture as requests_fixture
import testtools

from nova_vmrun.ml2 import lost_hosts

NOVA = 'http://nova.test/v2.1'
KEYSTONE = 'http://keystone.test/v3'


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
        self.now = 1000.0
        self.lost_hosts = lost_hosts.LostHosts(self.conf, lambda: self.now)

    def among(self, *hosts):
        return self.lost_hosts.among(hosts)

    def answer(self, **kwargs):
        self.requests.get(NOVA + '/os-services', **kwargs)

    def answer_forced_down(self, *hosts):
        self.answer(json={'services': [
            {'host': host, 'forced_down': True} for host in hosts]})

    def asked(self):
        """Return how often Nova was asked."""
        return len([request for request in self.requests.request_history
                    if request.path.endswith('/os-services')])

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
            self.now += lost_hosts.REMEMBERED_SECONDS
            self.assertEqual(set(), self.among('lost'))
            self.assertEqual(number, self.logger.output.count(
                'Nova cannot be asked whether host lost is forced down'))

    def test_neutron_that_has_no_credentials(self):
        self.conf.clear_override('auth_type', group='nova')
        self.assertEqual(set(), self.among('lost'))
        self.assertIn('Look at [nova] in neutron.conf', self.logger.output)

    def test_answer_is_remembered_for_a_moment(self):
        """Neutron tries to bind a port ten times in a row."""
        self.answer_forced_down('lost')
        for _ in range(10):
            self.assertEqual({'lost'}, self.among('lost', 'other'))
        self.assertEqual(set(), self.among('other'))
        self.assertEqual(1, self.asked())

    def test_a_host_that_was_fenced_since(self):
        self.answer_forced_down()
        self.assertEqual(set(), self.among('lost'))
        self.answer_forced_down('lost')
        self.now += 2.5
        self.assertEqual(set(), self.among('lost'))
        self.now += 0.5
        self.assertEqual({'lost'}, self.among('lost'))

    def hang(self, request, context):
        self.now += 30
        raise requests.exceptions.ReadTimeout

    def test_nova_that_hangs_is_waited_for_once(self):
        self.answer(text=self.hang)
        for _ in range(10):
            self.assertEqual(set(), self.among('lost'))
        self.assertEqual(1, self.asked())
        self.assertEqual(
            1, self.logger.output.count('Nova cannot be asked'))
        self.answer_forced_down('lost')
        self.now += 3
        self.assertEqual({'lost'}, self.among('lost'))

    def test_nobody_else_waits_for_a_nova_that_hangs(self):
        self.answer_forced_down('lost')
        self.assertEqual({'lost'}, self.among('lost'))
        self.now += lost_hosts.REMEMBERED_SECONDS
        asked, release = threading.Event(), threading.Event()

        def answer(request, context):
            asked.set()
            self.assertTrue(release.wait(30))
            return {'services': []}

        self.answer(json=answer)
        thread = threading.Thread(target=self.among, args=('lost',))
        thread.start()
        self.assertTrue(asked.wait(30))
        # The answer of before.
        self.assertEqual({'lost'}, self.among('lost'))
        release.set()
        thread.join(30)
        self.assertEqual(set(), self.among('lost'))

    def test_threads_wait_for_one_answer(self):
        def answer(request, context):
            time.sleep(0.1)
            return {'services': [{'host': 'lost', 'forced_down': True}]}

        self.answer(json=answer)
        found = []
        threads = [threading.Thread(
            target=lambda: found.append(self.among('lost')))
            for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([{'lost'}] * 5, found)
        self.assertEqual(1, self.asked())

    def logins(self):
        """Have Keystone answer, and return a mock that counts logins."""
        self.conf.set_override('auth_type', 'v3password', group='nova')
        self.conf.register_opts(
            loading.get_auth_plugin_conf_options('v3password'), group='nova')
        self.conf.set_override('auth_url', KEYSTONE, group='nova')
        self.conf.set_override('user_id', 'neutron', group='nova')
        self.conf.set_override('password', 'secret', group='nova')
        token = keystone_fixture.V3Token()
        token.add_service('compute').add_standard_endpoints(public=NOVA)
        return self.requests.post(
            KEYSTONE + '/auth/tokens', json=token,
            headers={'X-Subject-Token': 'token'})

    def answer_versions(self):
        self.requests.get(NOVA, json={'version': {
            'id': 'v2.1', 'status': 'CURRENT', 'min_version': '2.1',
            'version': '2.96', 'links': [{'rel': 'self', 'href': NOVA}]}})

    def test_one_login_for_many_questions(self):
        logins = self.logins()
        self.answer_versions()
        self.answer_forced_down('lost')
        for _ in range(3):
            self.now += lost_hosts.REMEMBERED_SECONDS
            self.assertEqual({'lost'}, self.among('lost'))
        self.assertEqual((3, 1), (self.asked(), logins.call_count))

    def test_nova_that_was_not_there_at_first(self):
        self.logins()
        self.requests.get(NOVA, status_code=503)
        self.answer(status_code=503)
        self.assertEqual(set(), self.among('lost'))
        self.answer_versions()
        self.answer_forced_down('lost')
        self.now += lost_hosts.REMEMBERED_SECONDS
        self.assertEqual({'lost'}, self.among('lost'))
