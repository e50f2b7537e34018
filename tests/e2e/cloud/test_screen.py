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

"""The screen of a server."""

import testtools

from nova_vmrun.aio.demo import screen
from tests.e2e.cloud import base


class ScreenTest(base.CloudCase):

    @testtools.testcase.attr('sample')
    def test_screen_shows_something_in_the_console_of_nova(self):
        server, _ = self.boot()

        console = self.cloud.compute.create_console(server.id, 'novnc')
        token = console['url'].rpartition('token%3D')[2]
        place = self.cloud.compute.validate_console_auth_token(token)
        picture = screen.capture(place.host, int(place.port))

        self.assertTrue(picture.width >= 640, picture.width)
        self.assertTrue(picture.colours > 1)
        path = self.plane.layout.root / 'screen.png'
        path.write_bytes(picture.png())
        self.addCleanup(path.unlink)
        self.assertTrue(path.stat().st_size > 1000)
