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

"""What somebody else did to files of the image cache."""

import os
from unittest import mock

from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import linked
from tests.unit.storage import caches
from tests.unit import vmdks

SERVER = '11111111-2222-3333-4444-555555555555'


def _later(path):
    os.utime(path, (1000, 1000))


def _cut(path):
    os.truncate(path, 100)


_KINDS = (
    # what was done to the disk, what is said of it
    ('written to', caches.damage, 'content id is 12345678 and was 0badcafe'),
    ('touched', _later, 'modification time in nanoseconds'),
    ('grown', lambda path: os.truncate(path, units.Mi), 'size in bytes is'),
    ('cut off', _cut, 'It cannot be read'),
    ('removed', os.remove, 'It is missing'),
)


class DiskTestCase(testscenarios.TestWithScenarios, caches.TestCase):

    scenarios = [(name, {'change': change, 'words': words})
                 for name, change, words in _KINDS]

    def setUp(self):
        super().setUp()
        self.made = self.base(root_gb=2)
        self.before = os.stat(self.made.disk).st_ino
        del self.downloads[:]
        os.chmod(self.made.disk, 0o600)

    def test_without_users_it_is_fetched_again(self):
        self.change(self.made.disk)
        self.assertEqual(self.made, self.base(root_gb=2))
        self.assertEqual(1, len(self.downloads))
        self.assertEqual('0badcafe',
                         linked.read_descriptor(self.made.disk).cid)
        self.assertEqual(2 * units.Gi, self.capacity(self.made.disk))
        self.base(root_gb=2)
        self.assertEqual(1, len(self.downloads))

    def test_it_is_removed_even_if_it_cannot_be_fetched_again(self):
        self.change(self.made.disk)
        self.assertRaises(ConnectionError, self.base, 2, download=mock.Mock(
            side_effect=ConnectionError('Glance is down')))
        self.assertFalse(os.path.exists(self.made.disk))

    def test_with_users_it_is_left_alone_and_nothing_more_is_linked(self):
        user = self.link(self.made, SERVER, 'root.vmdk')
        self.change(self.made.disk)
        left = (os.path.exists(self.made.disk) and
                files.read(self.made.disk))
        error = self.assertRaises(exception.BaseDamaged, self.base,
                                  root_gb=2)
        self.assertIn(self.made.disk, error.brief)
        self.assertIn(self.words, error.details)
        self.assertIn(user, self.log.output)
        self.assertEqual([], self.downloads)
        self.assertEqual(left, os.path.exists(self.made.disk) and
                         files.read(self.made.disk))

    def test_another_size_is_not_made_of_it(self):
        self.link(self.made, SERVER, 'root.vmdk')
        self.change(self.made.disk)
        self.base(root_gb=3)
        self.assertEqual(1, len(self.downloads))

    def test_an_intact_size_is_a_source_for_it(self):
        self.base(root_gb=3)
        self.change(self.made.disk)
        self.base(root_gb=2)
        self.assertEqual([], self.downloads)


class UnreadableTestCase(caches.TestCase):
    """Nobody knows what a file uses that cannot be read."""

    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.layout.root, SERVER))
        self.backup = os.path.join(self.layout.root, SERVER, 'backup.vmdk')
        vmdks.write(self.backup)
        self.forbid(self.backup)

    def test_an_image_is_fetched_nevertheless(self):
        self.base()
        self.assertEqual(1, len(self.downloads))

    def test_a_base_that_is_there_is_not_removed(self):
        made = self.base()
        os.chmod(made.disk, 0o600)
        caches.damage(made.disk)
        before = files.read(made.disk)
        error = self.assertRaises(exception.BaseDamaged, self.base)
        self.assertIn('servers may need it', error.brief)
        self.assertIn(self.backup, error.details)
        self.assertEqual(before, files.read(made.disk))


class OtherFilesTestCase(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.made = self.base()
        del self.downloads[:]

    def check_only_the_delta_is_made_again(self):
        self.assertEqual(self.made, self.base())
        self.assertEqual([], self.downloads)
        self.assertEqual('create_child', self.tools.qemu_img.
                         method_calls[-1][0])
        self.assertEqual(linked.read_descriptor(self.made.disk).cid,
                         linked.read_descriptor(self.made.delta).parent_cid)

    def test_an_empty_child_that_was_changed(self):
        self.link(self.made, SERVER, 'root.vmdk')
        os.chmod(self.made.delta, 0o600)
        vmdks.write(self.made.delta, parent_cid='0badcafe', cid='12345678')
        self.check_only_the_delta_is_made_again()

    def test_an_empty_child_of_another_disk(self):
        self.link(self.made, SERVER, 'root.vmdk')
        os.chmod(self.made.delta, 0o600)
        status = os.stat(self.made.delta)
        vmdks.write(self.made.delta, parent_cid='00000bad',
                    hint=self.made.disk)
        os.utime(self.made.delta, ns=(status.st_mtime_ns,) * 2)
        self.assertEqual(status.st_size, os.stat(self.made.delta).st_size)
        self.check_only_the_delta_is_made_again()

    def test_records_that_are_lost(self):
        """Nothing shows whether the disk is the image."""
        for content in (b'', b'[]', b'{"files": {}}'):
            files.write_atomically(os.path.join(self.folder, 'image.json'),
                                   content)
            del self.downloads[:]
            self.base()
            self.assertEqual(1, len(self.downloads), content)

    def test_an_image_in_drives_is_fetched_again(self):
        """Servers have links of their own, so nobody is asked."""
        def fetch():
            return self.cache.file(caches.IMAGE, 'cd.iso', self.download,
                                   self.assertTrue)

        path = fetch()
        os.link(path, os.path.join(self.layout.root, 'server.iso'))
        self.assertEqual(path, fetch())
        self.assertEqual(1, len(self.downloads))
        os.chmod(path, 0o600)
        os.truncate(path, 5)
        self.assertEqual(path, fetch())
        self.assertEqual(2, len(self.downloads))
        self.assertEqual(0o400, os.stat(path).st_mode & 0o777)


class PrivateTestCase(caches.TestCase):
    """The disk of a shelved server's image."""

    def setUp(self):
        super().setUp()
        self.private = os.path.join(self.layout.root, 'private')
        os.mkdir(self.private)

    def make(self, root_gb=2):
        return self.cache.private(inspector.Image(caches.IMAGE, 'qcow2'),
                                  root_gb, self.download, self.private)

    def test_it_is_made_where_it_was_asked_for(self):
        made = self.make()
        self.assertEqual([os.path.basename(made.disk)],
                         os.listdir(self.private))
        self.assertEqual(2 * units.Gi, self.capacity(made.disk))
        self.assertIsNone(made.delta)
        self.assertEqual([], os.listdir(self.layout.cache))

    def test_it_becomes_a_servers_disk_without_a_copy(self):
        made = self.make()
        number = os.stat(made.disk).st_ino
        path = os.path.join(self.layout.root, 'root.vmdk')
        linked.move(made.disk, path, 'buslogic')
        self.assertEqual((number, 0o600), (
            os.stat(path).st_ino, os.stat(path).st_mode & 0o777))
        descriptor = linked.read_descriptor(path)
        self.assertEqual('root.vmdk', descriptor.extents[0].name)
        self.assertEqual('buslogic', descriptor.ddb['ddb.adaptertype'])
        self.assertEqual([], os.listdir(self.private))

    def test_it_is_checked_like_others(self):
        self.tools.image_size = 3 * units.Gi
        self.assertRaises(exception.DiskTooSmall, self.make)
