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

import hypothesis
from hypothesis import strategies
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.storage import folder_choice
from tests.unit import base


def candidate(name, free, *tags, device=None):
    return folder_choice.Candidate(
        name, frozenset([name, *tags]), device or hash(name), free * units.Gi)


def wish(size, tag=None):
    return folder_choice.Wish(tag, size * units.Gi)


def choose(candidates, *wishes):
    return [each.name for each in folder_choice.choose(candidates, wishes)]


class ChoiceTestCase(base.TestCase):

    FOLDERS = [candidate('default', 10), candidate('fast', 20, 'ssd'),
               candidate('big', 90, 'disk'), candidate('nvme', 30, 'ssd')]

    def test_most_free_space(self):
        self.assertEqual(['big'], choose(self.FOLDERS, wish(5)))

    def test_by_tag(self):
        self.assertEqual(['nvme'], choose(self.FOLDERS, wish(5, 'ssd')))
        self.assertEqual(['fast'], choose(self.FOLDERS, wish(5, 'fast')))
        self.assertEqual(['default'], choose(self.FOLDERS,
                                             wish(5, 'default')))

    def test_the_first_of_equals(self):
        self.assertEqual(['a'], choose(
            [candidate('a', 5), candidate('b', 5)], wish(1)))

    def test_one_wish_takes_space_from_the_next(self):
        self.assertEqual(['nvme', 'fast'], choose(
            self.FOLDERS, wish(20, 'ssd'), wish(5, 'ssd')))

    def test_folders_of_one_file_system_share_its_space(self):
        shared = [candidate('a', 10, device=1), candidate('b', 10, device=1)]
        self.assertRaises(exception.NoStorageFolder, choose, shared,
                          wish(6, 'a'), wish(6, 'b'))

    def test_all_of_the_free_space(self):
        self.assertEqual(['big'], choose(self.FOLDERS, wish(90)))
        error = self.assertRaises(exception.NoStorageFolder, choose,
                                  self.FOLDERS, wish(91))
        for text in ('91 GiB', 'big 90.0 GiB', 'default 10.0 GiB'):
            self.assertIn(text, str(error))

    def test_unknown_tag(self):
        error = self.assertRaises(exception.NoStorageFolder, choose,
                                  self.FOLDERS, wish(1, 'tape'))
        for text in ("'tape'", 'fast (fast, ssd)', 'default_storage_tag'):
            self.assertIn(text, str(error))

    def test_no_folder_at_all(self):
        error = self.assertRaises(exception.NoStorageFolder, choose, [],
                                  wish(0))
        self.assertIn('none', str(error))


class PlacementTestCase(base.TestCase):
    """Thirty servers, one after another, on folders of any size."""

    @hypothesis.settings(deadline=None)
    @hypothesis.given(
        strategies.lists(strategies.integers(0, 200), min_size=1,
                         max_size=5),
        strategies.lists(
            strategies.tuples(strategies.integers(0, 40),
                              strategies.floats(0, 1)),
            min_size=30, max_size=30))
    def test_the_folder_with_most_free_space(self, sizes, servers):
        free = [size * units.Gi for size in sizes]
        for size, written in servers:
            folders = [folder_choice.Candidate(str(number), frozenset(),
                                               number, space)
                       for number, space in enumerate(free)]
            largest = max(free)
            try:
                chosen, = folder_choice.choose(folders, [wish(size)])
            except exception.NoStorageFolder:
                self.assertLess(largest, size * units.Gi)
                continue
            self.assertEqual(free.index(largest), int(chosen.name))
            # A thin disk takes what its guest has written.
            free[int(chosen.name)] -= int(size * units.Gi * written)
            self.assertLessEqual(0, free[int(chosen.name)])
