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


import dataclasses
import json
import os
import shutil

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layouts
from nova_vmrun.server import records
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import folder_locks
from nova_vmrun.storage import second_records
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from tests.unit.storage import storages
from tests.unit.storage import test_server_storage

UUID = test_server_storage.UUID
OURS = '11111111-aaaa-3333-4444-555555555555'
FIRST = '88888888-aaaa-3333-4444-555555555555'
THEIRS = '99999999-aaaa-3333-4444-555555555555'


class Host:
    """A compute node with an instances_path of its own."""

    def __init__(self, root, usb, compute_id, name='usb'):
        self.layout = layouts.Layout(root, '_base')
        self.layout.prepare()
        self.records = records.Records(self.layout, compute_id)
        folders = storages.folders(self.layout, '%s:%s' % (name, usb))
        folders.check()
        self.storage = server_storage.ServerStorage(
            folders, self.layout, self.records,
            vmx_file.VmxFiles(self.layout), compute_id)
        self.second = self.storage.second
        self.identity = folders.others[0].identity


class SecondRecordsTestCase(test_server_storage.TestCase):

    def setUp(self):
        super().setUp()
        self.theirs = Host(os.path.join(self.root, 'theirs'), self.usb,
                           THEIRS)
        self.ours = Host(os.path.join(self.root, 'ours'), self.usb, OURS)
        self.records, self.layout = self.theirs.records, self.theirs.layout
        drive = disks.config_drive('ide')
        self.records.create(UUID, 'instance-1', 5901, image_ref='', disks=(
            disks.dump([self.disk, drive])))
        server_folders.create(self.path, THEIRS)
        self.write_vmx()
        self.drive = self.layout.file(UUID, drive.path)
        files.write_atomically(self.drive, b'secret')
        self.place = os.path.join(self.path, 'record')
        self.theirs.second.write(UUID)

    def write_vmx(self, name=None):
        files.write_atomically(
            self.layout.vmx(UUID), 'scsi0.present = "TRUE"\n'
            'scsi0:0.present = "TRUE"\nscsi0:0.fileName = "%s"\n'
            % (name or self.disk.path))

    def content(self):
        return json.loads(files.read(os.path.join(self.place, 'nova.json')))

    def forge(self, **changes):
        content = self.content()
        content['record'].update(changes)
        files.write_atomically(os.path.join(self.place, 'nova.json'),
                               json.dumps(content))

    def find(self):
        return self.ours.second.find(UUID)

    def test_it_is_a_copy_with_what_nobody_could_make_again(self):
        self.assertEqual(dataclasses.asdict(self.records.get(UUID)),
                         self.content()['record'])
        self.assertEqual(b'secret', files.read(
            os.path.join(self.place, 'config-drive.iso')))

    def test_the_folder_has_another_path_and_name_there(self):
        elsewhere = os.path.join(self.root, 'mounted')
        os.symlink(self.usb, elsewhere)
        other = Host(os.path.join(self.root, 'other'), elsewhere, OURS, 'nas')
        root, _drive = disks.parse(other.second.find(UUID).record.disks)
        self.assertEqual(os.path.join(
            elsewhere, os.path.relpath(self.disk.path, self.usb)), root.path)

    def test_each_storage_folder_is_listed_once_for_all_servers(self):
        for number in range(3):
            self.records.create(UUID[:-1] + str(number), 'more', 5902)
        find = self.useFixture(fixtures.MockPatchObject(
            server_folders, 'find', wraps=server_folders.find)).mock
        self.theirs.second.refresh()
        self.assertEqual(1, find.call_count)

    def test_it_is_written_only_if_something_has_changed(self):
        number = self.content()['number']
        self.theirs.second.refresh()
        self.assertEqual(number, self.content()['number'])
        self.records.change_port(UUID, 5902)
        files.write_atomically(self.drive, b'other')
        self.theirs.second.refresh()
        self.assertEqual(number + 1, self.content()['number'])
        self.assertEqual(b'other', files.read(
            os.path.join(self.place, 'config-drive.iso')))

    def test_none_while_other_files_have_newer_data(self):
        for change in (lambda: self.write_vmx('root-000001.vmdk'),
                       lambda: files.write_atomically(
                           self.layout.moving(UUID), '{}')):
            self.theirs.second.write(UUID)
            self.assertTrue(os.path.exists(self.place))
            change()
            self.theirs.second.write(UUID)
            self.assertFalse(os.path.exists(self.place))
            self.assertIsNone(self.find())
            self.write_vmx()

    def test_none_if_a_disk_is_not_in_a_storage_folder(self):
        self.records.change(UUID, disks=disks.dump([
            self.disk, disks.swap(1 << 20, 'lsilogic')]))
        self.theirs.second.write(UUID)
        self.assertFalse(os.path.exists(self.place))

    def test_it_moves_with_the_disks(self):
        new = server_folders.new_path(self.usb, UUID)
        server_folders.create(new, THEIRS)
        moved = disks.moved(self.disk, new, self.disk.storage)
        os.rename(self.disk.path, moved.path)
        self.disk = moved
        self.records.change(UUID, disks=disks.dump([moved]))
        self.write_vmx()
        self.theirs.second.write(UUID)
        self.assertFalse(os.path.exists(self.place))
        self.assertEqual(new, self.find().path)

    def test_the_higher_number_is_right(self):
        """A crash came before the earlier one was removed."""
        new = server_folders.new_path(self.usb, UUID)
        server_folders.create(new, THEIRS)
        shutil.copytree(self.place, os.path.join(new, 'record'))
        content = self.content()
        content['number'] += 1
        content['record']['show_gui'] = False
        files.write_atomically(os.path.join(new, 'record', 'nova.json'),
                               json.dumps(content))
        self.assertFalse(self.find().record.show_gui)

    def test_files_that_a_crash_has_left(self):
        part = os.path.join(self.place, '.nova.json.1234abcd.part')
        files.write_atomically(part, '{')
        with folder_locks.lock('record-' + UUID,
                               os.path.join(self.usb, 'locks')):
            self.theirs.second.refresh()
            self.assertTrue(os.path.exists(part))
        self.theirs.second.refresh()
        self.assertFalse(os.path.exists(part))

    def test_a_full_folder_fails_no_start(self):
        self.useFixture(fixtures.MockPatchObject(
            files, 'write_atomically', side_effect=OSError('Full.')))
        self.records._write = lambda *_: None
        self.theirs.second.write(UUID)

    def test_the_disks_change_hands(self):
        found = self.find()
        self.assertEqual(THEIRS, found.record.compute_id)
        self.ours.second.take_over(found, 'instance-2', 5907,
                                   THEIRS)
        record = self.ours.records.get(UUID)
        self.assertEqual(
            ('instance-2', 5907, THEIRS, True),
            (record.name, record.vnc_port, record.adopted_from,
             record.is_copy))
        self.assertEqual(b'secret', files.read(
            self.ours.layout.file(UUID, 'config-drive.iso')))
        self.assertEqual(OURS, server_folders.owner(self.path))
        self.ours.storage.require(UUID)
        # The former host gives way.
        self.assertTrue(self.theirs.second.places.is_foreign(
            self.theirs.records.get(UUID)))
        self.assertRaises(exception.FileInUse, self.theirs.storage.require,
                          UUID)
        self.theirs.second.write(UUID)
        self.assertEqual(OURS, self.content()['record']['compute_id'])
        self.theirs.storage.remove(UUID, self.theirs.layout.folder(UUID))
        self.assertTrue(os.path.exists(self.disk.path))

    def test_disks_are_safe_while_they_change_hands(self):
        """At each step, one of the hosts can use them, and none loses them.

        Until the end, that is the former one.
        """
        steps = []

        def stop_after(number):
            def write(*args, **kwargs):
                steps.append(None)
                if len(steps) > number:
                    raise KeyboardInterrupt()
                return original(*args, **kwargs)
            return write

        original = files.write_atomically
        for number in range(20):
            steps.clear()
            with fixtures.MockPatchObject(files, 'write_atomically',
                                          stop_after(number)):
                try:
                    self.ours.second.take_over(self.find(), 'i', 5907,
                                               THEIRS)
                    break
                except KeyboardInterrupt:
                    self.assertEqual(THEIRS, server_folders.owner(self.path))
            self.theirs.storage.require(UUID)
            self.ours.storage.remove(UUID, self.ours.layout.folder(UUID))
            self.assertTrue(os.path.exists(self.disk.path))
        self.assertEqual(2, number)
        self.assertEqual(OURS, server_folders.owner(self.path))

    def test_they_are_given_back_to_the_host_that_nova_names(self):
        """A second host had taken them, and failed before Nova knew."""
        self.ours.second.take_over(self.find(), 'instance-1', 5907, FIRST)
        record = self.ours.records.get(UUID)
        self.ours.records.give_back(UUID)
        self.ours.second.give_back(record)
        self.assertEqual(FIRST, server_folders.owner(self.path))

    def test_they_are_given_back(self):
        self.ours.second.take_over(self.find(), 'instance-1', 5907,
                                   THEIRS)
        record = self.ours.records.get(UUID)
        self.ours.records.give_back(UUID)
        self.ours.second.give_back(record)
        self.assertFalse(os.path.exists(self.ours.layout.folder(UUID)))
        self.assertEqual(THEIRS, server_folders.owner(self.path))
        self.theirs.storage.require(UUID)
        self.assertIsNone(self.find().record.adopted_from)

    def test_they_are_taken_back(self):
        self.ours.second.take_over(self.find(), 'instance-1', 5907,
                                   THEIRS)
        record = self.theirs.records.get(UUID)
        self.assertEqual(OURS, self.theirs.second.places.owner(record))
        self.theirs.second.take_back(record)
        self.theirs.storage.require(UUID)
        self.assertEqual(THEIRS, self.content()['record']['compute_id'])
        self.assertTrue(self.theirs.second.may_remove(self.path))

    def late(self, host):
        """Let the storage folder of a host be away at the next look."""
        folder, = host.storage.folders.others
        answers = [exception.StorageFolderMissing('Late.')]

        def require():
            if answers:
                raise answers.pop()

        return fixtures.MockPatchObject(folder, 'require', require)

    def test_a_storage_folder_that_answers_late(self):
        """Nothing is done with the disks that are there alone."""
        found = self.find()
        with self.late(self.ours):
            self.assertRaises(exception.StorageFolderMissing,
                              self.ours.second.take_over, found, 'i', 5907,
                              THEIRS)
        self.assertIsNone(self.ours.records.get(UUID))
        self.ours.second.take_over(found, 'instance-1', 5907,
                                   THEIRS)
        with self.late(self.theirs):
            self.assertRaises(exception.StorageFolderMissing,
                              self.theirs.storage.require, UUID)
        self.assertRaises(exception.FileInUse, self.theirs.storage.require,
                          UUID)
        with self.late(self.ours):
            self.assertRaises(exception.StorageFolderMissing,
                              self.ours.second.remove, UUID)
        record = self.theirs.records.get(UUID)
        with self.late(self.theirs):
            self.assertRaises(exception.StorageFolderMissing,
                              self.theirs.second.take_back, record)
        record = self.ours.records.get(UUID)
        self.ours.records.give_back(UUID)
        with self.late(self.ours):
            self.assertRaises(exception.StorageFolderMissing,
                              self.ours.second.give_back, record)
        self.assertEqual(OURS, server_folders.owner(self.path))
        self.assertTrue(os.path.exists(self.ours.layout.folder(UUID)))

    def test_a_host_that_writes_it_just_now(self):
        found = self.find()
        with folder_locks.lock('record-' + UUID,
                               os.path.join(self.usb, 'locks')):
            self.assertRaises(exception.ServerInUse,
                              self.ours.second.take_over, found, 'i', 5907,
                              THEIRS)
        self.assertEqual(THEIRS, server_folders.owner(self.path))

    def test_what_no_host_writes_is_refused(self):
        whole = self.content()['record']
        [root, drive] = whole['disks']
        for changes in (
                {'uuid': OURS}, {'name': ''}, {'name': 'a\nb'},
                {'name': 'x' * 300}, {'name': ['x']}, {'show_gui': 1},
                {'image_adapter': 'evil'}, {'image_adapter': []},
                {'image_ref': '../x'}, {'image_properties': {'a': 1}},
                {'image_properties': ['a']}, {'detached_volumes': 'x'},
                {'detached_volumes': ['x']}, {'adopted_from': '../x'},
                {'disks': 'x'}, {'disks': [{}]},
                {'disks': [{**root, 'path': '/etc/shadow'}]},
                {'disks': [{**root, 'path': '/etc/root.vmdk'}]},
                {'disks': [{**root, 'path': 'root.vmdk', 'storage': None}]},
                {'disks': [root, {**drive, 'path': '../../x.iso'}]},
                {'disks': [root, {**drive, 'path': 'other.iso'}]},
                {'disks': [root, {**drive, 'path': '/etc/passwd',
                                  'deleted_with_server': False}]}):
            self.forge(**changes)
            self.assertRaises(exception.RecordUnreadable, self.find)
            self.forge(**whole)
        self.assertIsNotNone(self.find())

    def test_a_storage_folder_that_this_host_lacks(self):
        [root, drive] = self.content()['record']['disks']
        self.forge(disks=[{**root, 'storage': OURS}, drive])
        self.assertRaises(exception.StorageFolderMissing, self.find)

    def test_what_is_no_record_is_none(self):
        path = os.path.join(self.place, 'nova.json')
        for text in ('', '{', '[]', '{"record": 1, "number": 1}',
                     '{"record": {}, "number": "1"}', '[' * 100000,
                     ' ' * (2 << 20)):
            files.write_atomically(path, text)
            self.assertIsNone(self.find())
        os.remove(path)
        os.symlink(self.layout.record(UUID), path)
        self.assertIsNone(self.find())
        os.remove(path)
        os.mkfifo(path)
        self.assertIsNone(self.find())

    def test_a_link_in_place_of_a_file_is_refused(self):
        found = self.find()
        for path in (self.disk.path,
                     os.path.join(self.place, 'config-drive.iso')):
            os.rename(path, path + '.aside')
            os.symlink('/etc/passwd', path)
            self.assertRaises(exception.RecordUnreadable, self.find)
            if path != self.disk.path:
                # It has come since.
                self.assertRaises(OSError, self.ours.second.take_over, found,
                                  'i', 5907, THEIRS)
                self.assertFalse(os.path.exists(self.ours.layout.file(
                    UUID, 'config-drive.iso')))
            os.rename(path + '.aside', path)

    def make_private(self):
        """Return a folder of this host that nobody else may touch."""
        private = os.path.join(self.root, 'private')
        shutil.copytree(self.path, private)
        for name in ('.owner.json.1234abcd.part', 'secret'):
            for folder in (private, os.path.join(private, 'record')):
                files.write_atomically(os.path.join(folder, name), 'private')
        self.before = self.see(private)
        return private

    def see(self, top):
        return {os.path.join(folder, name): files.fingerprints(
            [os.path.join(folder, name)])
            for folder, _folders, names in os.walk(top) for name in names}

    def test_a_record_that_names_a_linked_folder_is_refused(self):
        private = self.make_private()
        link = os.path.join(self.usb, UUID + '_00000000')
        os.symlink(private, link)
        root = self.content()['record']['disks'][0]
        self.forge(disks=[{**root, 'path': os.path.join(link, 'root.vmdk')}])
        self.assertRaises(exception.RecordUnreadable, self.find)
        self.assertEqual(self.before, self.see(private))

    def test_a_link_in_place_of_the_folder_of_a_server(self):
        """It has come since the record was checked."""
        found = self.find()
        private = self.make_private()
        os.rename(self.path, self.path + '-aside')
        os.symlink(private, self.path)
        self.assertRaises(OSError, self.ours.second.take_over, found, 'i',
                          5907, THEIRS)
        self.assertEqual(server_folders.UNKNOWN,
                         server_folders.owner(self.path))
        self.theirs.second.refresh()
        self.theirs.storage.finish_interrupted()
        self.assertRaises(exception.FileInUse, self.theirs.storage.require,
                          UUID)
        self.theirs.storage.remove(UUID, self.layout.folder(UUID))
        for function in (server_folders.remove, server_folders.remove_record,
                         lambda path: server_folders.create(path, OURS)):
            self.assertRaises(OSError, function, self.path)
        self.assertEqual(self.before, self.see(private))

    def test_a_link_in_place_of_the_folder_of_a_record(self):
        found = self.find()
        private = self.make_private()
        os.rename(self.place, self.place + '-aside')
        os.symlink(os.path.join(private, 'record'), self.place)
        self.assertIsNone(self.find())
        self.assertRaises(OSError, self.ours.second.take_over, found, 'i',
                          5907, THEIRS)
        self.assertFalse(os.path.exists(self.ours.layout.file(
            UUID, 'config-drive.iso')))
        self.theirs.second.refresh()
        self.assertEqual(self.before, self.see(private))
        server_folders.remove(self.path)
        self.assertFalse(os.path.lexists(self.path))
        self.assertEqual(self.before, self.see(private))

    def test_nothing_is_read_without_storage_folders(self):
        alone = second_records.SecondRecords(
            storages.folders(self.layout), self.layout, self.records,
            vmx_file.VmxFiles(self.layout), THEIRS)
        os.remove(self.layout.vmx(UUID))
        alone.refresh()
        alone.write(UUID)
        alone.remove(UUID)
        self.assertFalse(alone.places.is_foreign(self.records.get(UUID)))
        self.assertTrue(os.path.exists(self.place))
