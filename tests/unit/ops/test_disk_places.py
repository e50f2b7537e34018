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

import fixtures
from nova.objects import image_meta
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.ops import disk_places
from nova_vmrun.server import disks
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import server_storage
from tests.unit.machine import base as machines
from tests.unit.ops import hosts
from tests.unit.storage import storages

UUID = hosts.UUID
INFO = {'ephemerals': [{'size': 2}], 'swap': {'device_name': '/dev/sdb',
                                              'swap_size': 1024}}


class DiskPlacesTestCase(hosts.TestCase):

    def make_storage(self):
        self.paths = [self.useFixture(fixtures.TempDir()).path
                      for _ in range(2)]
        self.folders = storages.folders(
            self.layout, 'fast,ssd:' + self.paths[0],
            'big,disk:' + self.paths[1])
        self.folders.check()
        for number, folder in enumerate(self.folders.all):
            folder.space = mock.Mock(return_value=folders_module.Space(
                number, 0, 0, (number + 1) * 10 * units.Gi))
        return server_storage.ServerStorage(
            self.folders, self.layout, self.records, mock.Mock(),
            'this-node')

    def reserve(self, root_gb=1, info=None, image_ref='image', default=None,
                image=None, **tags):
        places = disk_places.DiskPlaces(
            self.host(default_storage_tag=default), self.servers)
        return places.reserve(
            types.SimpleNamespace(
                uuid=UUID, image_ref=image_ref,
                flavor=types.SimpleNamespace(root_gb=root_gb)),
            image or {}, machines.make_hardware(**tags), info)

    def placed(self, *planned, **asked):
        with self.reserve(**asked) as places:
            self.assertTrue(os.path.isdir(places.private))
            return [os.path.dirname(os.path.dirname(
                places.placed(disk).path)) for disk in planned]

    def test_root_disk_with_its_cache(self):
        fast, big = self.folders.others
        with self.reserve(storage_tag='ssd') as places:
            self.assertIs(fast.cache, places.cache)
            placed = places.placed(disks.root(1, 'ide'))
            self.assertEqual(fast.identity, placed.storage)
            self.assertEqual('root.vmdk', os.path.basename(placed.path))
        with self.reserve() as places:
            self.assertIs(big.cache, places.cache)

    def test_disks_in_instances_path(self):
        root = disks.root(1, 'ide')
        with self.reserve(storage_tag='default') as places:
            self.assertIs(root, places.placed(root))

    def test_which_tag_counts(self):
        for asked, expected in (
                (dict(storage_tag='ssd', storage_policy='disk'), 0),
                (dict(storage_policy='ssd', default='disk'), 0),
                (dict(default='ssd'), 0), ({}, 1)):
            self.assertEqual([self.paths[expected]], self.placed(
                disks.root(1, 'ide'), **asked))

    def test_other_disks_go_with_the_root_disk_or_by_their_tags(self):
        planned = (disks.root(1, 'ide'), disks.ephemeral(0, 2, 'ide'),
                   disks.swap(1, 'ide'))
        fast, big = self.paths
        self.assertEqual([fast] * 3, self.placed(
            *planned, info=INFO, storage_tag='ssd'))
        self.assertEqual([fast, big, fast], self.placed(
            *planned, info=INFO, storage_tag='ssd',
            ephemeral_storage_tag='disk'))
        self.assertEqual([big, big, fast], self.placed(
            *planned, info=INFO, swap_storage_tag='fast'))

    def test_all_disks_count(self):
        with self.reserve(root_gb=16, info=INFO, storage_tag='ssd'):
            self.assertEqual(19 * units.Gi,
                             self.folders.others[0].builds.reserved())
        self.assertRaises(
            exception.NoStorageFolder,
            self.reserve(root_gb=17, info=INFO, storage_tag='ssd').__enter__)

    def test_size_of_the_image(self):
        for fields, size in (({}, 0), ({'size': 7, 'min_disk': 0}, 7),
                             ({'size': 7, 'min_disk': 3}, 3 * units.Gi)):
            with self.reserve(root_gb=0, storage_tag='ssd',
                              image=image_meta.ImageMeta(**fields)):
                self.assertEqual(size,
                                 self.folders.others[0].builds.reserved())

    def test_a_server_that_boots_from_a_volume(self):
        with self.reserve(root_gb=500, image_ref=''):
            self.assertEqual(0, self.folders.others[1].builds.reserved())
