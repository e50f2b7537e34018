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

"""Servers that get another flavor."""

import base64
import math

from tests.e2e.cloud import base
from tests.e2e.guest import console

GIB = 1024 ** 3
_USER_DATA = base64.b64encode(b'write note kept\n').decode()


class ResizeTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.small = self.plane.flavor(ram=192, vcpus=1, disk=1)
        self.large = self.plane.flavor(ram=256, vcpus=2, disk=2)

    def resize(self, server, flavor):
        self.cloud.compute.resize_server(server.id, flavor.id)
        return server.wait('VERIFY_RESIZE')

    def seen(self, facts):
        """Return what the guest has: processors, MiB of memory, disk."""
        self.assertEqual({'note': 'kept'}, console.files(facts))
        # Some 40 MiB of its memory are the kernel's.
        return (facts['cpus'], math.ceil(facts['memory_kb'] / 1024 / 64) * 64,
                self.root_bytes(facts))

    def test_guest_gets_more_and_keeps_its_disk(self):
        server, facts = self.boot(flavor=self.small, user_data=_USER_DATA)
        self.assertEqual((1, 192, GIB), self.seen(facts))

        self.resize(server, self.large)
        facts = server.console.wait_boots(2)
        self.assertEqual((2, 256, 2 * GIB), self.seen(facts))
        self.cloud.compute.confirm_server_resize(server.id)
        server.wait('ACTIVE')
        server.console.wait_tick(facts['uptime'])
        self.assertEqual(2, console.boots(server.console.all_facts()[-1]))

    def test_revert_gives_back_what_was(self):
        server, _ = self.boot(flavor=self.small, user_data=_USER_DATA)
        self.resize(server, self.large)
        server.console.wait_boots(2)

        self.cloud.compute.revert_server_resize(server.id)
        server.wait('ACTIVE')

        # The second boot was on a disk that is no more.
        facts = server.console.wait_boots(2)
        self.assertEqual((1, 192, GIB), self.seen(facts))
