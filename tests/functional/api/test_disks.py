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

"""From images of every format to the disks of servers."""

import os
import subprocess
from unittest import mock

from nova.virt import images as nova_images

from tests.functional.api import base
from tests.unit import images


class TestCase(base.TestCase):

    def content(self, path, size):
        """Return what a guest reads at the start of a disk."""
        raw = os.path.join(self.folder, 'seen.raw')
        subprocess.run(['qemu-img', 'convert', '-U', '-f', 'vmdk', '-O',
                        'raw', path, raw], check=True)
        with open(raw, 'rb') as file:
            return file.read(size), os.path.getsize(raw)

    def original(self, image_format, options=()):
        """Return an image and what is in it."""
        path = os.path.join(self.folder, 'original')
        content = base.make_image(path, image_format, options=options)
        with open(path + '.raw', 'rb') as file:
            return content, file.read()

    def check_boot(self, image_format, options=(), declared=None, **boot):
        content, raw = self.original(image_format, options)
        image_id = self.add_image(image_format, content=content,
                                  **(declared or {}))
        return image_id, self.check_content(self.boot(image_id, **boot), raw)

    def check_content(self, server, raw):
        """Compare what the disk begins with; return the disk's size."""
        self._stop_server(server)
        seen, size = self.content(self.path(server, 'root.vmdk'), len(raw))
        self.assertEqual(raw, seen)
        return size


class FormatTestCase(TestCase):
    """What a guest reads is what was in the image."""

    def test_qcow2(self):
        _image_id, size = self.check_boot('qcow2')
        self.assertEqual(1 << 30, size)

    def test_raw(self):
        self.check_boot('raw')

    def test_monolithic_sparse(self):
        self.check_boot('vmdk')

    @base.sample
    def test_stream_optimized(self):
        self.check_boot('vmdk', ('-o', 'subformat=streamOptimized'))

    def test_vhd(self):
        self.check_boot('vpc', declared={'disk_format': 'vhd'})

    def test_fixed_vhd(self):
        self.check_boot('vpc', ('-o', 'subformat=fixed'),
                        declared={'disk_format': 'vhd'})

    def test_vhdx(self):
        self.check_boot('vhdx')

    def test_vdi(self):
        self.check_boot('vdi')

    def test_sparse(self):
        self.check_boot('vmdk', declared={
            'properties': {'vmware_disktype': 'sparse'}})

    def test_extent_of_esx(self):
        """As the vSphere driver wants them: no descriptor, only content."""
        self.check_boot('raw', declared={'disk_format': 'vmdk'})

    def test_extent_of_esx_by_its_type(self):
        for kind in ('preallocated', 'thin'):
            # Glance's default takes it only as what it looks like: raw.
            for disk_format in ('vmdk', 'raw'):
                self.check_boot('raw', declared={
                    'disk_format': disk_format,
                    'properties': {'vmware_disktype': kind}})

    def test_ova(self):
        content, raw = self.original('vmdk', ('-o',
                                              'subformat=streamOptimized'))
        ova = images.tar([('vm.ovf', images.ovf()), ('disk.vmdk', content)])
        image_id = self.add_image('vmdk', content=ova,
                                  container_format='ova')
        self.check_content(self.boot(image_id), raw)

    def test_an_installer_finds_an_empty_disk(self):
        content = self.make_iso()
        server = self.boot(self.add_image('iso', content=content))
        self.assertRunning(server)
        with open(self.path(server, 'cd0.iso'), 'rb') as file:
            self.assertEqual(content, file.read())
        self.assertEqual('TRUE', self.vmx(server)['sata0:0.present'])
        self.assertEqual(1 << 30, self.check_content(server, bytes(1 << 20)))


class CacheTestCase(TestCase):

    def test_disk_0_keeps_the_size_of_the_image(self):
        _image_id, size = self.check_boot(
            'qcow2', flavor_id=self.add_flavor(disk=0))
        self.assertEqual(4 << 20, size)

    def test_full_copy(self):
        self.flags(use_linked_clone=False, group='vmrun')
        self.restart_compute_service(self.compute)
        image_id, _size = self.check_boot('qcow2')
        folder = os.path.join(self.instances_path, '_base', image_id)
        self.assertIn('disk-1.vmdk', os.listdir(folder))

    def test_a_second_size_needs_no_second_download(self):
        content, raw = self.original('qcow2')
        image_id = self.add_image(content=content)
        for disk in (2, 1, 0):
            server = self.boot(image_id, self.add_flavor(disk=disk))
            self.assertEqual((disk << 30) or (4 << 20),
                             self.check_content(server, raw))
            # The first boot has it; Glance could not give it again.
            self.glance._imagedata[image_id] = b''

    def test_two_boots_at_once_download_once(self):
        image_id = self.add_image()
        with mock.patch.object(nova_images, 'fetch',
                               side_effect=nova_images.fetch,
                               autospec=True) as fetch:
            servers = [self.request_boot(image_id) for _number in range(2)]
            for server in servers:
                self._wait_for_state_change(server, 'ACTIVE')
                self.assertRunning(server)
        self.assertEqual(1, fetch.call_count)

    def test_bases_cannot_be_written_to(self):
        image_id = self.add_image()
        self.boot(image_id)
        folder = os.path.join(self.instances_path, '_base', image_id)
        modes = {name: os.stat(os.path.join(folder, name)).st_mode & 0o777
                 for name in os.listdir(folder) if name.endswith('.vmdk')}
        self.assertEqual({'disk-1.vmdk': 0o400, 'disk-1-delta.vmdk': 0o400},
                         modes)
