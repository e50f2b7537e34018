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

from unittest import mock

from nova import objects

from nova_vmrun import exception
from nova_vmrun.ops.nova import mappings
from tests.unit import base

ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
OTHER = '11111111-d844-4169-bb96-bc792f37de98'


def mapping(volume_id=ID, boot_index=None, **data):
    return {'boot_index': boot_index, 'connection_info': {
        'driver_volume_type': 'local', 'serial': volume_id, 'data': data}}


class VolumesTestCase(base.TestCase):

    def find(self, *found):
        return [(volume.id, volume.is_boot) for volume in
                mappings.volumes({'block_device_mapping': list(found)})]

    def test_the_root_is_the_first_to_boot_from(self):
        self.assertEqual(
            [(ID, True), (OTHER, False)],
            self.find(mapping(boot_index=0), mapping(OTHER, -1)))

    def test_what_is_not_attached_yet_is_left_out(self):
        self.assertEqual([(ID, False)], self.find(
            {'boot_index': None, 'connection_info': None}, mapping(),
            {'boot_index': None}))

    def test_nothing(self):
        self.assertEqual([], mappings.volumes(None))
        self.assertEqual([], mappings.volumes({}))

    def test_the_same_twice(self):
        self.assertEqual([(ID, False)], self.find(mapping(), mapping()))

    def test_malformed(self):
        self.assertRaises(exception.InvalidInput, self.find,
                          mapping('../../etc'))


class HasDisksTestCase(base.TestCase):

    def has(self, image_ref='', **info):
        return mappings.has_disks(objects.Instance(image_ref=image_ref), info)

    def test_disks_of_the_flavor(self):
        self.assertTrue(self.has('image'))
        self.assertTrue(self.has(ephemerals=[{'size': 1}]))
        self.assertTrue(self.has(swap={'device_name': 'x', 'swap_size': 1}))

    def test_volumes_alone(self):
        self.assertFalse(self.has(
            block_device_mapping=[mapping(boot_index=0)],
            swap={'device_name': None, 'swap_size': 0}))
        self.assertFalse(mappings.has_disks(objects.Instance(image_ref=None),
                                            None))


class OfServerTestCase(base.TestCase):

    def test_what_the_database_has(self):
        objects.register_all()
        bdm = objects.BlockDeviceMapping(
            id=1, source_type='volume', destination_type='volume',
            volume_id=ID, boot_index=0, connection_info=(
                '{"driver_volume_type": "local", "data": {"volume_id": "%s"},'
                ' "serial": "%s"}' % (ID, ID)),
            device_name='/dev/sda', delete_on_termination=False,
            guest_format=None, disk_bus=None, device_type=None,
            snapshot_id=None, image_id=None, volume_size=1, tag=None,
            volume_type=None, no_device=None, attachment_id=None,
            instance_uuid=OTHER, encrypted=False,
            encryption_secret_uuid=None, encryption_format=None,
            encryption_options=None)
        found = objects.BlockDeviceMappingList(objects=[bdm])
        with mock.patch.object(objects.BlockDeviceMappingList,
                               'get_by_instance_uuid', return_value=found):
            info = mappings.of_server(None, objects.Instance(
                uuid=OTHER, root_device_name='/dev/sda'))
        volume, = mappings.volumes(info)
        self.assertEqual((ID, True), (volume.id, volume.is_boot))
