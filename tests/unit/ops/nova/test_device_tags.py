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

import dataclasses
import types
from unittest import mock

import fixtures
from nova import exception as nova_exception
from nova.objects import block_device
from nova.objects import virt_device_metadata

from nova_vmrun.ops.nova import device_tags
from nova_vmrun.server import disks
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='11111111-2222-3333-4444-555555555555')
VOLUME = '22222222-2222-3333-4444-555555555555'
DISKS = {
    'root_device_name': '/dev/sda',
    'ephemerals': [{'device_name': '/dev/sdb'}, {'device_name': '/dev/sdc'}],
    'swap': {'device_name': '/dev/sdd', 'swap_size': 64},
}
LISTED = (disks.root(None, None), disks.ephemeral(0, None, None),
          disks.ephemeral(1, None, None), disks.swap(None, None),
          disks.config_drive(None))


def mapping(tag, device, volume_id=None):
    return types.SimpleNamespace(tag=tag, device_name=device,
                                 volume_id=volume_id)


class FindTestCase(base.TestCase):

    def find(self, vifs=(), mappings=(), nodes=None, listed=LISTED):
        for name, rows in (
                ('virtual_interface.VirtualInterfaceList', vifs),
                ('block_device.BlockDeviceMappingList', mappings)):
            self.useFixture(fixtures.MockPatch(
                'nova.objects.%s.get_by_instance_uuid' % name,
                return_value=rows))
        nodes = nodes or {}
        return device_tags.find('context', INSTANCE, DISKS, [
            dataclasses.replace(disk, node=nodes.get(disk.name, disk.node))
            for disk in listed])

    def disk(self, node):
        found = self.find(
            mappings=[mapping('db', '/dev/sda')],
            nodes={'root': node})
        return found.devices[0]

    def test_nothing_is_tagged(self):
        self.assertIsNone(self.find(
            [types.SimpleNamespace(tag=None, address='fa:16:3e:00:00:01')],
            [mapping(None, '/dev/sda')]))

    def test_adapters(self):
        found = self.find([
            types.SimpleNamespace(tag=None, address='fa:16:3e:00:00:01'),
            types.SimpleNamespace(tag='lan', address='fa:16:3e:00:00:02')])
        self.assertEqual([('fa:16:3e:00:00:02', ['lan'])],
                         [(each.mac, each.tags) for each in found.devices])
        self.assertNotIn('bus', found.devices[0])

    def test_each_kind_of_disk(self):
        found = self.find(
            mappings=[mapping(tag, device)
                      for tag, device in (
                          ('os', '/dev/sda'), ('data', '/dev/sdc'),
                          ('swap', '/dev/sdd'))],
            nodes={'root': 'scsi0:0', 'ephemeral0': 'scsi0:1',
                   'ephemeral1': 'scsi0:2', 'swap': 'scsi0:10'})
        self.assertEqual(
            [('os', '0:0:0:0'), ('data', '0:0:2:0'), ('swap', '0:0:10:0')],
            [(each.tags[0], each.bus.address) for each in found.devices])

    def test_ide(self):
        self.assertEqual('1:0', self.disk('ide1:0').bus.address)

    def test_buses_that_nova_has_no_name_for(self):
        for node in ('sata0:0', 'nvme0:0', None):
            disk = self.disk(node)
            self.assertEqual(['db'], disk.tags)
            self.assertNotIn('bus', disk)

    def test_a_volume(self):
        volume = disks.volume(VOLUME, '/volumes/1.vmdk', 1, 'lsilogic',
                              'scsi3:2')
        found = self.find(mappings=[mapping('data', '/dev/sdb', VOLUME)],
                          listed=(*LISTED, volume))
        self.assertEqual(
            [(['data'], VOLUME, '3:0:2:0')],
            [(device.tags, device.serial, device.bus.address)
             for device in found.devices])


class VolumeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.instance = types.SimpleNamespace(uuid=INSTANCE.uuid,
                                              device_metadata=None,
                                              save=mock.Mock())
        self.volume = disks.volume(VOLUME, '/volumes/1.vmdk', 1, 'lsilogic',
                                   'scsi3:2')

    def test_it_comes_and_goes(self):
        root = virt_device_metadata.DiskMetadata(tags=['system'])
        device_tags.save(self.instance, [root])
        for _ in range(2):
            device_tags.save(self.instance, device_tags.with_volume(
                self.instance, self.volume, 'data'))
            kept, added = self.instance.device_metadata.devices
            self.assertEqual(
                (root, ['data'], VOLUME, '3:0:2:0'),
                (kept, added.tags, added.serial, added.bus.address))
        self.assertEqual(2, self.instance.save.call_count)
        self.assertEqual([root], device_tags.without_volume(self.instance,
                                                            VOLUME))

    def test_its_tag(self):
        with mock.patch.object(
                block_device.BlockDeviceMapping, 'get_by_volume_and_instance',
                side_effect=[mapping('data', None), mapping(None, None),
                             nova_exception.VolumeBDMNotFound(
                                 volume_id=VOLUME)]):
            self.assertEqual(['data', None, None], [
                device_tags.tag_of_volume('context', self.instance, VOLUME)
                for _ in range(3)])
