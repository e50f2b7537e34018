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

import dataclasses

from hypothesis import given
from hypothesis import strategies
import testscenarios
import testtools

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk

UUID = '0123abcd-4567-89ab-cdef-0123456789ab'
DISK = flat.FlatDisk('volume-1-flat.vmdk', 2097152, UUID)
DEVICE = flat.FlatDisk('/dev/disk/by-id/wwn-0x5', 2048, UUID, is_device=True)


def changed(old, new, disk=DISK):
    text = flat.descriptor(disk)
    assert text.count(old) == 1, old
    return text.replace(old, new).encode()


class DescriptorTestCase(testtools.TestCase):

    def test_text(self):
        parsed = vmdk.parse_descriptor(flat.descriptor(DISK))
        self.assertEqual(
            ('monolithicFlat', '0123abcd', vmdk.NO_PARENT, None),
            (parsed.create_type, parsed.cid, parsed.parent_cid,
             parsed.parent_hint))
        self.assertEqual(
            (vmdk.Extent('RW', 2097152, 'FLAT', 'volume-1-flat.vmdk'),),
            parsed.extents)
        self.assertEqual(
            {'ddb.adaptertype': 'lsilogic', 'ddb.geometry.cylinders': '130',
             'ddb.geometry.heads': '255', 'ddb.geometry.sectors': '63',
             'ddb.uuid': '60 00 c2 9d 45 67 89 ab-cd ef 01 23 45 67 89 ab',
             'ddb.virtualhwversion': '4'}, parsed.ddb)

    def test_the_offset_is_written(self):
        """QEMU and VMware both want one for flat extents."""
        self.assertIn('\nRW 2097152 FLAT "volume-1-flat.vmdk" 0\n',
                      flat.descriptor(DISK))

    def test_the_serial_number_is_that_of_the_uuid(self):
        digits = flat.serial(UUID)
        self.assertEqual('6000c29' + UUID.replace('-', '')[7:], digits)
        parsed = vmdk.parse_descriptor(flat.descriptor(DISK))
        self.assertEqual(
            digits, parsed.ddb['ddb.uuid'].replace(' ', '').replace('-', ''))

    def test_a_device(self):
        parsed = vmdk.parse_descriptor(flat.descriptor(DEVICE))
        self.assertEqual('fullDevice', parsed.create_type)
        self.assertEqual('/dev/disk/by-id/wwn-0x5', parsed.extents[0].name)

    def test_geometry_of_ide(self):
        for sectors, cylinders in ((63, 1), (2097152, 2080),
                                   (1 << 40, 16383)):
            parsed = vmdk.parse_descriptor(flat.descriptor(
                dataclasses.replace(DISK, sectors=sectors, adapter='ide')))
            self.assertEqual(
                (str(cylinders), '16'),
                (parsed.ddb['ddb.geometry.cylinders'],
                 parsed.ddb['ddb.geometry.heads']))

    def test_a_uuid_that_would_make_the_cid_of_no_disk(self):
        text = flat.descriptor(dataclasses.replace(
            DISK, uuid='ffffffff' + UUID[8:]))
        self.assertIn('\nCID=00000000\n', text)

    def test_size(self):
        self.assertEqual(1 << 30, DISK.size)

    def test_a_name_that_no_descriptor_can_contain(self):
        for name in ('', 'a"b', 'a\nb', 'a\rRW 1 FLAT "/etc/passwd" 0',
                     'a\0b', 'a\x7f'):
            error = self.assertRaises(
                exception.InvalidText, flat.descriptor,
                dataclasses.replace(DISK, extent=name))
            self.assertTrue(error.details and error.resolution)

    @given(strategies.text(), strategies.integers(1, 1 << 60))
    def test_any_name_is_read_back_or_refused(self, name, sectors):
        disk = dataclasses.replace(DISK, extent=name, sectors=sectors)
        try:
            text = flat.descriptor(disk)
        except exception.InvalidText:
            return
        try:
            data = text.encode('utf-8')
        except UnicodeEncodeError:
            return
        flat.check(data, disk)


class CheckTestCase(testtools.TestCase):

    def test_our_own(self):
        for disk in (DISK, DEVICE):
            flat.check(flat.descriptor(disk).encode(), disk)

    def test_what_vmware_changes_when_a_vm_writes(self):
        text = flat.descriptor(DISK).replace(
            'CID=0123abcd', 'CID=89abcdef') + (
            'ddb.longContentID = "00112233445566778899aabb89abcdef"\n'
            'ddb.toolsVersion = "12389"\n')
        flat.check(text.encode(), DISK)

    def test_another_controller(self):
        flat.check(flat.descriptor(dataclasses.replace(
            DISK, adapter='ide')).encode(), DISK)

    def test_all_reasons_are_named(self):
        error = self.assertRaises(
            exception.InvalidVmdk, flat.check,
            changed('2097152 FLAT "volume-1-flat.vmdk"',
                    '1 FLAT "/etc/shadow"'), DISK)
        self.assertIn("'/etc/shadow' instead of 'volume-1-flat.vmdk'",
                      str(error))
        self.assertIn('1 sectors instead of 2097152', str(error))


class RefusedTestCase(testscenarios.TestWithScenarios, testtools.TestCase):

    scenarios = [
        ('another file', {'data': changed(
            '"volume-1-flat.vmdk"', '"../volume-2-flat.vmdk"')}),
        ('a longer disk', {'data': changed('2097152', '2097153')}),
        ('an offset', {'data': changed('" 0\n', '" 8\n')}),
        ('a second extent', {'data': changed(
            '\nRW ', '\nRW 1 FLAT "/etc/passwd" 0\nRW ')}),
        ('no extent', {'data': changed('\nRW ', '\n#RW ')}),
        ('a sparse extent', {'data': changed('FLAT', 'SPARSE')}),
        ('zeros', {'data': changed('FLAT', 'ZERO')}),
        ('a device', {'data': changed('monolithicFlat', 'fullDevice')}),
        ('a file for a device', {'disk': DEVICE, 'data': changed(
            'fullDevice', 'monolithicFlat', DEVICE)}),
        ('read-only', {'data': changed('RW ', 'RDONLY ')}),
        ('a parent', {'data': changed(
            'parentCID=ffffffff', 'parentCID=00000001')}),
        ('a parent by name', {'data': changed(
            'version=1', 'version=1\nparentFileNameHint="/a.vmdk"')}),
        ('changed blocks', {'data': changed(
            'version=1', 'version=1\nchangeTrackPath="/a"')}),
        ('text behind zeros', {'data': b'\0' + flat.descriptor(
            DISK).encode()}),
        ('nothing', {'data': b''}),
        ('binary', {'data': bytes(range(128, 256))}),
    ]
    disk = DISK

    def test_it_is_refused(self):
        self.assertRaises(exception.InvalidVmdk, flat.check, self.data,
                          self.disk)
