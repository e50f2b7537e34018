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

"""Servers that share a base disk."""

import os

from tests.e2e.cloud import base
from tests.e2e.guest import console
from tests.e2e.guest import disks
from tests.e2e.guest import images

COUNT = 10


class LinkedClonesTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        # No other test boots it.
        self.image = self.plane.image(os_distro='debian')

    def bases(self):
        """Return {path: hash} of what was made of the image."""
        return {path: disks.sha256(path)
                for path in self.base_of(self.image).parent.iterdir()
                if path.suffix == '.vmdk'}

    def test_ten_at_once_leave_their_base_as_it_was(self):
        servers = [self.create(self.image, name='clone-%d' % number)
                   for number in range(COUNT)]
        servers[0].wait('ACTIVE')
        before = self.bases()
        self.assertIn(self.base_of(self.image), before)

        for server in servers:
            server.wait('ACTIVE')
        facts = [server.console.wait_facts(timeout=base.CHANGE)
                 for server in servers]

        self.assertEqual(
            [('clone-%d.novalocal' % number, server.id, 1)
             for number, server in enumerate(servers)],
            [(said['hostname'], said['instance_id'], console.boots(said))
             for said in facts])
        self.assertEqual(before, self.bases())
        source = images.image('raw', 'cloud')
        self.assertEqual(disks.sha256(source), disks.content(
            self.base_of(self.image), os.path.getsize(source)))
