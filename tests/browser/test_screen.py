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

"""The console of a server in a browser."""

from tests.browser import base


class ScreenTest(base.TestCase):

    def test_browser_shows_the_screen_and_types_into_it(self):
        network = self.cloud.network.find_network('vmnet8')
        server = self.boot('seen', networks=[{'uuid': network.id}])
        console = self.cloud.compute.create_console(server.id, 'novnc')

        def real_screen():
            return self.real_screen(server)

        before = real_screen()
        self.browser.open(console['url'])
        shown = self.browser.wait_picture(real_screen)
        self.save_page('screen.png')
        self.check_same(before, shown)
        self.assertGreater(shown.colours, 2)

        self.browser.type('x')
        shown = self.browser.wait_picture(
            lambda: changed(before, real_screen()))
        self.save_page('typed.png')
        self.check_same(real_screen(), shown)
        self.assertNotEqual(before, shown)

        self.browser.open(console['url'].replace(
            'token%3D', 'token%3Dnone-'))
        self.assertIn('closed', self.browser.wait_status('closed'))
        self.assertNotEqual(real_screen(), self.browser.picture())


def changed(before, now):
    """Return the screen if it has changed, else None."""
    return now if now != before else object()
