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

from tests.e2e.cloud import base
from tests.e2e.guest import console

COUNT = 10


class LinkedClonesTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.image = self.plane.image()

    def bases(self):
        """Return {path: hash} of what was made of the image."""
        folder = self.plane.layout.instances / '_base' / self.image.id
        return {path: base.sha256(path) for path in folder.iterdir()
                if path.is_file()}

    def test_ten_at_once_leave_their_base_as_it_was(self):
        self.boot(self.image)
        before = self.bases()
        self.assertTrue(any(path.suffix == '.vmdk' for path in before))

        servers = [self.create(self.image, name='clone-%d' % number)
                   for number in range(COUNT)]
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
