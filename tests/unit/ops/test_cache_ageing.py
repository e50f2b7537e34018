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
import types
from unittest import mock

import testscenarios

from nova_vmrun.ops import cache_ageing
from nova_vmrun.ops import parts
from nova_vmrun.storage import builds
from nova_vmrun.storage import stale_locks
from tests.unit import forks
from tests.unit.storage import caches

SERVER = '11111111-2222-3333-4444-555555555555'
HOUR = 3600
DAY = 24 * HOUR
NOW = 10 ** 9


class Base(caches.TestCase):
    """An image of two sizes, last used when the test says so."""

    def setUp(self):
        super().setUp()
        self.small, self.large = self.base(root_gb=1), self.base(root_gb=2)
        self.boots = builds.Builds(self.layout)
        self.now = NOW

    def used(self, made, seconds_ago):
        for path in (made.disk, made.delta):
            os.utime(path + '.used', (NOW - seconds_ago,) * 2)

    def age(self, *image_refs, remove=True, original=DAY, resized=HOUR):
        options = types.SimpleNamespace(
            remove_unused_base_images=remove,
            remove_unused_original_minimum_age_seconds=original,
            remove_unused_resized_minimum_age_seconds=resized)
        cache_ageing.CacheAgeing(
            options, parts.Images(self.cache, self.users, self.boots),
            stale_locks.StaleLocks(self.layout), clock=lambda: self.now
        ).remove_unused([
            types.SimpleNamespace(image_ref=ref) for ref in image_refs])

    def left(self):
        """Returns the sizes that are in the cache, if it is consistent."""
        if not os.path.exists(self.folder):
            self.assertEqual([], os.listdir(self.layout.cache))
            return []
        names = set(os.listdir(self.folder))
        self.assertFalse([name for name in names if 'work' in name])
        disks = [name[5:-5] for name in sorted(names)
                 if name.endswith('.vmdk') and '-delta' not in name]
        self.assertEqual({'image.json'}.union(*(
            {'disk-%s%s.vmdk%s' % (size, delta, used) for delta in
             ('', '-delta') for used in ('', '.used')} for size in disks)),
            names)
        return disks


class UnusedTestCase(testscenarios.TestWithScenarios, Base):
    """Nobody is linked to anything."""

    scenarios = [
        (name, {'ago': ago, 'refs': refs, 'options': options,
                'expected': expected})
        for name, ago, refs, options, expected in (
            ('just used', (0, 0), (), {}, ['1', '2']),
            ('one size for an hour', (HOUR, 0), (), {}, ['2']),
            ('the other size', (0, HOUR), (), {}, ['1']),
            ('both for hours', (9 * HOUR, 8 * HOUR), (), {}, ['2']),
            ('both for a day', (DAY, DAY), (), {}, []),
            ('one for a day', (DAY, DAY - 1), (), {}, ['2']),
            ('a server was made of it', (DAY, DAY + 1), (caches.IMAGE,), {},
             ['1']),
            ('a server of another image', (DAY, DAY),
             (caches.OTHER_IMAGE, ''), {}, []),
            ('other ages', (50, 50), (), {'original': 50}, []),
            ('other ages of sizes', (50, 49), (), {'resized': 50}, ['2']),
            ('nothing may go', (DAY, DAY), (), {'remove': False},
             ['1', '2']),
        )]

    def test_left(self):
        for made, ago in zip((self.small, self.large), self.ago):
            self.used(made, ago)
        self.age(*self.refs, **self.options)
        self.assertEqual(self.expected, self.left())


class LinkedTestCase(Base):

    def setUp(self):
        super().setUp()
        self.disk = self.link(self.large, SERVER + '_resize', 'root.vmdk')
        for made in (self.small, self.large):
            self.used(made, 2 * DAY)

    def test_it_stays_and_the_other_size_goes(self):
        self.age()
        self.assertEqual(['2'], self.left())

    def test_disks_in_use_are_kept_for_any_age(self):
        self.age(original=0, resized=0)
        self.assertEqual(['2'], self.left())

    def test_the_age_counts_from_the_end_of_the_use(self):
        self.age()
        os.remove(self.disk)
        self.age()
        self.assertEqual(['2'], self.left())
        with self.cache.locked(caches.IMAGE) as entry:
            self.now = entry.last_use('disk-2.vmdk') + DAY
        self.age()
        self.assertEqual([], self.left())

    def test_a_size_that_is_gone_is_made_of_the_one_that_stays(self):
        self.age()
        del self.downloads[:]
        self.base(root_gb=1)
        self.assertEqual([], self.downloads)

    def test_a_disk_that_cannot_be_read_may_use_anything(self):
        os.remove(self.disk)
        os.symlink(self.disk, self.disk)
        self.age()
        self.assertEqual(['1', '2'], self.left())
        self.assertIn('cannot be read', self.log.output)


class BusyTestCase(Base):

    def setUp(self):
        super().setUp()
        for made in (self.small, self.large):
            self.used(made, 2 * DAY)

    def test_disks_of_builds_in_progress_are_kept(self):
        """Its disk is not there yet, and the ages may be 0."""
        with self.boots.begin():
            self.base(root_gb=2)
            self.now = NOW * 10
            self.age(original=0, resized=0)
            self.assertEqual(['2'], self.left())
        self.age(original=0, resized=0)
        self.assertEqual([], self.left())

    def test_disks_used_before_all_builds_expire(self):
        with self.boots.begin():
            self.age()
            self.assertFalse(os.path.exists(self.folder))

    def test_a_disk_that_is_linked_meanwhile(self):
        """The first look at the servers' disks is out of date by then."""
        look, first = self.users.find_all, []

        def all_():
            found = look()
            if not first:
                first.append(found)
                self.link(self.large, SERVER, 'root.vmdk')
            return found

        with mock.patch.object(self.users, 'find_all', all_):
            self.age(original=0, resized=0)
        self.assertEqual(['2'], self.left())

    def test_an_image_that_is_being_made_is_passed_over(self):
        def build(reached):
            with self.cache.locked(caches.IMAGE):
                reached()

        child = self.useFixture(forks.Fork(build))
        child.wait_until_reached()
        self.age()
        self.assertEqual(['1', '2'], self.left())
        child.kill()
        self.age()
        self.assertEqual([], self.left())

    def test_an_image_that_cannot_be_removed_keeps_no_other(self):
        self.base(image_id=caches.OTHER_IMAGE)
        with mock.patch.object(self.cache, 'remove',
                               side_effect=PermissionError(13, 'no')):
            self.now = NOW * 10
            self.age()
        for image_id in (caches.IMAGE, caches.OTHER_IMAGE):
            self.assertIn('Cannot remove image %s' % image_id,
                          self.log.output)


class DrivesTestCase(caches.TestCase):

    def test_a_link_of_a_servers_keeps_no_image_in_the_cache(self):
        path = self.cache.file(caches.IMAGE, 'cd.iso', self.download,
                               self.assertTrue)
        os.utime(path + '.used', (NOW, NOW))
        server = os.path.join(self.layout.root, 'cd0.iso')
        os.link(path, server)
        cache_ageing.CacheAgeing(
            types.SimpleNamespace(
                remove_unused_base_images=True,
                remove_unused_original_minimum_age_seconds=DAY,
                remove_unused_resized_minimum_age_seconds=0),
            parts.Images(self.cache, self.users,
                         builds.Builds(self.layout)),
            stale_locks.StaleLocks(self.layout), clock=lambda: NOW + DAY
        ).remove_unused([])
        self.assertEqual([], os.listdir(self.layout.cache))
        self.assertTrue(os.path.getsize(server))
