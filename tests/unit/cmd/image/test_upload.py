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

import json
import os
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun.cmd.image import upload
from nova_vmrun import exception
from nova_vmrun.tools import qemu_img
from tests.unit import base
from tests.unit.cmd import commands
from tests.unit.cmd.image import clouds
from tests.unit.cmd.image import vms
from tests.unit import images
from tests.unit import vmdks


class UploadTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(clouds.Cloud())
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_chain.side_effect = self._convert
        self.sectors = 2 * vmdks.SECTORS
        self.made = []
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.cmd.image.convert.tool', lambda path: self.qemu_img))

    def _convert(self, chain, adapter, target):
        self.made.append((chain, adapter, target))
        vmdks.write(target, create_type='streamOptimized', content=b'made',
                    sectors=self.sectors)

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def upload(self, path, *argv):
        status, output, told = commands.run(
            upload.Upload, path, '-f', 'json', *argv)
        self.assertEqual(0, status)
        return json.loads(output), told

    def refused(self, path, text, *argv, error=exception.VmrunError):
        """Try an upload that fails and leaves no image in Glance."""
        error = self.assertRaises(error, self.upload, path, *argv)
        self.assertIn(text, str(error))
        self.assertTrue(error.details)
        self.assertTrue(error.resolution)
        self.assertIsNone(self.cloud.image)
        return error

    def test_formats_that_go_as_they_are(self):
        for name, content, disk_format in (
                ('cirros.img', images.qcow2(), 'qcow2'),
                ('cirros.raw', images.partitioned(), 'raw'),
                ('cirros.vhd', images.vhd(), 'vhd')):
            shown, _ = self.upload(self.write(name, content))
            self.assertEqual(content, self.cloud.content)
            self.assertEqual(
                (clouds.IMAGE, 'cirros', disk_format, 'bare', len(content),
                 1, []),
                tuple(shown[key] for key in (
                    'id', 'name', 'disk_format', 'container_format', 'size',
                    'min_disk', 'properties')))
        self.assertEqual([], self.made)

    def test_stream_optimized(self):
        path = os.path.join(self.folder, 'a.vmdk')
        vmdks.write(path, create_type='streamOptimized',
                    extra='ddb.uuid = "60 00"')
        self.upload(path)
        self.assertEqual([], self.made)
        self.assertEqual(
            ('vmdk', 'ide', 'streamOptimized', 'vmware'),
            tuple(self.cloud.image[key] for key in (
                'disk_format', 'vmware_adaptertype', 'vmware_disktype',
                'img_hv_type')))

    def test_names_that_glance_cannot_read(self):
        """The descriptor is rewritten, because Glance only reads ASCII."""
        path = self.write('a.vmdk', vmdks.image(vmdks.descriptor(
            'büro.vmdk', create_type='streamOptimized',
            extra='encoding="windows-1252"'), encoding='cp1252',
            sectors=self.sectors))
        self.upload(path)
        self.assertEqual([path], self.made[0][0])

    def test_split(self):
        path = vms.write_split(self.folder)
        shown, told = self.upload(path)
        (chain, adapter, target), = self.made
        self.assertEqual(([path], 'lsilogic'), (chain, adapter))
        self.assertIn(b'made', self.cloud.content)
        self.assertEqual('vmdk', shown['disk_format'])
        # The user sees which files are read, and none is left of ours.
        for name in ('web.vmdk', 'web-s001.vmdk', 'web-s002.vmdk'):
            self.assertIn(os.path.join(self.folder, name), told)
        self.assertFalse(os.path.exists(os.path.dirname(target)))

    def test_files_are_named_before_they_are_read(self):
        path = self.write('a.img', images.qcow2())
        link = os.path.join(self.folder, 'link')
        os.symlink(path, link)
        self.assertIn('Reading %s\n' % path, self.upload(path)[1])
        self.assertIn('Reading %s -> %s\n' % (link, path),
                      self.upload(link)[1])

    def test_a_vm_whose_disk_is_a_file_of_the_user(self):
        key = self.write('key', b'secret'.ljust(units.Mi))
        os.mkdir(os.path.join(self.folder, 'vm'))
        os.symlink(key, os.path.join(self.folder, 'vm', 'k.vmdk'))
        for name in ('k.vmdk', '../key.vmdk', key):
            path = vms.write_vm(os.path.join(self.folder, 'vm'),
                                **{'scsi0:0.fileName': name})
            self.refused(path, 'web.vmx')

    def test_a_vm_with_a_snapshot(self):
        root = vms.write_split(self.folder, cid='11111111')
        child = vms.write_split(self.folder, 'web-000001', hint='web.vmdk',
                                parent_cid='11111111')
        path = vms.write_vm(self.folder,
                            **{'scsi0:0.fileName': 'web-000001.vmdk'})
        shown, _ = self.upload(path, '--private', '--property',
                               'os_type=windows')
        self.assertEqual([child, root], self.made[0][0])
        self.assertEqual('web', shown['name'])
        self.assertEqual(
            {'name': 'web', 'visibility': 'private', 'min_disk': 1,
             'vmware_adaptertype': 'paraVirtual', 'hw_vif_model': 'vmxnet3',
             'vmware_ostype': 'ubuntu64Guest', 'hw_firmware_type': 'uefi',
             'os_secure_boot': 'disabled', 'os_type': 'windows',
             'img_hv_type': 'vmware', 'vmware_disktype': 'streamOptimized',
             'container_format': 'bare', 'disk_format': 'vmdk'},
            {key: value for key, value in self.cloud.image.items()
             if key not in ('id', 'status', 'size', 'checksum',
                            'os_hash_algo', 'os_hash_value')})

    def test_bare_extent(self):
        path = self.write('a-flat.vmdk', bytes(units.Mi))
        self.refused(path, '--disk-format raw')
        self.upload(path, '--disk-format', 'raw')
        self.assertEqual(
            ('raw', 'preallocated'),
            (self.cloud.image['disk_format'],
             self.cloud.image['vmware_disktype']))

    def test_ova(self):
        path = self.write('a.ova', images.tar(
            [('a.ovf', images.ovf()), ('disk.vmdk', vmdks.image())]))
        self.upload(path, '--name', 'n')
        self.assertEqual(
            ('n', 'ova', 'vmdk'), tuple(self.cloud.image[key] for key in (
                'name', 'container_format', 'disk_format')))

    def test_image_that_would_not_boot_is_not_uploaded(self):
        path = self.write('a.qcow2', images.qcow2(backing_file=b'/etc/x'))
        self.refused(path, 'safety check', error=exception.ImageRefused)
        path = self.write('b.qcow2', images.qcow2())
        self.refused(path, 'no such property', '--property', 'vmrun_x=1',
                     error=exception.ImageRefused)

    def test_suspended_and_encrypted_vms(self):
        vms.write_split(self.folder)
        for key, value, text in (
                ('checkpoint.vmState', 'a.vmss', 'suspended'),
                ('encryption.data', 'x', 'encrypted')):
            path = vms.write_vm(self.folder, **{key: value})
            self.refused(path, text)
            # The same for its disk.
            self.refused(os.path.join(self.folder, 'web.vmdk'), text)
        self.assertEqual([], self.made)

    def test_a_disk_that_is_not_whole(self):
        path = vms.write_split(self.folder)
        os.remove(os.path.join(self.folder, 'web-s002.vmdk'))
        self.refused(path, 'web-s002.vmdk')
        self.refused(vms.write_vm(self.folder,
                                  **{'scsi0:0.fileName': 'gone.vmdk'}),
                     'gone.vmdk')

    def test_a_disk_that_changes(self):
        path = vms.write_split(self.folder)

        def convert(chain, adapter, target):
            self._convert(chain, adapter, target)
            self.write('web-s002.vmdk', b'guest was here')

        self.qemu_img.convert_chain.side_effect = convert
        self.refused(path, 'written to while')

    def test_glance_refuses(self):
        path = self.write('a.img', images.qcow2())
        self.cloud.http.put(clouds.GLANCE + '/v2/images/%s/file'
                            % clouds.IMAGE, status_code=413)
        error = self.refused(path, '413')
        self.assertIn(path, error.brief)
        self.assertTrue(self.cloud.deleted)

    def test_no_credentials(self):
        self.useFixture(fixtures.EnvironmentVariable('OS_AUTH_URL'))
        self.refused(vms.write_split(self.folder), 'OS_',
                     error=exception.InvalidConfiguration)
        # Before the disk is read.
        self.assertEqual([], self.made)
