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
from nova.compute import vm_states
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.ops import disks
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import vdiskmanager
from tests.unit.ops import glances
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID
INSTANCE = types.SimpleNamespace(
    uuid=UUID, flavor=types.SimpleNamespace(root_gb=1))


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
        self.useFixture(fixtures.MockPatchObject(
            linked, 'read_header', return_value=types.SimpleNamespace(
                capacity=7 * units.Mi)))

    def disks(self, options=None, disk_manager=True):
        return disks.Disks(
            self.host(conf(**(options or {})),
                      vdiskmanager=self.vdiskmanager if disk_manager
                      else None), self.servers, self.images(self.cache))

    def make(self, options=None, block_device_info=None, linked_clone=None,
             bus='sata', disk_manager=True,
             base=image_cache.Base('/base', '/delta')):
        """Makes the disks of a server."""
        made = self.disks(options, disk_manager)
        planned = made.plan(INSTANCE, base, block_device_info, bus)
        made.make(UUID, base, planned,
                  types.SimpleNamespace(disk_bus=bus,
                                        linked_clone=linked_clone))
        return planned


class CheckTestCase(Base):
    """What a rebuild asks while the old disks are still there."""

    def setUp(self):
        super().setUp()
        self.base = os.path.join(self.layout.cache, 'base')
        with open(self.base, 'wb') as file:
            os.posix_fallocate(file.fileno(), 0, 1 << 20)
        self.of_instances = self.useFixture(fixtures.MockPatchObject(
            space, 'of_instances')).mock
        self.set_available(0)

    def set_available(self, number):
        self.of_instances.return_value = space.FileSystem(
            'It', number, reserve=0)

    def check(self, options=None, info=None, disk_manager=True,
              linked_clone=None, is_iso=False):
        made = self.disks(options, disk_manager)
        disk = None if is_iso else image_cache.Base(self.base, '/delta')
        made.check(UUID, disk, made.plan(INSTANCE, disk, info, 'sata'),
                   types.SimpleNamespace(disk_bus='sata',
                                         linked_clone=linked_clone))

    def test_a_linked_disk_needs_no_space(self):
        self.check()

    def test_a_full_copy_does(self):
        for words in ({'linked_clone': False},
                      {'options': {'use_cow_images': False}}):
            error = self.assertRaises(exception.DiskFull, self.check, **words)
            self.assertIn(UUID, error.brief)
        self.set_available(2 << 20)
        self.check(linked_clone=False)

    def test_the_old_disk_makes_room(self):
        self.add_server()
        old = self.layout.file(UUID, 'root.vmdk')
        with open(old, 'wb') as file:
            os.posix_fallocate(file.fileno(), 0, 2 << 20)
        self.check(linked_clone=False)
        # Its space is not free when a snapshot of a resize still has it.
        os.link(old, old + '.kept')
        self.assertRaises(exception.DiskFull, self.check, linked_clone=False)

    def test_empty_disks(self):
        self.set_available(2 << 20)
        info = BlankTestCase.info
        self.check(info=info)
        self.check(is_iso=True)
        for words in ({'info': info}, {'is_iso': True}):
            self.assertRaises(exception.InvalidConfiguration, self.check,
                              disk_manager=False, **words)
        self.set_available(0)
        self.assertRaises(exception.DiskFull, self.check, info=info)


class PrepareTestCase(Base):

    def test_an_image_is_fetched_as_its_user_and_with_its_certificates(self):
        glance = self.useFixture(glances.Glance())
        glance.images[glances.IMAGE] = {'size': 5}
        fetch = glance.fetch
        image = inspector.Image(glances.IMAGE, 'qcow2')
        made = self.prepare(glances.instance(), image)
        self.assertIs(self.cache.base.return_value, made)
        (asked, root_gb, download, ids), _ = self.cache.base.call_args
        self.assertEqual((image, 7, ['one', 'two']), (asked, root_gb, ids))
        self.assertFalse(fetch.called)
        download('/path')
        fetch.assert_called_once_with('context', glances.IMAGE, '/path',
                                      trusted_certs=glances.CERTIFICATES)

    def prepare(self, instance, image):
        return self.disks(disk_manager=False).prepare(
            'context', instance, image, types.SimpleNamespace(
                cache=self.cache, private='/private'))

    def test_the_image_of_a_shelved_server_is_not_cached(self):
        instance = glances.instance()
        instance.vm_state = vm_states.SHELVED_OFFLOADED
        image = inspector.Image(glances.IMAGE, 'vmdk')
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
        path = self.layout.file(UUID, 'root.vmdk')
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
            '/disk', self.layout.file(UUID, 'root.vmdk'), 'sata')
        self.assertFalse(self.linked.called or self.whole.called)


class BlankTestCase(Base):

    info = {'ephemerals': [{'size': 2}, {'size': 1}],
            'swap': {'device_name': '/dev/sdb', 'swap_size': 512}}

    def test_ephemeral_disks_and_swap(self):
        self.make(block_device_info=self.info, bus='ide')
        self.assertEqual(
            [mock.call(self.layout.file(UUID, name + '.vmdk'), size_mb=size,
                       adapter='ide')
             for name, size in (('ephemeral0', 2048), ('ephemeral1', 1024),
                                ('swap', 512))],
            self.vdiskmanager.create.call_args_list)

    def test_the_guest_has_them_in_that_order(self):
        planned = self.make(block_device_info=self.info)
        self.assertEqual(
            [('root', 7), ('ephemeral0', 2048), ('ephemeral1', 1024),
             ('swap', 512)],
            [(disk.name, disk.size // units.Mi) for disk in planned])

    def test_without_vdiskmanager(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.make,
            block_device_info=self.info, disk_manager=False)
        self.assertIn(UUID, error.brief)
        self.assertIn('vdiskmanager_path', error.resolution)
        self.make(disk_manager=False)
