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
