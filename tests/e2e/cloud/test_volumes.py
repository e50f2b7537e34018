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

"""Guests that have volumes, and guests that boot from them."""

import base64

from tests.e2e.cloud import base

GIB = 1024 ** 3


class VolumesCase(base.CloudCase):

    def make_volume(self, guest):
        """Make a volume of 1 GiB from an image of the guest.

        :param guest: what the guest on it calls its own disk
        """
        storage = self.cloud.block_storage
        volume = storage.create_volume(
            name=self.id().rpartition('.')[2], size=1,
            image_id=self.plane.image(guest=guest).id)
        # It may have been deleted with its server.
        self.addCleanup(storage.delete_volume, volume.id, ignore_missing=True)
        return self.wait_volume(volume, 'available')

    def wait_volume(self, volume, status):
        return self.cloud.block_storage.wait_for_status(
            volume, status, failures=['error'], interval=0.5,
            wait=base.CHANGE)

    def stop(self, server):
        self.cloud.compute.stop_server(server.id)
        server.wait('SHUTOFF')


class AttachTest(VolumesCase):

    def volume_of(self, facts):
        """Return the disk that the guest does not run from."""
        [disk] = [disk for disk in facts['disks'] if not disk.get('root')]
        return disk

    def detach(self, server, volume):
        self.stop(server)
        self.cloud.compute.delete_volume_attachment(server.id, volume.id)
        self.wait_volume(volume, 'available')

    def test_a_file_of_one_guest_is_read_by_another(self):
        volume = self.make_volume('volume')
        writer, facts = self.boot(
            name='writer', user_data=base64.b64encode(
                b'write-other note from the writer\n').decode(),
            block_device_mapping=[
                {'boot_index': 0, 'source_type': 'image',
                 'destination_type': 'local', 'uuid': self.plane.image().id},
                {'boot_index': -1, 'source_type': 'volume',
                 'destination_type': 'volume', 'uuid': volume.id}])
        disk = self.volume_of(facts)
        self.assertEqual((GIB, 'volume', {'note': 'from the writer'}), (
            disk['bytes'], disk['data']['image'], disk['data']['files']))
        self.detach(writer, volume)

        reader, facts = self.boot(name='reader')
        self.assertEqual(1, len(facts['disks']))
        self.stop(reader)
        self.cloud.compute.create_volume_attachment(
            reader.id, volume_id=volume.id)
        self.wait_volume(volume, 'in-use')
        self.cloud.compute.start_server(reader.id)
        reader.wait('ACTIVE')
        facts = reader.console.wait_boots(2)
        self.assertEqual({'note': 'from the writer'},
                         self.volume_of(facts)['data']['files'])
        self.detach(reader, volume)


class BootTest(VolumesCase):

    def boot_from(self, volume):
        """Return a server whose root disk is a volume."""
        server = base.Server(self.plane, self.cloud.compute.create_server(
            name='from-volume', flavor_id=self.plane.flavor().id,
            networks=[{'uuid': self.plane.nat.id}], block_device_mapping=[{
                'boot_index': 0, 'source_type': 'volume',
                'destination_type': 'volume', 'uuid': volume.id,
                'delete_on_termination': True}]))
        self.addCleanup(self._remove, server)
        return server

    def test_a_guest_counts_its_boots_on_a_volume(self):
        volume = self.make_volume('guest')
        server = self.boot_from(volume)
        server.wait('ACTIVE')
        facts = server.console.wait_boots(1)
        [disk] = facts['disks']
        self.assertEqual((GIB, True), (disk['bytes'], disk['root']))

        self.cloud.compute.shelve_server(server.id)
        server.wait('SHELVED_OFFLOADED')
        self.assertFalse(server.folder.exists())
        self.cloud.compute.unshelve_server(server.id)
        server.wait('ACTIVE')
        server.console.wait_boots(2)

        self.cloud.compute.reboot_server(server.id, 'HARD')
        server.wait('ACTIVE')
        server.console.wait_boots(3)

        server.delete()
        self.cloud.block_storage.wait_for_delete(
            volume, interval=0.5, wait=base.CHANGE)
