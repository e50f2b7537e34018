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

import os

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.storage import disk_chain
from tests.unit import base
from tests.unit import vmdks


class DiskChainTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        root = os.path.realpath(self.useFixture(fixtures.TempDir()).path)
        self.cache, self.server, self.other = (
            os.path.join(root, name) for name in ('cache', 'a', 'ab'))
        for folder in (self.cache, self.server, self.other):
            os.mkdir(folder)
        self.base = os.path.join(self.cache, 'image', 'disk.vmdk')
        os.mkdir(os.path.dirname(self.base))
        self.disk = os.path.join(self.server, 'root.vmdk')
        self.delta = os.path.join(self.server, 'root-000001.vmdk')
        vmdks.write(self.base, cid='00000001')
        vmdks.write(self.disk, cid='00000002', parent_cid='1', hint=self.base)
        vmdks.write(self.delta, cid='00000003', parent_cid='00000002',
                    hint='root.vmdk')

    def follow(self, disk=None):
        return disk_chain.follow(disk or self.delta,
                                 (self.server, self.cache))

    def check_refused(self, *words):
        error = self.assertRaises(exception.InvalidVmdk, self.follow)
        self.assertIn(self.delta, error.brief)
        for word in words:
            self.assertIn(word, error.details)

    def test_a_linked_disk_with_a_snapshot(self):
        self.assertEqual([self.delta, self.disk, self.base], self.follow())

    def test_a_disk_that_stands_alone(self):
        self.assertEqual([self.base], self.follow(self.base))

    def test_a_parent_elsewhere(self):
        """Another server's folder, also one whose name begins alike."""
        elsewhere = os.path.join(self.other, 'root.vmdk')
        vmdks.write(elsewhere, cid='00000001')
        for hint in (elsewhere, '../ab/root.vmdk', '/etc/passwd'):
            vmdks.write(self.disk, cid='00000002', parent_cid='00000001',
                        hint=hint)
            self.check_refused(os.path.realpath(
                os.path.join(self.server, hint)))

    def test_a_link_to_elsewhere(self):
        elsewhere = os.path.join(self.other, 'disk.vmdk')
        os.rename(self.base, elsewhere)
        os.symlink(elsewhere, self.base)
        self.check_refused(elsewhere)

    def test_a_parent_that_was_written_to(self):
        vmdks.write(self.base, cid='00000009')
        self.check_refused(self.base, 'written to')

    def test_a_parent_that_is_gone(self):
        os.remove(self.base)
        self.check_refused(self.base)

    def test_a_parent_without_name(self):
        vmdks.write(self.disk, cid='00000002', parent_cid='00000001')
        self.check_refused(self.server)

    def test_a_circle(self):
        vmdks.write(self.disk, cid='00000002', parent_cid='00000003',
                    hint='root-000001.vmdk')
        self.check_refused('circle')

    def test_files_that_are_no_sparse_vmdks(self):
        flat = vmdks.descriptor(create_type='monolithicFlat',
                                extents='RW 2048 FLAT "/etc/passwd" 0')
        for content in (b'raw' * 999, flat.encode(), vmdks.image(flat),
                        vmdks.image(sectors=0)):
            files.write_atomically(self.base, content)
            self.check_refused(self.base)
