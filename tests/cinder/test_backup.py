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

"""Backups, through Cinder's own attachment of files."""

import os

from cinder.backup.drivers import posix
from cinder import exception
from cinder.tests.unit import utils
from cinder.volume import volume_utils
import os_brick.privileged
from oslo_utils import units

from tests.cinder import base

DATA = b'what a guest has written'


class BackupTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        os_brick.privileged.default.set_client_mode(False)
        self.addCleanup(os_brick.privileged.default.set_client_mode, True)
        self.override_config('backup_posix_path',
                             os.path.join(self.root, 'backups'))
        # The default takes most of a minute for a GiB of zeros.
        self.override_config('backup_compression_algorithm', 'zstd')
        # What is done with progress and metadata is not ours.
        self.override_config('backup_enable_progress_timer', False)
        self.service = posix.PosixBackupDriver(self.context)
        self.patch('cinder.backup.driver.BackupMetadataAPI')

    def record(self, volume):
        return utils.create_backup(
            self.context, volume.id, size=volume.size, status='creating',
            container=None, object_count=0)

    def attached(self, volume):
        """Return where Cinder finds the volume that it attaches to itself."""
        properties = volume_utils.brick_get_connector_properties()
        info, _volume = self.driver._attach_volume(
            self.context, volume, properties)
        return info['device']['path']

    def test_there_and_back(self):
        volume = self.created(content=DATA)
        self.write(volume, DATA, units.Gi - len(DATA))
        backup = self.record(volume)
        path = self.attached(volume)
        self.assertEqual(self.extent(volume), path)
        with open(path, 'rb') as file:
            self.service.backup(backup, file)
        backup.status = 'restoring'
        backup.save()
        restored = self.created()
        with open(self.attached(restored), 'r+b') as file:
            self.service.restore(backup, restored.id, file, True)
        for offset in (0, units.Gi - len(DATA)):
            self.assertEqual(DATA, self.read(restored, len(DATA), offset))
        self.assert_volume(restored)

    def test_zeros_at_the_end_are_there_after_a_restore(self):
        volume = self.created(content=DATA)
        backup = self.record(volume)
        with open(self.attached(volume), 'rb') as file:
            self.service.backup(backup, file)
        backup.status = 'restoring'
        backup.save()
        restored = self.created()
        restored.status = 'restoring-backup'
        restored.save()
        # Cinder opens it in this way. The first attempt is cut short.
        with open(self.attached(restored), 'wb'):
            self.assertEqual(0, os.path.getsize(self.extent(restored)))
        with open(self.attached(restored), 'wb') as file:
            self.service.restore(backup, restored.id, file, True)
        self.driver.terminate_connection(restored, None)
        self.assertEqual(DATA, self.read(restored, len(DATA), 0))
        self.assert_volume(restored)

    def test_files_are_opened_without_root(self):
        self.assertTrue(self.driver.secure_file_operations_enabled())

    def test_a_volume_that_a_server_has_is_copied_first(self):
        volume = self.created(content=DATA)
        volume.update({'previous_status': 'in-use', 'status': 'backing-up'})
        volume.save()
        device, is_snapshot = self.driver.get_backup_device(
            self.context, self.record(volume))
        self.assertFalse(is_snapshot)
        self.assertNotEqual(volume.id, device.id)
        self.assertEqual(DATA, self.read(device, len(DATA)))

    def test_a_volume_that_a_server_writes_to(self):
        volume = self.created(content=DATA)
        volume.update({'previous_status': 'in-use', 'status': 'backing-up'})
        volume.save()
        with self.written_meanwhile(volume):
            error = self.assertRaises(
                exception.VolumeIsBusy, self.driver.get_backup_device,
                self.context, self.record(volume))
        self.assertIn('Pause or stop the server', str(error))
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')
