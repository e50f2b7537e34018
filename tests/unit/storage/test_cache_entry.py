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

"""Unit tests for the folder of one image in the cache."""

import os
import stat

import fixtures
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.storage import cache_entry
from tests.unit import base
from tests.unit import vmdks

DISK, DELTA, CD = 'disk-1.vmdk', 'disk-1-delta.vmdk', 'cd.iso'


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.folder = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')
        os.mkdir(self.folder)
        self.entry = cache_entry.Entry(self.folder)

    def publish(self, name, **options):
        """Publish a file as the cache does."""
        self.entry.start_work()
        part = self.entry.work(name)
        if name.endswith('.vmdk'):
            vmdks.write(part, **options)
        else:
            files.write_atomically(part, b'content')
        self.entry.publish(part, name)
        return self.entry.path(name)

    def publish_pair(self):
        self.publish(DISK)
        self.publish(DELTA, cid='11111111', parent_cid='0badcafe',
                     hint=self.entry.path(DISK))

    def again(self):
        """Return the entry as the next process finds it."""
        return cache_entry.Entry(self.folder)

    def names(self):
        return set(os.listdir(self.folder))


class WorkTestCase(Base):

    def test_work_folder_is_empty_and_private(self):
        self.entry.start_work()
        files.write_atomically(self.entry.work('image'), b'half')
        self.entry.start_work()
        folder = os.path.dirname(self.entry.work('image'))
        self.assertEqual([], os.listdir(folder))
        self.assertEqual(0o700, stat.S_IMODE(os.stat(folder).st_mode))

    def test_programs_of_an_earlier_process_write_elsewhere(self):
        self.assertNotEqual(self.entry.work('image'),
                            self.again().work('image'))

    def test_work_of_earlier_processes_is_removed(self):
        self.again().start_work()
        (old,) = self.entry.unfinished()
        self.entry.start_work()
        (new,) = self.entry.unfinished()
        self.assertNotEqual(old, new)


class NamesTestCase(Base):

    def setUp(self):
        super().setUp()
        for name in (DISK, DELTA, 'disk-2.vmdk', CD, 'floppy.img',
                     CD + '.used', 'image.json', '.image.json.part'):
            files.write_atomically(self.entry.path(name), b'')
        os.mkdir(self.entry.path(DISK + '.lck'))
        self.entry.start_work()

    def test_base_disks(self):
        self.assertEqual([DISK, 'disk-2.vmdk'], self.entry.disks())

    def test_plain_files(self):
        self.assertEqual([CD, 'floppy.img'], self.entry.plain_files())


class FactsTestCase(Base):

    def test_facts_are_kept(self):
        self.assertEqual({}, self.entry.facts)
        self.entry.save_facts(virtual_size=5, adapter=None)
        self.entry.save_facts(adapter='ide')
        self.assertEqual({'virtual_size': 5, 'adapter': 'ide'},
                         self.again().facts)

    def test_records_of_files_are_no_facts(self):
        self.publish(CD)
        self.entry.mark_verified(CD, ['1'])
        self.entry.save_facts(adapter='ide')
        self.assertEqual({'adapter': 'ide'}, self.entry.facts)
        self.assertIsNone(self.entry.find_damage(CD))
        self.assertTrue(self.entry.is_verified(CD, ['1']))

    def test_unreadable_facts_are_none(self):
        for content in (b'', b'{"adapter": ', b'["adapter"]'):
            files.write_atomically(self.entry.path('image.json'), content)
            self.assertEqual({}, self.entry.facts)

    def test_another_disk_of_an_ova(self):
        self.entry.refuse_another_disk('image-id', None)
        self.entry.save_facts(ova_disk='a')
        self.entry.refuse_another_disk('image-id', 'a')
        for chosen in ('b', None):
            error = self.assertRaises(
                exception.ImageRefused, self.entry.refuse_another_disk,
                'image-id', chosen)
            self.assertEqual('image-id', error.image_id)
            self.assertIn('from a to %s' % chosen, error.reason)


class PublishTestCase(Base):

    def test_nobody_may_write_to_it(self):
        path = self.publish(DISK)
        self.assertEqual(0o400, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual([], os.listdir(self.entry.unfinished()[0]))

    def test_it_counts_as_used(self):
        self.publish(CD)
        self.assertIn(CD + '.used', self.names())

    def test_it_is_recorded_before_it_has_its_name(self):
        def publish(part, path):
            self.assertNotEqual('Its origin is unknown.',
                                self.entry.find_damage(CD))
            self.assertEqual('It is missing.', self.entry.find_damage(CD))
            os.rename(part, path)

        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.files.publish', publish))
        self.publish(CD)
        self.assertIsNone(self.entry.find_damage(CD))

    def test_only_disks_that_can_have_children(self):
        error = self.assertRaises(exception.InvalidVmdk, self.publish, DISK,
                                  create_type='streamOptimized')
        self.assertIn('streamOptimized instead of monolithicSparse',
                      error.brief)
        self.assertNotIn(DISK, self.names())


class DamageTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'change': change, 'damage': damage})
        for name, change, damage in (
            ('none', lambda path: None, None),
            ('removed', os.remove, 'It is missing.'),
            ('larger', lambda path: os.truncate(path, 1 << 20),
             'Its size in bytes is 1048576 and was '),
            ('written to', lambda path: vmdks.write(path, cid='12345678'),
             'Its content id is 12345678 and was 0badcafe.'),
            ('touched', lambda path: os.utime(path, (1, 1)),
             'Its modification time in nanoseconds is 1000000000 and was '),
            ('cut off', lambda path: os.truncate(path, 100),
             'It cannot be read: '))]

    def test_disk(self):
        path = self.publish(DISK)
        os.chmod(path, 0o600)
        self.change(path)
        damage = self.again().find_damage(DISK)
        if self.damage is None:
            self.assertIsNone(damage)
        else:
            self.assertTrue(damage.startswith(self.damage), damage)
        self.assertEqual([DISK] if damage is None else [],
                         self.entry.intact_disks())


class OtherDamageTestCase(Base):

    def test_file_of_unknown_origin(self):
        vmdks.write(self.entry.path(DISK))
        self.assertEqual('Its origin is unknown.',
                         self.entry.find_damage(DISK))

    def test_images_have_no_content_id(self):
        path = self.publish(CD)
        self.assertIsNone(self.entry.find_damage(CD))
        os.chmod(path, 0o600)
        os.truncate(path, 1)
        self.assertEqual('Its size in bytes is 1 and was 7.',
                         self.entry.find_damage(CD))

    def test_empty_child(self):
        self.publish_pair()
        self.assertIsNone(self.entry.find_delta_damage(DELTA, DISK))
        self.publish('disk-2.vmdk', cid='22222222')
        self.assertEqual('It is the child of another disk.',
                         self.entry.find_delta_damage(DELTA, 'disk-2.vmdk'))
        os.remove(self.entry.path(DELTA))
        self.assertEqual('It is missing.',
                         self.entry.find_delta_damage(DELTA, DISK))


class VerifiedTestCase(Base):

    def test_each_set_of_certificates_counts_by_itself(self):
        self.assertTrue(self.entry.is_verified(CD, []))
        self.assertFalse(self.entry.is_verified(CD, ['1']))
        self.entry.mark_verified(CD, ['2', '1'])
        self.entry.mark_verified(CD, ['3'])
        entry = self.again()
        for certificates, expected in (
                (['1', '2'], True), (['2', '1'], True), (['3'], True),
                (['1'], False), (['1', '2', '3'], False)):
            self.assertIs(expected, entry.is_verified(CD, certificates))
        self.assertFalse(entry.is_verified(DISK, ['3']))

    def test_nothing_is_recorded_without_certificates_or_twice(self):
        self.entry.mark_verified(CD, [])
        self.assertEqual(set(), self.names())
        self.entry.mark_verified(CD, ['1'])
        before = files.read(self.entry.path('image.json'))
        self.entry.mark_verified(CD, ['1'])
        self.assertEqual(before, files.read(self.entry.path('image.json')))

    def test_replaced_content_is_not_verified(self):
        self.entry.mark_verified(CD, ['1'])
        self.entry.mark_verified(DISK, ['1'])
        self.entry.forget_verified(CD)
        self.assertFalse(self.entry.is_verified(CD, ['1']))
        self.assertTrue(self.entry.is_verified(DISK, ['1']))

    def test_forgetting_what_was_not_verified_writes_nothing(self):
        self.entry.forget_verified(CD)
        self.assertEqual(set(), self.names())


class UseTestCase(Base):

    def test_last_use(self):
        path = self.entry.path(CD)
        self.assertEqual(0, self.entry.last_use(CD))
        files.write_atomically(path, b'')
        os.utime(path, (5, 5))
        self.assertEqual(5, self.entry.last_use(CD))
        self.entry.touch(CD)
        self.assertEqual(os.stat(path + '.used').st_mtime,
                         self.entry.last_use(CD))
        os.utime(path + '.used', (7, 7))
        self.assertEqual(7, self.entry.last_use(CD))
        self.entry.touch(CD)
        self.assertLess(7, self.entry.last_use(CD))


class RemovalTestCase(Base):

    def test_disk_goes_with_its_child_and_its_lock(self):
        self.publish_pair()
        self.publish('disk-2.vmdk')
        for name in (DISK, DELTA):
            os.mkdir(self.entry.path(name + '.lck'))
        self.entry.remove(DISK)
        self.assertEqual({'image.json', 'disk-2.vmdk', 'disk-2.vmdk.used'},
                         self.names())

    def test_child_goes_alone(self):
        self.publish_pair()
        self.entry.remove(DELTA)
        self.assertEqual({'image.json', DISK, DISK + '.used'}, self.names())

    def test_image(self):
        self.publish(CD)
        self.entry.remove(CD)
        self.assertEqual({'image.json'}, self.names())

    def test_crash_leaves_no_child_without_its_disk(self):
        """The child is moved to the work folder first."""
        self.publish_pair()
        renamed = []
        self.useFixture(fixtures.MockPatch(
            'os.rename', lambda old, new: renamed.append(
                (os.path.basename(old), os.path.dirname(new)))))
        self.entry.remove(DISK)
        self.assertEqual([DELTA, DELTA + '.used', DISK, DISK + '.used'],
                         [name for name, _ in renamed])
        self.assertEqual({os.path.dirname(self.entry.work(''))},
                         {folder for _, folder in renamed})

    def test_cleaning_keeps_what_is_complete(self):
        path = self.publish(CD)
        files.write_atomically(self.entry.path('.x.0badcafe.part'), b'')
        self.entry.start_work()
        self.entry.clean()
        self.assertEqual({'image.json', CD, CD + '.used'}, self.names())
        # VMware's lock of a disk that is gone keeps no folder.
        os.remove(path)
        os.mkdir(self.entry.path(DISK + '.lck'))
        self.entry.clean()
        self.assertFalse(os.path.exists(self.folder))

    def test_cleaning_keeps_a_folder_with_a_disk(self):
        self.publish(DISK)
        self.entry.clean()
        self.assertIn(DISK, self.names())

    def test_removal_is_on_the_disk_before_the_content_goes(self):
        self.publish(CD)
        sync = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.files.sync_folder')).mock
        self.entry.remove(CD)
        sync.assert_called_once_with(self.folder)
