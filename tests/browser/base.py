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

"""A test with a browser, on the control plane of the run."""

import os
import unittest

import testtools

from nova_vmrun.aio.demo import screen
from nova_vmrun.aio import novnc
from nova_vmrun.aio import settings as aio_settings
from tests.browser import chromium
from tests.browser import control_plane

# For one change of a server.
_SECONDS = 240
_RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        os.pardir, os.pardir, '.stestr', 'browser')


class TestCase(testtools.TestCase):
    """A test with a browser.

    :cvar window: width and height of its window in pixels
    """

    window = (1000, 700)

    def setUp(self):
        super().setUp()
        programs = chromium.need()
        if novnc.find(aio_settings.Settings()) is None:
            raise unittest.SkipTest('novnc is not installed')
        self.plane = control_plane.shared()
        self.cloud = self.plane.cloud
        self.browser = chromium.Browser(*programs, self.window)
        self.addCleanup(self.browser.close)

    def boot(self, name, **details):
        """Return a server, which is deleted at the end of the test."""
        compute = self.cloud.compute
        server = compute.create_server(
            name=name, image_id=self.plane.image.id,
            flavor_id=compute.find_flavor('m1.nano').id, **details)
        self.addCleanup(compute.wait_for_delete, server, interval=0.5,
                        wait=_SECONDS)
        self.addCleanup(compute.delete_server, server)
        return compute.wait_for_server(server, interval=0.5, wait=_SECONDS)

    def real_screen(self, server):
        """Return what the server's VNC shows without a browser."""
        console = self.cloud.compute.create_console(server.id, 'novnc')
        place = self.cloud.compute.validate_console_auth_token(
            console['url'].rpartition('token%3D')[2])
        return screen.capture(place.host, int(place.port))

    def check_same(self, expected, shown):
        """Compare pictures without printing a million pixels."""
        self.assertIsNotNone(shown, 'The page shows no screen.')
        self.assertEqual((expected.width, expected.height),
                         (shown.width, shown.height))
        different = sum(a != b for a, b in zip(expected.pixels,
                                               shown.pixels))
        self.assertEqual(0, different, 'bytes of %d' % len(shown.pixels))

    def save_page(self, name):
        """Keep the page as a result of the test."""
        png = self.browser.page()
        os.makedirs(_RESULTS, exist_ok=True)
        with open(os.path.join(_RESULTS, name), 'wb') as file:
            file.write(png)
        self.addDetail(name, testtools.content.Content(
            testtools.content_type.ContentType('image', 'png'),
            lambda: [png]))
