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


import testscenarios
import testtools

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from tests.unit import vmdks

ALLOWED = ('monolithicSparse', 'streamOptimized')


class HeaderTestCase(testtools.TestCase):

    def test_header(self):
        header = vmdk.parse_header(vmdks.image(sectors=4096))
        self.assertEqual(
            vmdk.Header(capacity=2 << 20, descriptor_offset=512,
                        descriptor_size=20 * 512, grain=65536, entries=512,
                        directory=26 * 512), header)

    def test_a_directory_in_a_footer(self):
        data = bytearray(vmdks.image(flags=3 << 16)[:512])
        data[56:64] = b'\xff' * 8
        header = vmdk.parse_header(bytes(data))
        self.assertIsNone(header.directory)
        self.assertTrue(header.is_compressed)

    def test_no_magic(self):
        self.assertRaises(exception.InvalidVmdk, vmdk.parse_header,
                          b'QFI\xfb'.ljust(512, b'\0'))

    def test_truncated(self):
        self.assertRaises(exception.InvalidVmdk, vmdk.parse_header,
                          vmdks.image()[:511])

    def test_huge_descriptor(self):
        self.assertRaises(
            exception.InvalidVmdk, vmdk.parse_header,
            vmdks.image(descriptor_sectors=2049)[:512])

    def test_a_descriptor_beyond_any_file(self):
        data = bytearray(vmdks.image()[:512])
        data[28:36] = b'\xff' * 8
        self.assertRaises(exception.InvalidVmdk, vmdk.parse_header,
                          bytes(data))


class DescriptorTestCase(testtools.TestCase):

    def test_fields(self):
        parsed = vmdk.parse_descriptor(vmdks.descriptor(
            'a.vmdk', cid='12AB34CD', parent_cid='0000000F',
            hint='/b/c d.vmdk'))
        self.assertEqual(
            ('monolithicSparse', '12ab34cd', '0000000f', '/b/c d.vmdk'),
            (parsed.create_type, parsed.cid, parsed.parent_cid,
             parsed.parent_hint))
        self.assertEqual((vmdk.Extent('RW', 2048, 'SPARSE', 'a.vmdk'),),
                         parsed.extents)
        self.assertEqual('ide', parsed.ddb['ddb.adaptertype'])

    def test_content_ids_without_leading_zeros(self):
        parsed = vmdk.parse_descriptor('CID=abc\nparentCID=1\n')
        self.assertEqual(('00000abc', '00000001'),
                         (parsed.cid, parsed.parent_cid))

    def test_disk_without_parent(self):
        parsed = vmdk.parse_descriptor(vmdks.descriptor())
        self.assertIsNone(parsed.parent_hint)
        self.assertEqual(vmdk.NO_PARENT, parsed.parent_cid)

    def test_unreadable_line(self):
        self.assertRaises(exception.InvalidVmdk, vmdk.parse_descriptor,
                          'RW 2048 SPARSE "a.vmdk" and more\n')

    def test_absurd_numbers(self):
        for line in ('RW %s SPARSE "a.vmdk"', 'RW 2048 FLAT "a.vmdk" %s'):
            self.assertRaises(exception.InvalidVmdk, vmdk.parse_descriptor,
                              line % ('9' * 5000))
            self.assertEqual(1, len(vmdk.parse_descriptor(
                line % (1 << 63)).extents))

    def test_a_repeated_field(self):
        self.assertRaises(exception.InvalidVmdk, vmdk.parse_descriptor,
                          'CID=1\ncid=2\n')

    def test_extents_of_three_to_seven_values(self):
        for line, extent in (
                ('RW 8 ZERO', vmdk.Extent('RW', 8, 'ZERO', '')),
                ('NOACCESS 8 ZERO', vmdk.Extent('NOACCESS', 8, 'ZERO', '')),
                ('RW 8 SPARSE "a b.vmdk"',
                 vmdk.Extent('RW', 8, 'SPARSE', 'a b.vmdk')),
                ('rdonly 8 flat "a" 63',
                 vmdk.Extent('RDONLY', 8, 'FLAT', 'a', 63)),
                ('RW 8 FLAT "a" 0 5a1b', vmdk.Extent('RW', 8, 'FLAT', 'a')),
                ('RW 8 FLAT "a" 0 "5a 1b" 6d2c',
                 vmdk.Extent('RW', 8, 'FLAT', 'a')),
                (r'RW 8 FLAT "\\.\PhysicalDrive0" 0',
                 vmdk.Extent('RW', 8, 'FLAT', r'\\.\PhysicalDrive0'))):
            for written in (line, line.replace(' ', '\t') if '"a b' not in
                            line and '"5a' not in line else line,
                            '  %s \t' % line):
                self.assertEqual(
                    (extent,), vmdk.parse_descriptor(written).extents,
                    written)

    def test_lines_that_are_not_extents(self):
        for line in ('RW 8', 'RW ZERO', 'RW 8 FLAT "a', 'RW 8 FLAT a 0',
                     'RW 8 FLAT "a" 0 1 2 3', 'RW 8 FLAT "a" x y',
                     'RW 8 FLAT"a"', 'MAYBE 8 ZERO', 'RW -8 ZERO',
                     'RW 8 ZERO\x0bRW 8 ZERO', 'RW 8 FLAT "a\x1b" 0'):
            self.assertRaises(exception.InvalidVmdk, vmdk.parse_descriptor,
                              line)

    def test_fields_with_blanks(self):
        for line in ('createType="vmfs"', 'createType = "vmfs"',
                     '\tCREATETYPE\t=\tvmfs', 'createType=" vmfs "'):
            for end in ('\n', '\r\n', '\r'):
                parsed = vmdk.parse_descriptor(line + end + '# end' + end)
                self.assertEqual('vmfs', parsed.create_type, line)

    def test_a_long_line_does_not_take_quadratic_time(self):
        for line in ('RW 8 FLAT "a"' + ' ' * 500000 + '"',
                     'RW 8 FLAT "a" 0' + ' a' * 250000,
                     'a' * 500000, 'a' + ' ' * 500000 + 'b'):
            self.assertRaises(exception.InvalidVmdk, vmdk.parse_descriptor,
                              line)

    def test_how_a_descriptor_is_recognised(self):
        for head in (b'# Disk DescriptorFile\n', b'# Disk Descriptor File\r\n',
                     b'#Disk DescriptorFile', b'# disk descriptorfile\n',
                     b'\xef\xbb\xbf# Disk DescriptorFile\n',
                     b'# by a tool\n\n  # Disk DescriptorFile\n',
                     b'# by a tool\nversion=1\n', b'version = "3"\n'):
            self.assertTrue(vmdk.is_descriptor(head), head)
        for head in (b'', b'KDMV', b'# a comment\n', b'#!/bin/sh\necho\n',
                     b'CID=1\n# Disk DescriptorFile\n', b'version=x\n',
                     b'\0# Disk DescriptorFile\n'):
            self.assertFalse(vmdk.is_descriptor(head), head)

    def test_text_ends_at_the_first_zero(self):
        self.assertEqual('a\n', vmdk.decode_descriptor(b'a\n\0\xff'))

    def test_undecodable_files(self):
        self.assertRaises(exception.InvalidVmdk, vmdk.decode_descriptor,
                          b'\xff\xfe')


class SelfContainedTestCase(testtools.TestCase):

    def test_ordinary_disks(self):
        for kind in ALLOWED:
            vmdk.refuse_unless_self_contained(
                vmdk.parse_descriptor(vmdks.descriptor(create_type=kind)),
                ALLOWED)

    def test_the_drivers_own_disks(self):
        vmdk.refuse_unless_self_contained(
            vmdk.parse_descriptor(vmdks.descriptor(
                extra='encoding="UTF-8"\nisNativeSnapshot="no"')), ALLOWED)

    def test_the_error_suggests_an_allowed_type(self):
        parsed = vmdk.parse_descriptor(vmdks.descriptor(
            create_type='twoGbMaxExtentSparse'))
        for kinds, advice in (
                (ALLOWED, 'streamOptimized'),
                (('streamoptimized',), 'streamOptimized'),
                (('monolithicSparse',), 'monolithicSparse'),
                (('monolithicFlat',), 'qcow2'), ((), 'qcow2')):
            error = self.assertRaises(
                exception.InvalidVmdk, vmdk.refuse_unless_self_contained,
                parsed, kinds)
            self.assertIn('convert it to %s.' % advice, str(error))


class HostileTestCase(testscenarios.TestWithScenarios, testtools.TestCase):
    """Disks that would make a tool read another file of the host."""

    scenarios = [
        ('child by hint', {'made': {'hint': '/etc/shadow'}}),
        ('child by content id', {'made': {'parent_cid': '00000000'}}),
        ('flat', {'made': {'create_type': 'monolithicFlat'}}),
        ('no type', {'made': {'create_type': ''}}),
        ('flat extent in a sparse disk', {'made': {
            'extents': 'RW 2048 FLAT "a-flat.vmdk" 0'}}),
        ('path', {'made': {'extents': 'RW 2048 SPARSE "/etc/shadow"'}}),
        ('windows path', {'made': {
            'extents': r'RW 2048 SPARSE "C:\secret.vmdk"'}}),
        ('drive', {'made': {'extents': 'RW 2048 SPARSE "C:secret.vmdk"'}}),
        ('two extents', {'made': {
            'extents': 'RW 1 SPARSE "a.vmdk"\nRW 1 SPARSE "b.vmdk"'}}),
        ('zero extent', {'made': {'extents': 'RW 2048 ZERO'}}),
        ('change tracking file', {'made': {
            'extra': 'changeTrackPath="/etc/shadow"'}}),
    ]

    def test_refused(self):
        parsed = vmdk.parse_descriptor(vmdks.descriptor(**self.made))
        error = self.assertRaises(
            exception.InvalidVmdk, vmdk.refuse_unless_self_contained, parsed,
            ALLOWED)
        self.assertNotIn('shadow', str(error))


class RewriteTestCase(testtools.TestCase):

    def rewrite(self, text, **options):
        options = dict({'name': 'new.vmdk', 'cid': 'cafecafe',
                        'adapter': 'lsilogic'}, **options)
        return vmdk.parse_descriptor(
            vmdk.rewrite_descriptor(text, **options))

    def test_copy(self):
        copy = self.rewrite(vmdks.descriptor('old.vmdk'))
        self.assertEqual(
            ('cafecafe', vmdk.NO_PARENT, None, 'new.vmdk', 'lsilogic'),
            (copy.cid, copy.parent_cid, copy.parent_hint,
             copy.extents[0].name, copy.ddb['ddb.adaptertype']))

    def test_child_of_a_child(self):
        child = self.rewrite(
            vmdks.descriptor(hint='old-base.vmdk', parent_cid='11111111'),
            parent_cid='0badcafe', parent_hint='/cache/base.vmdk')
        self.assertEqual(('0badcafe', '/cache/base.vmdk'),
                         (child.parent_cid, child.parent_hint))

    def test_unknown_lines_are_kept(self):
        copy = self.rewrite(vmdks.descriptor(extra='encoding="UTF-8"'))
        self.assertEqual('UTF-8', copy.fields['encoding'])
        self.assertEqual('4', copy.ddb['ddb.virtualhwversion'])

    def test_names_that_a_descriptor_cannot_contain(self):
        for name in ('a"b.vmdk', 'a\nb.vmdk', 'a\0b.vmdk'):
            self.assertRaises(exception.InvalidText, self.rewrite,
                              vmdks.descriptor(), parent_hint='/x/' + name)


class AdapterTypeTestCase(testtools.TestCase):

    def test_all_other_buses_are_lsilogic(self):
        self.assertEqual(
            ['ide', 'buslogic', 'lsilogic', 'lsilogic', 'lsilogic'],
            [vmdk.adapter_type(bus) for bus in
             ('ide', 'buslogic', 'lsilogic', 'nvme', 'pvscsi')])
