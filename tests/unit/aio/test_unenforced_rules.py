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

from nova_vmrun.aio import unenforced_rules
from tests.unit import base

RULES = '/v2.0/security-group-rules'


class WarnTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())

    def ask(self, method='POST', path=RULES, status='201 Created', script=''):
        """Send a request; return the warnings that it led to."""
        answers = []

        def application(environ, start_response):
            start_response(status, [('X-Openstack-Request-Id', 'req-1')])
            return [b'rule']

        before = self.logger.output
        body = unenforced_rules.warn(application)(
            {'REQUEST_METHOD': method, 'SCRIPT_NAME': script,
             'PATH_INFO': path}, lambda *answer: answers.append(answer))
        self.assertEqual([b'rule'], body)
        self.assertEqual(
            [(status, [('X-Openstack-Request-Id', 'req-1')])], answers)
        return self.logger.output[len(before):].count(
            unenforced_rules.MESSAGE)

    def test_a_new_rule(self):
        for path, script in ((RULES, ''), (RULES + '.json', ''),
                             ('/security-group-rules', '/v2.0')):
            self.assertEqual(1, self.ask(path=path, script=script))

    def test_nothing_else(self):
        for request in ({'status': '400 Bad Request'},
                        {'status': '409 Conflict'},
                        {'method': 'GET', 'status': '200 OK'},
                        {'method': 'DELETE', 'path': RULES + '/1'},
                        {'path': '/v2.0/security-groups'},
                        {'path': '/v2.0/networks'}):
            self.assertEqual(0, self.ask(**request))
