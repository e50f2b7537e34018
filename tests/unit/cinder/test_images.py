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

import fixtures
from oslo_utils import units

from nova_vmrun.cinder import images
from nova_vmrun import exception
from nova_vmrun.host import files
from tests.unit import base
from tests.unit import vmdks

ID = '01234567-89ab-cdef-0123-456789abcdef'
# The beginning of a boot sector, and nothing else.
RAW = b'\xeb\x63\x90\x10\x8e\xd0\xbc\0\xb0' + bytes(4087)
TYPES = ('monolithicSparse', 'streamOptimized')


class InspectTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path + '/image'

    def inspect(self, content, size=units.Gi, **facts):
        files.write_atomically(self.path, content)
        return images.inspect(self.path, ID, dict(
            {'disk_format': 'raw', 'container_format': 'bare'}, **facts),
            TYPES, size)

    def refused(self, content, **facts):
        return str(self.assertRaises(
            exception.ImageRefused, self.inspect, content, **facts))

    def test_raw(self):
        self.assertEqual(len(RAW), self.inspect(RAW))

    def test_vmdk(self):
        self.assertEqual(vmdks.SECTORS * 512, self.inspect(
            vmdks.image(), disk_format='vmdk'))

    def test_a_child_of_another_disk(self):
        text = vmdks.descriptor(parent_cid='01234567', hint='/etc/passwd')
        self.assertIn('child', self.refused(
            vmdks.image(text), disk_format='vmdk'))

    def test_content_in_another_file(self):
        text = vmdks.descriptor(create_type='monolithicFlat',
                                extents='RW 2048 FLAT "/etc/passwd" 0')
        self.assertIn('subformat', self.refused(
            vmdks.image(text), disk_format='vmdk'))
        text = vmdks.descriptor(extents='RW 2048 FLAT "/etc/passwd" 0')
        self.assertIn('extent', self.refused(
            vmdks.image(text), disk_format='vmdk'))
        self.refused(text.encode(), disk_format='vmdk')

    def test_another_format_than_declared(self):
        self.assertIn('disk_format is raw but its content is vmdk',
                      self.refused(vmdks.image()))

    def test_an_esx_extent_that_qemu_img_would_not_take_as_a_vmdk(self):
        self.assertIn('Set disk_format to raw', self.refused(
            RAW, disk_format='vmdk'))

    def test_containers(self):
        for container in ('ova', 'ovf', 'docker', 'compressed', None):
            self.assertIn('bare', self.refused(
                b'x', container_format=container))

    def test_formats(self):
        for disk_format in ('ami', 'ploop', None):
            self.refused(b'x', disk_format=disk_format)

    def test_an_iso(self):
        content = bytearray(40 * 1024)
        content[0x8000:0x8006] = b'\x01CD001'
        content[0x8050:0x8058] = b'\x14\0\0\0\0\0\0\x14'
        content[0x8080:0x8084] = b'\0\x08\x08\0'
        self.assertEqual(len(content), self.inspect(
            bytes(content), disk_format='iso'))
        self.refused(b'x' * 40000, disk_format='iso')

    def test_an_image_that_does_not_fit(self):
        self.assertIn('larger volume', self.refused(
            vmdks.image(), disk_format='vmdk', size=1000))

    def test_a_conversion_that_lost_the_end(self):
        files.write_atomically(self.path, b'x' * 1000)
        images.require_complete(self.path, ID, 1000)
        error = self.assertRaises(exception.ImageRefused,
                                  images.require_complete, self.path, ID,
                                  1001)
        self.assertIn('1000 of the 1001', str(error))


class DisguisedTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path + '/volume'

    def refuse(self, content, disk_format, container='bare'):
        files.write_atomically(self.path, content)
        os.truncate(self.path, units.Mi)
        images.refuse_disguised(self.path, 'Volume 1', {
            'disk_format': disk_format, 'container_format': container})

    def test_a_volume(self):
        for content in (RAW, b'a text', b'\x1f\x8b\x08\0', b''):
            for disk_format in ('raw', 'qcow2', 'vmdk'):
                self.refuse(content, disk_format)

    def test_what_a_guest_has_written(self):
        for content in (vmdks.image(), b'QFI\xfb\0\0\0\3' + bytes(100),
                        b'# Disk DescriptorFile\nversion=1\n',
                        b'# comment\n\nversion=3\n', b'COWD\1\0\0\0',
                        b'LUKS\xba\xbe\0\1' + bytes(600)):
            self.refuse(content, 'raw')
            error = self.assertRaises(
                exception.InvalidInput, self.refuse, content, 'qcow2')
            self.assertIn('disk format raw', str(error))
            self.assertRaises(exception.InvalidInput, self.refuse, content,
                              'raw', 'compressed')
