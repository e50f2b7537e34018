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

import http.client

from nova_vmrun.aio import ports
from nova_vmrun.aio import settings
from nova_vmrun.aio import wsgi
from tests.unit import base


def _closing(environ, start_response):
    """Reads and closes a request's body, as Glance does."""
    content = environ['wsgi.input'].read()
    environ['wsgi.input'].close()
    start_response('200 OK', [('Content-Length', str(len(content)))])
    return [content]


class ServerTestCase(base.TestCase):

    def test_an_application_that_closes_what_it_was_sent(self):
        port = ports.free_base()
        server = wsgi.Server('closing', _closing, port)
        server.start()
        self.addCleanup(server.stop)
        client = http.client.HTTPConnection(settings.ADDRESS, port,
                                            timeout=30)
        self.addCleanup(client.close)
        for content in (b'one', b'two'):
            client.request('PUT', '/', iter([content]), encode_chunked=True,
                           headers={'Transfer-Encoding': 'chunked'})
            answer = client.getresponse()
            self.assertEqual((200, content), (answer.status, answer.read()))
