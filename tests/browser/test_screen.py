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

import os
import unittest

import fixtures
import testtools

from nova_vmrun.aio import client
from nova_vmrun.aio.demo import screen
from nova_vmrun.aio import novnc
from nova_vmrun.aio import settings as aio_settings
from tests.browser import chromium
from tests.e2e import test_aio

_RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        os.pardir, os.pardir, '.stestr', 'browser')


class ScreenTest(test_aio.AioCase):

    def setUp(self):
        programs = chromium.need()
        if novnc.find(aio_settings.Settings()) is None:
            raise unittest.SkipTest('novnc is not installed')
        super().setUp()
        self.succeed(self.up())
        settings = aio_settings.load(self.layout)
        self.cloud = client.connect(settings,
                                    aio_settings.passwords(self.layout))
        self.browser = chromium.Browser(*programs)
        self.addCleanup(self.browser.close)

    def test_browser_shows_the_screen_and_types_into_it(self):
        server = self.boot()
        console = self.cloud.compute.create_console(server.id, 'novnc')
        place = self.cloud.compute.validate_console_auth_token(
            console['url'].rpartition('token%3D')[2])

        def real_screen():
            return screen.capture(place.host, int(place.port))

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

    def boot(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(folder, 'tiny.raw')
        with open(path, 'wb') as image:
            image.write(os.urandom(4096) + bytes(1024 * 1024))
        image = self.cloud.image.create_image(
            name='tiny', filename=path, disk_format='raw',
            container_format='bare', validate_checksum=False)
        compute = self.cloud.compute
        server = compute.create_server(
            name='seen', image_id=image.id,
            flavor_id=compute.find_flavor('m1.nano').id,
            networks=[{'uuid': self.cloud.network.find_network('vmnet8').id}])
        return compute.wait_for_server(server, interval=1, wait=120)

    def check_same(self, expected, shown):
        """Compare pictures without printing a million pixels."""
        self.assertIsNotNone(shown, 'The page shows no screen.')
        self.assertEqual((expected.width, expected.height),
                         (shown.width, shown.height))
        different = sum(a != b for a, b in zip(expected.pixels,
                                               shown.pixels))
        self.assertEqual(0, different, 'bytes of %d' % len(shown.pixels))

    def save_page(self, name):
        png = self.browser.page()
        os.makedirs(_RESULTS, exist_ok=True)
        with open(os.path.join(_RESULTS, name), 'wb') as file:
            file.write(png)
        self.addDetail(name, testtools.content.Content(
            testtools.content_type.ContentType('image', 'png'),
            lambda: [png]))


def changed(before, now):
    """Return the screen if it has changed, else None."""
    return now if now != before else object()
