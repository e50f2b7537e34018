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

import json

from nova_vmrun.aio import no_routers
from tests.unit import base


class _Body(list):
    """What an application returns, and whether it was closed."""

    closed = False

    def close(self):
        self.closed = True


class ExplainTestCase(base.TestCase):

    def ask(self, path, status='404 Not Found', script=''):
        """Ask for a path; return (status, headers, body)."""
        self.body = _Body([b'the ', b'original'])
        answers = []

        def application(environ, start_response):
            start_response(status, [
                ('content-type', 'text/plain'), ('Content-Length', '12'),
                ('X-Openstack-Request-Id', 'req-1')])
            return self.body

        found = no_routers.explain(application, 'vmnet8')(
            {'SCRIPT_NAME': script, 'PATH_INFO': path},
            lambda status, headers: answers.append((status, headers)))
        (status, headers), = answers
        return status, dict(headers), b''.join(found)

    def test_a_message_says_what_to_do(self):
        for path, subject in (('/v2.0/routers', 'routers'),
                              ('/v2.0/routers.json', 'routers'),
                              ('/v2.0/routers/1/add_router_interface',
                               'routers'),
                              ('/v2.0/floatingips', 'floating IPs'),
                              ('/v2.0/floatingips/1', 'floating IPs')):
            status, headers, body = self.ask(path)
            self.assertEqual('404 Not Found', status)
            message = json.loads(body)['NeutronError']['message']
            self.assertIn('There are no %s here.' % subject, message)
            self.assertIn('second port on vmnet8', message)
            self.assertEqual(
                {'Content-Type': 'application/json',
                 'Content-Length': str(len(body)),
                 'X-Openstack-Request-Id': 'req-1'}, headers)
            self.assertTrue(self.body.closed)

    def test_the_path_may_be_in_two_parts(self):
        self.assertIn(b'no routers here',
                      self.ask('/routers', script='/v2.0')[2])

    def test_other_answers_and_paths_stay(self):
        for path, status in (('/v2.0/routers', '401 Unauthorized'),
                             ('/v2.0/floatingips', '200 OK'),
                             ('/v2.0/networks/1', '404 Not Found'),
                             ('/v2.0/routers-conntrack', '404 Not Found'),
                             ('/v2.0/ports/routers', '404 Not Found')):
            found, headers, body = self.ask(path, status)
            self.assertEqual((status, 'text/plain', b'the original'),
                             (found, headers['content-type'], body))
