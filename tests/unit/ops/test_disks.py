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

import types
from unittest import mock

import fixtures
from nova.compute import vm_states
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import image_cache
from nova_vmrun.host import inspection
from nova_vmrun.host import linked
from nova_vmrun.ops import disks
from nova_vmrun.tools import vdiskmanager
from tests.unit.ops import glances
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID


def conf(use_cow_images=True, use_linked_clone=True):
    return types.SimpleNamespace(
        use_cow_images=use_cow_images,
        vmrun=stubs.conf(use_linked_clone=use_linked_clone))


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.cache = mock.create_autospec(image_cache.ImageCache,
                                          instance=True)
        self.vdiskmanager = mock.create_autospec(vdiskmanager.VDiskManager,
                                                 instance=True)
        self.linked, self.whole = [
            self.useFixture(fixtures.MockPatchObject(
                linked, name, autospec=True)).mock
            for name in ('make_child', 'make_copy')]

    def make(self, options=None, block_device_info=None, linked_clone=None,
             bus='sata', disk_manager=True,
             base=image_cache.Base('/base', '/delta')):
        """Makes the disks of a server."""
        made = disks.Disks(conf(**(options or {})), self.cache, self.layout,
                           self.vdiskmanager if disk_manager else None)
        made.make(types.SimpleNamespace(uuid=UUID),
                  base, block_device_info,
                  types.SimpleNamespace(disk_bus=bus,
                                        linked_clone=linked_clone))
        return made


class PrepareTestCase(Base):

    def test_an_image_is_fetched_as_its_user_and_with_its_certificates(self):
        glance = self.useFixture(glances.Glance())
        glance.images[glances.IMAGE] = {'size': 5}
        fetch = glance.fetch
        image = inspection.Image(glances.IMAGE, 'qcow2')
        made = self.prepare(glances.instance(), image)
        self.assertIs(self.cache.base.return_value, made)
        (asked, root_gb, download, ids), _ = self.cache.base.call_args
        self.assertEqual((image, 7, ['one', 'two']), (asked, root_gb, ids))
        self.assertFalse(fetch.called)
        download('/path')
        fetch.assert_called_once_with('context', glances.IMAGE, '/path',
                                      trusted_certs=glances.CERTIFICATES)

    def prepare(self, instance, image):
        return disks.Disks(conf(), self.cache, self.layout, None).prepare(
            'context', instance, image, '/private')

    def test_the_image_of_a_shelved_server_is_not_cached(self):
        instance = glances.instance()
        instance.vm_state = vm_states.SHELVED_OFFLOADED
        image = inspection.Image(glances.IMAGE, 'vmdk')
        made = self.prepare(instance, image)
        self.assertIs(self.cache.private.return_value, made)
        self.cache.private.assert_called_once_with(image, 7, mock.ANY,
                                                   '/private')
        self.assertFalse(self.cache.base.called)


class RootTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'options': options, 'image_says': image_says,
                'is_linked': is_linked})
        for name, options, image_says, is_linked in (
            ('by default', {}, None, True),
            ('no cow images', {'use_cow_images': False}, None, False),
            ('no linked clones', {'use_linked_clone': False}, None, False),
            ('the image insists', {'use_linked_clone': False}, True, True),
            ('the image forbids', {}, False, False),
        )]

    def test_linked_or_whole(self):
        self.make(self.options, linked_clone=self.image_says)
        path = self.layout.disk(UUID, 'root')
        if self.is_linked:
            self.linked.assert_called_once_with('/delta', '/base', path,
                                                'sata')
        else:
            self.whole.assert_called_once_with('/base', path, 'sata')
        self.assertNotEqual(self.linked.called, self.whole.called)


class PrivateTestCase(Base):

    def test_the_disk_becomes_the_servers_own_whatever_the_options_say(self):
        move = self.useFixture(fixtures.MockPatchObject(
            linked, 'move', autospec=True)).mock
        self.make(linked_clone=True, base=image_cache.Base('/disk', None))
        move.assert_called_once_with(
            '/disk', self.layout.disk(UUID, 'root'), 'sata')
        self.assertFalse(self.linked.called or self.whole.called)


class BlankTestCase(Base):

    info = {'ephemerals': [{'size': 2}, {'size': 1}],
            'swap': {'device_name': '/dev/sdb', 'swap_size': 512}}

    def test_ephemeral_disks_and_swap(self):
        self.make(block_device_info=self.info, bus='ide')
        self.assertEqual(
            [mock.call(self.layout.disk(UUID, name), size_mb=size,
                       adapter='ide')
             for name, size in (('ephemeral0', 2048), ('ephemeral1', 1024),
                                ('swap', 512))],
            self.vdiskmanager.create.call_args_list)

    def test_the_guest_has_them_in_that_order(self):
        self.add_server()
        names = ['root', 'ephemeral0', 'ephemeral1', 'swap']
        made = self.make()
        for name in names:
            open(self.layout.disk(UUID, name), 'w').close()
        self.assertEqual([self.layout.disk(UUID, name) for name in names],
                         made.existing(UUID))

    def test_without_vdiskmanager(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.make,
            block_device_info=self.info, disk_manager=False)
        self.assertIn(UUID, error.brief)
        self.assertIn('vdiskmanager_path', error.resolution)
        self.make(disk_manager=False)
