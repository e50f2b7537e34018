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

"""nova_vmrun.cinder.driver, called by Cinder's volume manager."""

import os
import shutil
import socket
from unittest import mock

from cinder import exception
from cinder import objects
from cinder.objects import fields
from cinder.tests.unit import utils
from oslo_utils import importutils
from oslo_utils import units

from nova_vmrun.formats import flat
from nova_vmrun.host import files
from tests.cinder import base

DATA = b'what a guest has written'
CONNECTOR = {'host': base.HOST, 'ip': '192.0.2.1', 'initiator': 'iqn.a:b'}


class LifeTestCase(base.TestCase):

    def test_the_name_that_the_documentation_gives(self):
        loaded = importutils.import_class('nova_vmrun.cinder.FilesDriver')
        self.assertIs(loaded, type(self.driver))
        self.assertRaises(ImportError, importutils.import_class,
                          'nova_vmrun.cinder.OtherDriver')

    def test_a_new_volume(self):
        with base.Counted() as counted:
            volume = self.created(2)
        self.assertEqual('available', volume.status)
        self.assert_volume(volume, 2)
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')
        self.assertEqual([], counted.programs)

    def test_sizes_that_vmware_has_no_disks_of(self):
        volume = self.volume(64 * 1024)
        error = self.assertRaises(exception.InvalidInput,
                                  self.driver.create_volume, volume)
        self.assertIn('8192 GiB', str(error))
        self.manager.delete_volume(self.context, volume)
        self.assertRaises(exception.VolumeNotFound, volume.refresh)

    def test_an_encrypted_volume(self):
        volume = self.volume(encryption_key_id=base.SERVER)
        error = self.assertRaises(exception.InvalidInput,
                                  self.driver.create_volume, volume)
        self.assertIn('encrypted', str(error))
        self.assert_files()

    def test_delete(self):
        volume = self.created()
        self.manager.delete_volume(self.context, volume)
        self.assert_files()
        self.assertRaises(exception.VolumeNotFound, volume.refresh)

    def test_delete_while_a_vm_uses_it(self):
        """An administrator has reset the state of an attached volume."""
        volume = self.created(content=DATA)
        self.lock(volume)
        volume.update({'status': 'deleting'})
        volume.save()
        self.manager.delete_volume(self.context, volume)
        volume.refresh()
        self.assertEqual('available', volume.status)
        self.assertEqual(DATA, self.read(volume, len(DATA)))

    def test_extend(self):
        volume = self.created(content=DATA)
        with base.Counted() as counted, mock.patch(
                'cinder.volume.manager.QUOTAS'):
            self.manager.extend_volume(self.context, volume, 3, [])
        volume.refresh()
        self.assertEqual(('available', 3), (volume.status, volume.size))
        self.assert_volume(volume, 3)
        self.assertEqual(DATA, self.read(volume, len(DATA)))
        self.assertEqual([], counted.programs)

    def test_extend_while_a_vm_uses_it(self):
        volume = self.created()
        self.lock(volume)
        error = self.assertRaises(exception.VolumeIsBusy,
                                  self.driver.extend_volume, volume, 3)
        self.assertIn('Stop the server', str(error))
        self.assert_volume(volume)

    def test_retype(self):
        volume = self.created()
        self.assertEqual((True, None), self.driver.retype(
            self.context, volume, None, {}, {}))


class SetupTestCase(base.TestCase):

    def test_a_folder_that_another_back_end_has(self):
        other = self.started()
        self.assertFalse(other.driver.initialized)
        self.driver._folder.close()
        self.assertTrue(self.started().driver.initialized)

    def test_what_a_crash_has_left(self):
        volume = self.created()
        leftover = os.path.join(
            self.folder, '.%s-flat.vmdk.0123abcd.part' % volume.name)
        files.write_atomically(leftover, b'half')
        self.driver._folder.close()
        self.started()
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')

    def test_no_qemu_img(self):
        with mock.patch.object(shutil, 'which', return_value=None):
            error = self.assertRaises(exception.VolumeDriverException,
                                      self.driver.check_for_setup_error)
        self.assertIn('qemu-img is not on the PATH', str(error))

    def test_the_default_folder_is_in_the_state_path(self):
        self.override_config('state_path', self.root)
        base.CONF.clear_override('vmrun_volume_folder', group=base.BACKEND)
        self.driver._folder.close()
        self.assertEqual(self.root + '/vmrun-volumes',
                         self.started().driver._folder.path)


class CopyTestCase(base.TestCase):

    def test_snapshots(self):
        volume = self.created(2, DATA)
        with base.Counted() as counted:
            snapshot = self.snapshot(volume)
        self.assertEqual(fields.SnapshotStatus.AVAILABLE, snapshot.status)
        self.write(volume, b'newer')
        copy = self.created(4, snapshot=snapshot)
        self.assertEqual(DATA, self.read(copy, len(DATA)))
        self.assert_volume(copy, 4)
        self.manager.delete_snapshot(self.context, snapshot)
        self.assert_files(*(each.name + suffix for each in (volume, copy)
                            for suffix in ('.vmdk', '-flat.vmdk')))
        self.assertEqual([], counted.programs)
        # Not the 2 GiB of the volume; Cinder itself reads templates.
        self.assertLess(counted.read, units.Mi)

    def test_revert(self):
        volume = self.created(content=DATA)
        snapshot = self.snapshot(volume)
        self.write(volume, b'newer')
        volume.update({'status': 'reverting'})
        volume.save()
        snapshot.update({'status': fields.SnapshotStatus.RESTORING})
        snapshot.save()
        self.manager.revert_to_snapshot(self.context, volume, snapshot)
        volume.refresh()
        self.assertEqual('available', volume.status)
        self.assertEqual(DATA, self.read(volume, len(DATA)))
        # Cinder has made no snapshot for the case that it fails.
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk',
                          snapshot.name + '-flat.vmdk')

    def test_a_clone(self):
        volume = self.created(content=DATA)
        clone = self.created(2, source=volume)
        self.assertEqual(DATA, self.read(clone, len(DATA)))
        self.assert_volume(clone, 2)

    def test_a_volume_that_a_server_writes_to(self):
        volume = self.created(content=DATA)
        with self.written_meanwhile(volume):
            error = self.assertRaises(
                exception.VolumeIsBusy, self.driver.create_cloned_volume,
                self.volume(), volume)
        self.assertIn('Pause or stop the server', str(error))
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')


class ImageTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.content = base.disk_image()

    def assert_content(self, volume):
        self.assertEqual('available', volume.status)
        self.assertEqual(self.content, self.read(volume, len(self.content)))
        self.assert_volume(volume)
        self.assertLess(os.stat(self.extent(volume)).st_blocks * 512,
                        units.Mi)
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')

    def test_raw(self):
        image = self.glance.add(self.content)
        self.assert_content(self.created(image=image))
        self.assertEqual(1, self.glance.downloads)

    def test_other_formats(self):
        for disk_format, options in (
                ('qcow2', ()), ('vmdk', ('-o', 'subformat=streamOptimized')),
                ('vmdk', ('-o', 'subformat=monolithicSparse')),
                ('vhdx', ()), ('vdi', ())):
            image = self.glance.add(base.converted(
                self.content, disk_format, *options), disk_format)
            volume = self.created(image=image)
            self.assert_content(volume)
            self.manager.delete_volume(self.context, volume)

    def test_hostile_images_are_refused(self):
        for content, disk_format in (
                (base.converted(self.content, 'qcow2'), 'raw'),
                (self.content, 'qcow2'),
                (b'# Disk DescriptorFile\nversion=1\nCID=1\n'
                 b'parentCID=ffffffff\ncreateType="monolithicFlat"\n'
                 b'RW 2 FLAT "/etc/passwd" 0\n', 'vmdk'),
                (base.converted(self.content, 'vmdk').replace(
                    b'parentCID=ffffffff', b'parentCID=0000000f'), 'vmdk')):
            image = self.glance.add(content, disk_format)
            volume = self.volume()
            self.driver.create_volume(volume)
            # Cinder's own checks come first, if they find something, too.
            with mock.patch('cinder.image.image_utils.fetch_verify_image',
                            lambda _context, service, number, path: (
                                files.write_atomically(path, content))):
                self.assertRaises(
                    exception.ImageUnacceptable,
                    self.driver.copy_image_to_volume, self.context, volume,
                    self.glance, image)
            self.assertEqual(0, os.stat(self.extent(volume)).st_blocks)
            self.driver.delete_volume(volume)
        self.assert_files()

    def test_an_image_that_is_larger_than_the_volume(self):
        image = self.glance.add(base.converted(
            self.content, 'qcow2', '-S', '4k'), 'qcow2')
        with mock.patch.object(units, 'Gi', units.Mi):
            volume = self.volume()
            self.driver.create_volume(volume)
            self.assertRaises(
                exception.ImageUnacceptable,
                self.driver.copy_image_to_volume, self.context, volume,
                self.glance, image)

    def test_another_image_for_a_volume(self):
        """A server that boots from it is rebuilt."""
        volume = self.created(content=b'old' * 1000000)
        image = self.glance.add(self.content)
        self.driver.copy_image_to_volume(self.context, volume, self.glance,
                                         image, disable_sparse=True)
        self.assert_content(volume)

    def test_upload_as_raw(self):
        volume = self.created(content=self.content)
        image = self.glance.add(b'')
        with base.Counted() as counted:
            self.driver.copy_volume_to_image(
                self.context, volume, self.glance, self.glance.show(
                    None, image))
        uploaded = self.glance.images[image]['content']
        self.assertEqual(units.Gi, len(uploaded))
        self.assertEqual(self.content, uploaded[:len(self.content)])
        self.assertEqual([], counted.programs)
        self.assertLess(counted.read, units.Gi + 5 * units.Mi)

    def test_upload_as_another_format(self):
        volume = self.created(content=self.content)
        image = self.glance.add(b'', 'qcow2')
        with base.Counted() as counted:
            self.driver.copy_volume_to_image(
                self.context, volume, self.glance, self.glance.show(
                    None, image))
        self.assertTrue(self.glance.images[image]['content'].startswith(
            b'QFI\xfb'))
        copy = self.created(image=image)
        self.assertEqual(self.content, self.read(copy, len(self.content)))
        # The inspection does not read all of the volume.
        self.assertLess(counted.read, 10 * units.Mi)

    def test_a_volume_that_a_guest_has_disguised(self):
        volume = self.created(content=base.converted(self.content, 'qcow2'))
        image = self.glance.add(b'', 'vmdk')
        error = self.assertRaises(
            exception.InvalidInput, self.driver.copy_volume_to_image,
            self.context, volume, self.glance, self.glance.show(None, image))
        self.assertIn('disk format raw', str(error))

    def test_an_attached_volume_is_copied_first(self):
        volume = self.created(content=self.content)
        self.attached(volume)
        image = self.glance.add(b'')
        paths = []

        def upload(_context, _service, _image, path, *args, **kwargs):
            paths.append(path)
            self.assertEqual(0o600, os.stat(path).st_mode & 0o777)

        with mock.patch('cinder.volume.volume_utils.upload_volume', upload):
            self.driver.copy_volume_to_image(
                self.context, volume, self.glance, self.glance.show(
                    None, image))
        self.assertNotEqual([self.extent(volume)], paths)
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')


class ConnectionTestCase(base.TestCase):

    def connect(self, volume, **changes):
        return self.manager.initialize_connection(
            self.context, volume, dict(CONNECTOR, **changes))

    def test_a_server_on_this_host(self):
        volume = self.created(2)
        found = self.connect(volume)
        self.assertEqual('local', found['driver_volume_type'])
        data = found['data']
        self.assertEqual(
            (self.extent(volume), volume.id, base.HOST, 2, 'rw', False),
            (data['device_path'], data['volume_id'], data['host'],
             data['size'], data['access_mode'], data['encrypted']))

    def test_a_volume_that_may_only_be_read(self):
        volume = self.created()
        utils.db.volume_admin_metadata_update(
            self.context, volume.id, {'readonly': 'True'}, True)
        volume = objects.Volume.get_by_id(self.context, volume.id)
        self.assertEqual('ro', self.connect(volume)['data']['access_mode'])

    def test_cinders_own_attachments(self):
        """They name the host as the system does, whatever Cinder's option."""
        self.connect(self.created(), host=socket.gethostname())

    def test_another_host(self):
        volume = self.created()
        for host in ('node2', '', None, base.HOST + '@files'):
            error = self.assertRaises(exception.InvalidInput, self.connect,
                                      volume, host=host)
            self.assertIn('node1', str(error))
            self.assertIn('vmrun_hosts', str(error))
        self.assertRaises(exception.InvalidInput,
                          self.manager.initialize_connection, self.context,
                          volume, {'ip': '192.0.2.1'})

    def test_another_name_of_this_host(self):
        self.set(vmrun_hosts=['node1.example.org'])
        self.connect(self.created(), host='node1.example.org')

    def test_a_descriptor_that_names_another_file(self):
        volume = self.created()
        files.write_atomically(self.descriptor(volume), files.read(
            self.descriptor(volume)).replace(b'-flat', b'-flat/../flat'))
        self.connect(volume)
        self.assert_volume(volume)

    def test_files_that_are_not_as_cinder_made_them(self):
        volume = self.created()
        os.truncate(self.extent(volume), 1000)
        error = self.assertRaises(exception.VolumeBackendAPIException,
                                  self.connect, volume)
        self.assertIn('1000 bytes instead of 1073741824', str(error))

    def test_the_end_of_a_connection(self):
        volume = self.created()
        for connector in (CONNECTOR, None):
            self.manager.terminate_connection(self.context, volume.id,
                                              connector, force=True)
        self.assert_volume(volume)

    def test_local_path(self):
        volume = self.created()
        self.assertEqual(self.extent(volume), self.driver.local_path(volume))

    def test_a_snapshot_for_a_backup(self):
        snapshot = self.snapshot(self.created(2))
        self.driver.create_export_snapshot(self.context, snapshot, CONNECTOR)
        found = self.manager.initialize_connection_snapshot(
            self.context, snapshot.id, CONNECTOR)
        self.assertEqual(self.extent(snapshot), found['data']['device_path'])


class StatisticsTestCase(base.TestCase):

    def pool(self):
        pool, = self.driver.get_volume_stats(refresh=True)['pools']
        return pool

    def test_space(self):
        self.created(3)
        self.created(4)
        pool = self.pool()
        usage = shutil.disk_usage(self.folder)
        self.assertEqual(usage.total / units.Gi, pool['total_capacity_gb'])
        self.assertTrue(0 < pool['free_capacity_gb'] < usage.free / units.Gi)
        self.assertEqual(7, pool['provisioned_capacity_gb'])

    def test_what_the_scheduler_may_give_away(self):
        self.set(reserved_percentage=7, max_over_subscription_ratio='auto')
        pool = self.pool()
        self.assertEqual((7, 'auto'), (pool['reserved_percentage'],
                                       pool['max_over_subscription_ratio']))

    def test_what_is_not_supported(self):
        pool = self.pool()
        for name in ('multiattach', 'online_extend_support', 'QoS_support',
                     'thick_provisioning_support'):
            self.assertIs(False, pool[name], name)
        self.assertIs(True, pool['thin_provisioning_support'])

    def test_name(self):
        self.assertEqual(base.BACKEND, self.pool()['pool_name'])
        self.assertEqual('local', self.driver.get_volume_stats()[
            'storage_protocol'])


class MigrationTestCase(base.TestCase):

    def test_the_files_keep_their_name(self):
        original = self.created()
        made = self.created(content=DATA)
        self.driver.delete_volume(original)
        self.manager.update_migrated_volume(self.context, original, made,
                                            'available')
        original = objects.Volume.get_by_id(self.context, original.id)
        self.assertEqual(made.id, original.name_id)
        self.assertEqual(DATA, self.read(original, len(DATA)))
        with open(self.descriptor(original)) as file:
            digits = file.read().replace(' ', '').replace('-', '')
            self.assertIn(flat.serial(original.id), digits)
        self.manager.initialize_connection(self.context, original, CONNECTOR)
        self.assert_volume(original)
