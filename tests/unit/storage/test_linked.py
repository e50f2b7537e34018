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
import stat

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.storage import linked
from tests.unit import base
from tests.unit import vmdks

BASE_CID = '0000ba5e'


class LinkedTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cache = self.useFixture(fixtures.TempDir()).path
        self.server = self.useFixture(fixtures.TempDir()).path
        self.base = os.path.join(self.cache, 'disk-1.vmdk')
        self.delta = os.path.join(self.cache, 'disk-1-delta.vmdk')
        vmdks.write(self.base, cid=BASE_CID, content=b'system')
        vmdks.write(self.delta, parent_cid=BASE_CID, hint='disk-1.vmdk',
                    content=b'empty')
        for path in (self.base, self.delta):
            os.chmod(path, 0o400)
        self.disk = os.path.join(self.server, 'root.vmdk')

    def content(self, path):
        """Returns what is behind the descriptor."""
        header = linked.read_header(path)
        return files.read(path)[
            header.descriptor_offset + header.descriptor_size:].rstrip(b'\0')

    def make_child(self, bus='lsilogic'):
        linked.make_child(self.delta, self.base, self.disk, bus)
        return linked.read_descriptor(self.disk)

    def test_a_child_refers_to_the_base(self):
        child = self.make_child()
        self.assertEqual((self.base, BASE_CID),
                         (child.parent_hint, child.parent_cid))
        self.assertTrue(os.path.isabs(child.parent_hint))

    def test_a_child_is_a_copy_of_the_empty_delta(self):
        child = self.make_child()
        self.assertEqual(b'empty', self.content(self.disk))
        self.assertEqual(
            (vmdk.Extent('RW', vmdks.SECTORS, 'SPARSE', 'root.vmdk'),),
            child.extents)

    def test_each_child_has_a_content_id_of_its_own(self):
        ids = {BASE_CID, linked.read_descriptor(self.delta).cid}
        for number in range(2):
            ids.add(self.make_child().cid)
        self.assertEqual(4, len(ids))

    def test_the_owner_may_write_a_child_and_nobody_else_read_it(self):
        self.make_child()
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.disk).st_mode))

    def test_files_in_the_cache_are_unchanged(self):
        before = [files.read(path) for path in (self.base, self.delta)]
        self.make_child()
        self.assertEqual(
            before, [files.read(path) for path in (self.base, self.delta)])

    def test_adapter_by_bus(self):
        for bus, adapter in (('ide', 'ide'), ('nvme', 'lsilogic')):
            self.assertEqual(adapter,
                             self.make_child(bus).ddb['ddb.adaptertype'])

    def test_a_base_that_was_written_to_gets_no_more_children(self):
        os.chmod(self.base, 0o600)
        vmdks.write(self.base, cid='00000bad')
        error = self.assertRaises(exception.VmrunError, self.make_child)
        self.assertIn(self.base, error.brief)
        self.assertEqual([], os.listdir(self.server))

    def test_a_delta_that_is_none(self):
        os.chmod(self.delta, 0o600)
        files.write_atomically(self.delta, b'')
        self.assertRaises(exception.VmrunError, self.make_child)
        self.assertEqual([], os.listdir(self.server))

    def test_a_path_that_does_not_fit_into_the_descriptor(self):
        os.chmod(self.delta, 0o600)
        with open(self.delta, 'wb') as file:
            file.write(vmdks.image(
                vmdks.descriptor(parent_cid=BASE_CID), descriptor_sectors=1))
        self.base = os.path.join(self.cache, 'x' * 255)
        vmdks.write(self.base, cid=BASE_CID)
        error = self.assertRaises(exception.VmrunError, self.make_child)
        self.assertIn('instances_path', error.resolution)
        self.assertEqual([], os.listdir(self.server))

    def test_a_full_disk_leaves_nothing(self):
        self.useFixture(fixtures.MockPatchObject(
            files, 'copy', side_effect=OSError(28, 'No space left')))
        self.assertRaises(OSError, self.make_child)
        self.assertEqual([], os.listdir(self.server))

    def test_a_copy_stands_alone(self):
        linked.make_copy(self.base, self.disk, 'ide')
        copy = linked.read_descriptor(self.disk)
        self.assertEqual((None, vmdk.NO_PARENT, 'ide'), (
            copy.parent_hint, copy.parent_cid, copy.ddb['ddb.adaptertype']))
        self.assertNotEqual(BASE_CID, copy.cid)
        self.assertEqual(b'system', self.content(self.disk))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.disk).st_mode))

    def test_a_copy_that_does_not_fit_is_refused(self):
        self.useFixture(fixtures.MockPatchObject(
            space, 'of_instances', lambda folder: space.FileSystem(
                folder, free=space.RESERVE)))
        self.assertRaises(exception.DiskFull, linked.make_copy, self.base,
                          self.disk, 'ide')
        self.assertEqual([], os.listdir(self.server))

    def test_a_moved_disk_is_renamed_in_its_descriptor_too(self):
        linked.move(self.base, self.disk, 'ide')
        moved = linked.read_descriptor(self.disk)
        self.assertEqual(('root.vmdk', 'ide'), (
            moved.extents[0].name, moved.ddb['ddb.adaptertype']))
        self.assertNotEqual(BASE_CID, moved.cid)
        self.assertEqual(b'system', self.content(self.disk))
        self.assertFalse(os.path.exists(self.base))

    def test_twin(self):
        """It keeps its content and content id, and has another parent."""
        disk, twin = (os.path.join(self.server, name)
                      for name in ('old.vmdk', 'new.vmdk'))
        vmdks.write(disk, cid='00000002', parent_cid='00000001',
                    hint='/old/base.vmdk', adapter='buslogic',
                    content=b'what the guest wrote')
        linked.make_twin(disk, twin, '/new/base.vmdk', '00000009')
        found = linked.read_descriptor(twin)
        self.assertEqual(
            ('00000002', '00000009', '/new/base.vmdk', 'buslogic'),
            (found.cid, found.parent_cid, found.parent_hint,
             found.ddb['ddb.adaptertype']))
        self.assertEqual('new.vmdk', found.extents[0].name)
        self.assertIn(b'what the guest wrote', files.read(twin))
        self.assertEqual(0o600, os.stat(twin).st_mode & 0o777)
        linked.make_twin(disk, twin, None)
        self.assertIsNone(linked.read_descriptor(twin).parent_hint)
