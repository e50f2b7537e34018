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

"""Servers that boot from volumes, or with volumes."""

import os
from unittest import mock

from nova_vmrun import exception
from tests.functional.api import volumes


class TestCase(volumes.TestCase):

    def request(self, *mappings, image_id='', expected_state='ACTIVE',
                **options):
        """Boot a server with block device mappings and wait for it."""
        body = self._build_server(
            image_uuid=image_id, flavor_id=self.add_flavor(disk=0),
            networks='none')
        body.update({'block_device_mapping_v2': list(mappings)}, **options)
        return self._wait_for_state_change(
            self.admin_api.post_server({'server': body}), expected_state)

    def existing(self, volume_id, boot_index=0, **fields):
        return {'uuid': volume_id, 'source_type': 'volume',
                'destination_type': 'volume', 'boot_index': boot_index,
                **fields}

    def boot_node(self, server):
        """Return the descriptor that the firmware tries first."""
        keys = self.vmx(server)
        return keys[keys['bios.hddOrder'] + '.fileName']


class BootTestCase(TestCase):

    def assertBootsFrom(self, server, volume_id):
        self.assertRunning(server)
        descriptor = self.cinder.descriptor(volume_id)
        self.assertEqual(descriptor, self.boot_node(server))
        keys = self.vmx(server)
        node = keys['bios.hddOrder']
        self.assertEqual('scsi0:0', node)
        self.assertEqual('independent-persistent', keys[node + '.mode'])
        self.assertNotIn('root.vmdk', os.listdir(self.path(server)))

    def test_an_existing_volume(self):
        """Nova says nothing about its image."""
        volume = self.cinder.add(bootable=True)
        server = self.request(self.existing(volume))
        self.assertBootsFrom(server, volume)
        self.assertEqual('', self.admin_api.get_server(
            server['id'])['image'])
        server = self._stop_server(server)
        server = self._start_server(server)
        self.assertBootsFrom(server, volume)
        self._reboot_server(server, hard=True)
        self.assertBootsFrom(server, volume)
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertTrue(os.path.exists(self.cinder.path(volume)))
        self.assertEqual('available', self.cinder.status(volume))

    def test_an_image_in_a_new_volume(self):
        server = self.request({
            'uuid': self.add_image(), 'source_type': 'image',
            'destination_type': 'volume', 'boot_index': 0, 'volume_size': 1,
            'delete_on_termination': True})
        volume, = self.attached(server)
        self.assertBootsFrom(server, volume)
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertFalse(os.path.exists(self.cinder.path(volume)))

    def test_a_snapshot(self):
        snapshot = self.cinder.fake_create_snapshot_force(
            None, self.cinder.add(bootable=True), 'snapshot', '')
        snapshot.update(status='available', size=1, volume_size=1)
        server = self.request({
            'uuid': snapshot['id'], 'source_type': 'snapshot',
            'destination_type': 'volume', 'boot_index': 0, 'volume_size': 1})
        volume, = self.attached(server)
        self.assertBootsFrom(server, volume)

    def test_several_with_a_blank_one(self):
        root = self.cinder.add(bootable=True)
        data = [self.cinder.add(), self.cinder.add()]
        server = self.request(
            self.existing(data[0], boot_index=-1),
            self.existing(root),
            {'source_type': 'blank', 'destination_type': 'volume',
             'boot_index': -1, 'volume_size': 1},
            self.existing(data[1], boot_index=-1))
        self.assertBootsFrom(server, root)
        attached = self.attached(server)
        self.assertEqual(4, len(attached))
        self.assertVolumes(server, *attached)
        self.assertEqual(
            ['scsi0:0', 'scsi3:0', 'scsi3:1', 'scsi3:2'],
            sorted(self.in_vmx(server)))

    def test_an_image_with_volumes_beside_it(self):
        image_id, volume = self.add_image(), self.cinder.add()
        server = self.request(
            {'uuid': image_id, 'source_type': 'image',
             'destination_type': 'local', 'boot_index': 0,
             'delete_on_termination': True},
            self.existing(volume, boot_index=-1),
            image_id=image_id)
        self.assertEqual('root.vmdk', self.boot_node(server))
        self.assertEqual({'scsi3:0': self.cinder.descriptor(volume)},
                         self.in_vmx(server))


class FailedBootTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.volume = self.cinder.add(bootable=True)

    def assertVolumeIsFree(self):
        self.wait_for(lambda: self.cinder.status(self.volume) == 'available',
                      'an available volume')
        self.assertTrue(os.path.exists(self.cinder.path(self.volume)))
        self.assertTrue(os.path.exists(self.cinder.descriptor(self.volume)))
        self.assertNothingLeft()

    def test_a_volume_that_this_host_cannot_use(self):
        self.cinder.change(self.volume, 'rbd')
        server = self.request(self.existing(self.volume),
                              expected_state='ERROR')
        self.assertIn('rbd', self.fault(server))
        self._delete_server(server)
        self.assertVolumeIsFree()

    def test_a_vm_that_does_not_start(self):
        with mock.patch.object(
                self.driver._hypervisor.power, 'on',
                side_effect=exception.DiskFull('The host is full.')):
            server = self.request(self.existing(self.volume),
                                  expected_state='ERROR')
        self._delete_server(server)
        self.assertVolumeIsFree()
