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
import socket
import urllib.request

from nova_vmrun.cmd.launch import web
from tests.unit import base
from tests.unit.cmd.launch import web_servers


class TextTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.useFixture(web_servers.WebServer())

    def text(self, path):
        return web.text(self.server.address + path, web_servers.LIMITS)

    def refused(self, path, kind=web.DownloadFailed):
        return self.assertRaises(kind, self.text, path)

    def test_text(self):
        self.server.files['/sums'] = b'abc  file\n\xff'
        self.assertEqual('abc  file\n\ufffd', self.text('/sums'))

    def test_redirects_are_followed(self):
        self.server.files['/sums'] = b'text'
        self.server.answers['/a'] = self.server.redirect('/b')
        self.server.answers['/b'] = self.server.redirect(
            self.server.address + '/sums')
        self.assertEqual('text', self.text('/a'))

    def test_loop_of_redirects_ends(self):
        self.server.answers['/a'] = self.server.redirect('/b')
        self.server.answers['/b'] = self.server.redirect('/a')
        self.assertIn('lead nowhere', str(self.refused('/a')))
        self.assertLess(len(self.server.requests), 10)

    def test_endless_chain_of_redirects_ends(self):
        def answer(handler):
            self.server.answers[handler.path + 'a'] = answer
            self.server.redirect(handler.path + 'a')(handler)
        self.server.answers['/a'] = answer
        self.assertIn('lead nowhere', str(self.refused('/a')))
        self.assertLess(len(self.server.requests), 10)

    def test_redirect_to_a_file_of_this_machine_is_refused(self):
        self.server.answers['/a'] = self.server.redirect('file:///etc/passwd')
        self.refused('/a')

    def test_status_of_an_error(self):
        error = self.refused('/missing')
        self.assertIn('404', str(error))
        self.assertNotIsInstance(error, web.Interrupted)
        self.assertEqual(1, len(self.server.requests))

    def test_busy_server_is_asked_again(self):
        self.server.files['/sums'] = b'text'
        self.server.in_turn('/sums', self.server.status(503),
                            self.server.status(429))
        self.assertEqual('text', self.text('/sums'))

    def test_busy_server_is_not_asked_forever(self):
        self.server.answers['/sums'] = self.server.status(503)
        self.refused('/sums', web.Interrupted)
        self.assertEqual(web_servers.LIMITS.attempts,
                         len(self.server.requests))

    def test_long_text_is_refused(self):
        self.server.files['/image'] = bytes(web._LONGEST_TEXT + 1)
        self.assertIn('too long', str(self.refused('/image')))

    def test_cut_text_is_no_text(self):
        self.server.files['/sums'] = b'abcdef'
        self.server.answers['/sums'] = lambda handler: self.server.serve(
            handler, upto=3)
        self.refused('/sums', web.Interrupted)

    def test_text_that_was_cut_once_is_requested_again(self):
        self.server.files['/sums'] = b'abcdef'
        self.server.in_turn('/sums', lambda handler: self.server.serve(
            handler, upto=3))
        self.assertEqual('abcdef', self.text('/sums'))

    def test_silent_server_ends_in_an_error(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            address = 'http://127.0.0.1:%d/' % listener.getsockname()[1]
            self.assertRaises(
                web.Interrupted, web.text, address,
                web.Limits(timeout=0.1, attempts=1))

    def test_no_connection_says_what_works_without_internet(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            address = 'http://127.0.0.1:%d/' % listener.getsockname()[1]
        error = self.assertRaises(web.Unreachable, web.text, address)
        self.assertEqual('Cannot reach 127.0.0.1.', error.brief)
        self.assertIn('launch FILE', error.resolution)


class RedirectTestCase(base.TestCase):
    """What a redirect from an encrypted address may lead to."""

    def redirect(self, target):
        request = urllib.request.Request('https://example.org/image')
        return web._Redirects().redirect_request(
            request, None, 302, 'Found', http.client.HTTPMessage(), target)

    def test_encrypted(self):
        self.assertEqual('https://mirror.example.org/image', self.redirect(
            'https://mirror.example.org/image').full_url)

    def test_not_encrypted(self):
        error = self.assertRaises(web.DownloadFailed, self.redirect,
                                  'http://mirror.example.org/image')
        self.assertIn('not encrypted', str(error))


class LengthTestCase(base.TestCase):

    def length(self, value):
        headers = http.client.HTTPMessage()
        headers['Content-Length'] = value
        return web.length(headers)

    def test_number(self):
        self.assertEqual(12, self.length(' 12 '))

    def test_anything_else_is_unknown(self):
        for value in ('', '-1', '1e3', '\u0661', '0x10', '1,1'):
            self.assertIsNone(self.length(value), value)
