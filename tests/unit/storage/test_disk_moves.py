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
from nova_vmrun.server import disks
from nova_vmrun.storage import disk_moves
from nova_vmrun.storage import server_folders
from tests.unit.storage import test_server_storage
from tests.unit import vmdks

UUID = test_server_storage.UUID


class DiskMovesTestCase(test_server_storage.TestCase):
    """The root disk moves from the storage folder usb to instances_path."""

    def setUp(self):
        super().setUp()
        self.moves = self.storage.moves
        self.copy = self.layout.file(UUID, 'root.vmdk')
        self.moved = (disks.moved(self.listed(), '', None),)
        self.begin()

    def begin(self, **changes):
        self.moves.begin(UUID, disk_moves.Move(**{
            'disks': self.moved, 'originals': {'scsi0:0': self.disk.path},
            'copies': {'scsi0:0': self.copy}, 'old_names': [],
            'new_names': ['root.vmdk'], **changes}))
        vmdks.write(self.copy, cid='00000002', parent_cid='00000001',
                    hint=self.base)

    def attach(self, file):
        files.write_atomically(self.layout.vmx(UUID),
                               'scsi0:0.fileName = "%s"\n' % file)

    def require_undone(self):
        self.assertEqual(self.disk.path, self.listed().path)
        self.assertFalse(os.path.exists(self.copy))
        self.assertFalse(self.moves.is_begun(UUID))
        self.assertTrue(os.path.exists(self.disk.path))

    def require_done(self):
        self.assertEqual('root.vmdk', self.listed().path)
        self.assertTrue(os.path.exists(self.copy))
        self.assertFalse(self.moves.is_begun(UUID))

    def test_no_move(self):
        self.moves.end(UUID)
        self.moves.end(UUID)
        self.assertEqual((), self.moves.disks(UUID))

    def test_interrupted_before_the_vmx_was_written(self):
        os.mkdir(self.copy + '.lck')
        self.storage.end_move(UUID)
        self.require_undone()
        self.assertFalse(os.path.exists(self.copy + '.lck'))

    def test_interrupted_after_the_vmx_was_written(self):
        self.attach('root.vmdk')
        self.storage.end_move(UUID)
        self.require_done()
        self.assertFalse(os.path.exists(self.path))

    def test_the_vm_has_run_since(self):
        """VMware has made a snapshot, and writes to another file."""
        for parent, check in ((self.disk.path, self.require_undone),
                              ('root.vmdk', self.require_done)):
            self.begin()
            vmdks.write(self.layout.file(UUID, 'root-000001.vmdk'),
                        cid='00000005', parent_cid='00000002', hint=parent)
            self.attach('root-000001.vmdk')
            self.moves.end(UUID)
            check()

    def test_the_vmx_names_neither(self):
        self.attach('other.vmdk')
        for call in (self.moves.end, self.storage.end_move):
            error = self.assertRaises(exception.VmIncomplete, call, UUID)
            self.assertIn(self.disk.path, error.details)
        self.storage.finish_interrupted()
        self.assertIn('not known where the disks', self.log.output)
        self.assertTrue(self.moves.is_begun(UUID))
        for path in (self.disk.path, self.copy):
            self.assertTrue(os.path.exists(path))

    def test_the_vmx_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.moves.end(UUID)
        self.require_undone()
        self.begin()
        self.records.change(UUID, disks=disks.dump(self.moved))
        self.moves.end(UUID)
        self.require_done()

    def test_a_crash_at_every_step_of_the_end(self):
        self.attach('root.vmdk')
        for step in ('nova_vmrun.server.records._write', 'os.remove'):
            with fixtures.MockPatch(step, side_effect=RuntimeError):
                self.assertRaises(RuntimeError, self.moves.end, UUID)
        self.storage.finish_interrupted()
        self.require_done()

    def test_the_copies_are_in_use_until_the_end(self):
        target = server_folders.new_path(self.usb, UUID)
        self.storage.create(target)
        identity = self.folders.others[0].identity
        moved = disks.moved(self.listed(), target, identity)
        path = os.path.join(target, 'root.vmdk')
        self.begin(disks=(moved,), copies={'scsi0:0': path}, new_names=[])
        vmdks.write(path, cid='00000002')
        self.assertEqual([], self.storage.unused_everywhere())
        self.storage.remove_unused()
        self.assertTrue(os.path.exists(path))
        self.attach(path)
        self.storage.finish_interrupted()
        self.assertEqual(path, self.listed().path)
        self.assertEqual([(UUID, target)], server_folders.find(self.usb))

    def test_while_a_command_moves_them(self):
        with self.storage.locks.alone(UUID):
            self.storage.finish_interrupted()
            self.assertTrue(self.moves.is_begun(UUID))
            self.assertTrue(os.path.exists(self.copy))
            for hold in (self.storage.held, self.storage.in_use):
                self.assertRaises(exception.ServerInUse,
                                  hold(UUID).__enter__)

    def test_an_operation_ends_it_first(self):
        self.attach('root.vmdk')
        with self.storage.in_use(UUID):
            self.require_done()
            self.assertRaises(exception.ServerInUse,
                              self.storage.locks.alone(UUID).__enter__)

    def test_a_damaged_file(self):
        path = self.layout.moving(UUID)
        good = files.read(path).decode()
        for text in ('{', '[]', '{"disks": []}',
                     good.replace('"root.vmdk"]', '"../root.vmdk"]'),
                     good.replace('"root.vmdk"]', '"nova.json"]')):
            self.assertNotEqual(good, text)
            files.write_atomically(path, text)
            error = self.assertRaises(exception.RecordUnreadable,
                                      self.moves.end, UUID)
            self.assertIn(path, error.brief)
            self.assertEqual([], self.storage.unused_everywhere())
