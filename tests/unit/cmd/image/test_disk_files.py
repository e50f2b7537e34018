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

from nova_vmrun.cmd.image import disk_files
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.image import vms
from tests.unit import vmdks


class DiskFilesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def path(self, name):
        return os.path.join(self.folder, name)

    def refused(self, path, text):
        error = self.assertRaises(exception.InvalidVmdk, disk_files.follow,
                                  path)
        self.assertIn(path, error.brief)
        self.assertIn(text, error.details)
        self.assertTrue(error.resolution)
        return error

    def test_one_file(self):
        path = self.path('a.vmdk')
        vmdks.write(path)
        disk = disk_files.follow(path)
        self.assertEqual(([path], [path], True),
                         (disk.chain, disk.files, disk.is_one_file))
        self.assertEqual(vmdks.SECTORS * 512, disk.size)

    def test_split(self):
        path = vms.write_split(self.folder)
        disk = disk_files.follow(path)
        self.assertEqual([path], disk.chain)
        self.assertEqual([path, self.path('web-s001.vmdk'),
                          self.path('web-s002.vmdk')], disk.files)
        self.assertEqual(2 * vmdks.SECTORS * 512, disk.size)
        self.assertFalse(disk.is_one_file)

    def test_bytes_on_the_file_system(self):
        path = self.path('a.vmdk')
        vmdks.write(path)
        self.assertEqual(os.stat(path).st_blocks * 512,
                         disk_files.follow(path).allocated)

    def test_flat(self):
        path = vms.write_descriptor(
            self.folder, create_type='monolithicFlat', adapter='ide',
            extra='ddb.uuid = "60 00"',
            extents='RW 8 FLAT "web-flat.vmdk" 0\nRW 8 ZERO')
        with open(self.path('web-flat.vmdk'), 'wb') as file:
            file.write(bytes(4096))
        disk = disk_files.follow(path)
        self.assertEqual([path, self.path('web-flat.vmdk')], disk.files)
        self.assertEqual((8192, 'ide'), (disk.size, disk.adapter_by_vmware))

    def test_descriptors_as_others_write_them(self):
        with open(self.path('büro-flat.vmdk'), 'wb') as file:
            file.write(bytes(4096))
        text = vmdks.descriptor(
            create_type='monolithicFlat', extra='encoding="windows-1252"',
            extents='RW\t8\tFLAT "büro-flat.vmdk" 0 5a1b 6d2c').encode(
                'cp1252')
        comment = b'# made by a tool ' + b'.' * 600 + b'\n'
        for content in (text, text.replace(b'\n', b'\r\n'),
                        b'\xef\xbb\xbf# \n' + text, comment + text,
                        text.replace(b'DescriptorFile', b'Descriptor File')):
            path = self.path('büro.vmdk')
            with open(path, 'wb') as file:
                file.write(content)
            self.assertEqual([path, self.path('büro-flat.vmdk')],
                             disk_files.follow(path).files)

    def test_chain(self):
        base_disk = vms.write_split(self.folder, cid='11111111')
        os.mkdir(self.path('clone'))
        child = vms.write_split(
            self.path('clone'), 'c', cid='22222222', parent_cid='11111111',
            hint='../web.vmdk')
        top = vms.write_split(
            self.path('clone'), 'c-000001', cid='33333333',
            parent_cid='22222222', hint=child)
        disk = disk_files.follow(top)
        self.assertEqual([top, child, base_disk], disk.chain)
        self.assertEqual(9, len(disk.files))

    def test_parent_of_another_computer(self):
        base_disk = vms.write_split(self.folder, cid='11111111')
        child = vms.write_split(
            self.folder, 'c', parent_cid='11111111',
            hint='C:\\VMs\\web\\web.vmdk')
        self.assertEqual([child, base_disk], disk_files.follow(child).chain)

    def test_missing_extents_are_named(self):
        path = vms.write_split(self.folder, count=3)
        os.remove(self.path('web-s001.vmdk'))
        os.remove(self.path('web-s003.vmdk'))
        error = self.refused(path, self.path('web-s001.vmdk'))
        self.assertIn(self.path('web-s003.vmdk'), error.details)
        self.assertNotIn('s002', error.details)

    def test_missing_parent(self):
        path = vms.write_split(self.folder, parent_cid='11111111',
                               hint='/gone/base.vmdk')
        self.refused(path, '/gone/base.vmdk')

    def test_parent_that_was_written_to(self):
        vms.write_split(self.folder, 'base', cid='99999999')
        path = vms.write_split(self.folder, parent_cid='11111111',
                               hint='base.vmdk')
        self.refused(path, 'was written to')

    def test_circle(self):
        one = vms.write_split(self.folder, 'a', cid='11111111',
                              parent_cid='11111111', hint='b.vmdk')
        vms.write_split(self.folder, 'b', cid='11111111',
                        parent_cid='11111111', hint='a.vmdk')
        self.refused(one, 'circle')

    def test_cut_off(self):
        """A tool would read zeros where the file has ended."""
        one = self.path('a.vmdk')
        vmdks.write(one)
        split = vms.write_split(self.folder)
        for path, file in ((one, one), (split, self.path('web-s002.vmdk'))):
            os.truncate(file, 26 * 512)
            self.assertIn(file, self.refused(path, 'truncated').details)

    def test_flat_and_cut_off(self):
        path = vms.write_descriptor(
            self.folder, create_type='monolithicFlat',
            extents='RW 8 FLAT "web-flat.vmdk" 2')
        with open(self.path('web-flat.vmdk'), 'wb') as file:
            file.truncate(5120)
        self.assertEqual(4096, disk_files.follow(path).size)
        os.truncate(self.path('web-flat.vmdk'), 5119)
        self.refused(path, 'truncated')

    def _extent(self, kind, content, sectors=vmdks.SECTORS):
        with open(self.path('web-s001.vmdk'), 'wb') as file:
            file.write(content)
        return vms.write_descriptor(
            self.folder, create_type='twoGbMaxExtentSparse',
            extents='RW %d %s "web-s001.vmdk"' % (sectors, kind))

    def test_an_extent_that_is_a_disk_of_its_own(self):
        """QEMU opens what a descriptor in an extent names."""
        inner = vmdks.descriptor(create_type='monolithicFlat',
                                 extents='RW 2 FLAT "/etc/passwd" 0')
        for kind, content in (
                ('SPARSE', vmdks.image(inner, sectors=0)),
                ('SPARSE', vmdks.image(inner)),
                ('VMFSSPARSE', vmdks.image(inner, sectors=0)),
                ('SESPARSE', vmdks.image(inner, sectors=0)),
                ('VMFSRAW', vmdks.image(inner, sectors=0))):
            self.refused(self._extent(kind, content), 'web-s001.vmdk')

    def test_an_extent_of_another_size(self):
        for sectors in (0, vmdks.SECTORS - 1, vmdks.SECTORS + 1):
            path = self._extent('SPARSE', vmdks.image('', sectors=sectors))
            self.refused(path, '%d sectors' % vmdks.SECTORS)
        self.refused(self._extent('SPARSE', vmdks.image('', sectors=0), 0),
                     '0 sectors')

    def test_extents_of_esx(self):
        for kind, magic in (('VMFSSPARSE', b'COWD'),
                            ('SESPARSE', b'\xbe\xba\xfe\xca\0\0\0\0')):
            disk = disk_files.follow(self._extent(kind, magic.ljust(512)))
            self.assertEqual(2, len(disk.files))

    def _key(self):
        """Returns the path of a file that belongs to no disk."""
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'key')
        with open(path, 'wb') as file:
            file.write(bytes(512))
        return path

    def test_an_extent_that_leads_elsewhere(self):
        os.symlink(self._key(), self.path('web-flat.vmdk'))
        path = vms.write_descriptor(
            self.folder, create_type='monolithicFlat',
            extents='RW 1 FLAT "web-flat.vmdk" 0')
        self.refused(path, 'not a plain file')

    def test_an_extent_by_way_of_a_link(self):
        os.symlink(os.path.dirname(self._key()), self.path('in'))
        for name in ('in/key', 'in/../web-flat.vmdk', './web-flat.vmdk'):
            path = vms.write_descriptor(
                self.folder, create_type='monolithicFlat',
                extents='RW 1 FLAT "%s" 0' % name)
            self.refused(path, name)

    def test_a_parent_that_leads_elsewhere(self):
        elsewhere = self.useFixture(fixtures.TempDir()).path
        os.symlink(vms.write_split(elsewhere, cid='11111111'),
                   self.path('base.vmdk'))
        path = vms.write_split(self.folder, parent_cid='11111111',
                               hint='base.vmdk')
        self.refused(path, 'not a plain file')

    def test_a_link_of_the_user_himself(self):
        path = self.path('a.vmdk')
        vmdks.write(path)
        link = os.path.join(self.useFixture(fixtures.TempDir()).path, 'a')
        os.symlink(path, link)
        self.assertEqual([link], disk_files.follow(link).files)

    def test_content_elsewhere(self):
        os.mkdir(self.path('in'))
        with open(self.path('secret'), 'wb') as file:
            file.write(bytes(512))
        for name in ('/etc/passwd', '../secret'):
            path = vms.write_descriptor(
                self.path('in'), create_type='monolithicFlat',
                extents='RW 1 FLAT "%s" 0' % name)
            self.refused(path, name)

    def test_no_plain_file(self):
        os.mkfifo(self.path('web-flat.vmdk'))
        path = vms.write_descriptor(
            self.folder, create_type='monolithicFlat',
            extents='RW 1 FLAT "web-flat.vmdk" 0')
        self.refused(path, 'not a plain file')

    def test_an_extent_alone(self):
        vms.write_split(self.folder)
        path = self.path('web-s001.vmdk')
        with open(path, 'wb') as file:
            file.write(vmdks.image(text='', descriptor_sectors=0)[:28] +
                       bytes(484))
        self.assertIn('-s001', self.refused(path, 'extents').resolution)

    def test_encrypted(self):
        path = vms.write_split(
            self.folder, extra='encryption.keySafe="vmware:key"')
        self.refused(path, 'encrypted')

    def test_files_that_are_not_vmdks(self):
        for content in (b'', b'# Disk DescriptorFile\n\xff', b'text',
                        b'# Disk DescriptorFile\nno line of it'):
            path = self.path('a.vmdk')
            with open(path, 'wb') as file:
                file.write(content)
            self.refused(path, 'The ')

    def test_a_descriptor_behind_any_end(self):
        path = self.path('a.vmdk')
        content = bytearray(vmdks.image())
        for offset in (b'\xff' * 8, b'\xff' * 6 + b'\x3f\0'):
            content[28:36] = offset
            with open(path, 'wb') as file:
                file.write(content)
            self.refused(path, 'descriptor')

    def test_files_include_extents(self):
        disk = disk_files.follow(vms.write_split(self.folder))
        self.assertIn(self.path('web-s002.vmdk'), disk.files)
