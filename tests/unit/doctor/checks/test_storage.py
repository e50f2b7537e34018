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

from nova_vmrun.doctor.checks import storage
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from tests.unit.doctor import hosts


class SpaceTestCase(hosts.TestCase):

    def test_full(self):
        self.assert_wrong('1.0 of 200.0 GiB are free', 'Free some space',
                          'storage', free=hosts.GIB)

    def test_nearly_full(self):
        self.assert_warning('5.0 of 200.0 GiB are free', 'Free some space',
                            'storage', free=5 * hosts.GIB)

    def test_read_only(self):
        self.assert_wrong('mounted read-only', 'remount,rw', 'storage',
                          is_read_only=True)


class TypeTestCase(hosts.TestCase):

    def test_fat(self):
        for kind in ('vfat', 'exfat'):
            self.assert_wrong('neither owners nor links', 'ext4', 'storage',
                              type=kind)

    def test_full_copies_without_shared_blocks(self):
        self.assert_warning('copies its whole image', 'use_linked_clone',
                            'storage', uses_linked_clones=False)
        self.assertEqual([], self.problems(
            'storage', uses_linked_clones=False, type='btrfs'))

    def test_unknown_type(self):
        self.assertEqual([], self.problems('storage', type=''))


class FoldersTestCase(hosts.TestCase):

    def folder(self, **changes):
        return facts.StorageFolder('usb', '/media/my drive', **{
            'free': 80 * hosts.GIB, 'total': 99 * hosts.GIB, 'type': 'ext4',
            **changes})

    def plant(self, **changes):
        return {'folders': (self.folder(), self.folder(**changes))}

    def test_usable(self):
        found, = storage.check_folders(facts.StorageFolders((self.folder(),)))
        self.assertIs(finding.State.OK, found.state)
        self.assertEqual('usb (/media/my drive): 80.0 of 99.0 GiB are free.',
                         found.text)
        self.assertEqual([], self.problems('storage_folders',
                                           **self.plant(is_known=False)))

    def test_unplugged(self):
        self.assert_warning('usb (/media/my drive) is not there',
                            'Plug in its drive', 'storage_folders',
                            **self.plant(is_there=False))

    def test_missing(self):
        self.assert_wrong('does not exist', "mkdir -p '/media/my drive'",
                          'storage_folders',
                          **self.plant(is_there=False, is_known=False))

    def test_hanging(self):
        self.assert_wrong('does not answer', 'file server',
                          'storage_folders',
                          **self.plant(is_there=False, hangs=True))

    def test_fat(self):
        for kind in ('vfat', 'exFAT'):
            self.assert_wrong('neither owners nor links', 'ext4',
                              'storage_folders', **self.plant(type=kind))

    def test_not_writable(self):
        self.assert_wrong('cannot write', 'chown', 'storage_folders',
                          **self.plant(is_writable=False))

    def test_full(self):
        self.assert_warning('1.0 of 99.0 GiB', 'storage evict',
                            'storage_folders', **self.plant(free=hosts.GIB))

    def test_overlap(self):
        self.assert_wrong('are the same folder', 'separate folders',
                          'storage_folders',
                          overlap='They are the same folder.')
