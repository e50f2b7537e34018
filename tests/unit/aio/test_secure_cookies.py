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

from nova_vmrun.aio import secure_cookies
from tests.unit import base

_HEADERS = [('Set-Cookie', 'a=b; Path=/'), ('Content-Type', 'text/html'),
            ('set-cookie', 'c=d')]


def _page(environ, start_response):
    start_response('200 OK', list(_HEADERS))
    return [b'']


class SecureCookiesTestCase(base.TestCase):

    def headers(self, scheme):
        found = []
        secure_cookies.mark(_page)(
            {'wsgi.url_scheme': scheme},
            lambda status, headers: found.extend(headers))
        return found

    def test_by_tls(self):
        self.assertEqual(
            [('Set-Cookie', 'a=b; Path=/; Secure'), _HEADERS[1],
             ('set-cookie', 'c=d; Secure')], self.headers('https'))

    def test_on_loopback(self):
        self.assertEqual(_HEADERS, self.headers('http'))
