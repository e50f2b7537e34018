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

"""Two processes and one image cache, and the death of one of them."""

import os

import testscenarios

from nova_vmrun.host import boots
from nova_vmrun.host import cache_users
from nova_vmrun.host import files
from nova_vmrun.host import inspection
from nova_vmrun.host import linked
from tests.unit import forks
from tests.unit.host import caches

SERVER = '11111111-2222-3333-4444-555555555555'


class ProcessesTestCase(caches.TestCase):

    def fetched(self):
        """Returns how often any process has fetched the image."""
        with open(self.log_path) as file:
            return len(file.readlines())

    def setUp(self):
        super().setUp()
        self.log_path = os.path.join(self.layout.root, 'fetched')

    def note(self):
        with open(self.log_path, 'a') as file:
            file.write('fetched\n')

    def test_an_image_is_fetched_once(self):
        def build(reached):
            def download(path):
                self.note()
                reached()
                self.download(path)

            self.base(download=download)

        first = self.useFixture(forks.Fork(build))
        first.wait_until_reached()
        second = self.useFixture(forks.Fork(build))
        # It cannot get on before the first one has.
        first.go_on()
        second.go_on()
        self.assertEqual([0, 0], [first.join(), second.join()])
        self.assertEqual(1, self.fetched())
        self.assertTrue(self.cache.has_disk(caches.IMAGE))

    def test_the_start_of_one_leaves_alone_what_another_makes(self):
        def build(reached):
            def download(path):
                self.download(path)
                reached()

            self.base(download=download)

        child = self.useFixture(forks.Fork(build))
        child.wait_until_reached()
        self.cache.finish_interrupted()
        child.go_on()
        self.assertEqual(0, child.join())
        self.assertTrue(self.cache.has_disk(caches.IMAGE))


class KilledTestCase(testscenarios.TestWithScenarios, caches.TestCase):
    """kill -9 at each step of a first boot, then a start."""

    scenarios = [(name, {'moment': name}) for name in (
        'download', 'conversion', 'growth', 'child', 'clone', 'removal',
        'private')]

    def build(self, reached):
        """Does what a boot does, and stops half-way in one of its steps."""
        def stop_in(moment, step):
            def run(*args, **options):
                result = step(*args, **options)
                if moment == self.moment:
                    reached()
                return result
            return run

        tools = self.tools
        for moment, tool in (
                ('conversion', tools.qemu_img.convert_to_vmdk),
                ('growth', tools.vdiskmanager.grow),
                ('child', tools.qemu_img.create_child)):
            tool.side_effect = stop_in(moment, tool.side_effect)
        download = stop_in('download', self.download)
        with boots.Boots(self.layout).begin() as private:
            if self.moment == 'private':
                self.cache.private(inspection.Image(
                    caches.IMAGE, 'qcow2'), 1, download, private)
                reached()
            made = self.base(download=download)
            if self.moment == 'clone':
                linked._rewrite = stop_in('clone', linked._rewrite)
            self.link(made, SERVER, 'root.vmdk')
            if self.moment == 'removal':
                # The folder has another name by then.
                files.sync_folder = stop_in('removal', files.sync_folder)
                with self.cache.locked(caches.IMAGE):
                    self.cache.remove(caches.IMAGE)

    def test_a_start_leaves_neither_poison_nor_orphan(self):
        child = self.useFixture(forks.Fork(self.build))
        child.wait_until_reached()
        child.kill()
        self.cache.finish_interrupted()
        self.assertIsNone(boots.Boots(self.layout).oldest())
        left = [os.path.join(folder, name) for folder, _folders, names
                in os.walk(self.layout.cache) for name in names]
        for path in left:
            self.assertNotIn('/work/', path)
            self.assertNotIn('.deleted', path)
            self.assertNotIn('/boots/', path)
        # The server itself goes by destroy; see the tests of that.
        files.remove_tree(os.path.join(self.layout.root, SERVER))
        self.assertEqual({}, cache_users.CacheUsers(self.layout).all())
        made = self.base()
        with self.cache.locked(caches.IMAGE) as entry:
            self.assertEqual(['disk-1.vmdk'], entry.intact_disks())
            self.assertIsNone(entry.delta_trouble('disk-1-delta.vmdk',
                                                  'disk-1.vmdk'))
        self.link(made, SERVER, 'root.vmdk')
