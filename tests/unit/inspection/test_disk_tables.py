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

"""Disks of which one block is there, up to the last byte of the file."""

import io
import struct

from oslo_utils import units
import testscenarios

from nova_vmrun.inspection import disk_tables
from tests.fixtures.hostile import other_disks
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks

_GRAIN = 65536
# Sector 26 is the directory, 27 to 30 the table.
_DIRECTORY = bytes(5 * 512) + struct.pack('<I', 27).ljust(512, b'\0')


def _vmdk(*grains):
    """Return a VMDK of 16 grains without the content of its grains."""
    return vmdks.image(content=_DIRECTORY + struct.pack(
        '<%dI' % len(grains), *grains).ljust(2048, b'\0'))


def _footed():
    """Return a VMDK that names its directory only in the footer."""
    header = bytearray(vmdks.image()[:512])
    header[56:64] = b'\xff' * 8
    return (bytes(header) + _vmdk(31)[512:] + bytes(_GRAIN + 512) +
            vmdks.image()[:512] + bytes(512))


class OneBlockTestCase(testscenarios.TestWithScenarios, base.TestCase):

    # head: bytes in front of the block; block: bytes that must be there;
    # size: of the disk
    scenarios = [
        (name, {'disk_format': disk_format, 'head': head, 'block': block,
                'size': size})
        for name, disk_format, head, block, size in (
            ('vmdk', 'vmdk', _vmdk(31), _GRAIN, units.Mi),
            ('vmdk, last grain', 'vmdk', _vmdk(*[0] * 15, 31), _GRAIN,
             units.Mi),
            ('vmdk, short last grain', 'vmdk', _vmdk(*[0] * 15, 31), 512,
             15 * _GRAIN + 512),
            ('vmdk, zeros', 'vmdk', _vmdk(1, 31, 1), _GRAIN, units.Mi),
            ('vdi', 'vdi', other_disks.vdi(blocks=[0])[:1028], units.Mi,
             units.Mi),
            ('vdi, second block', 'vdi', other_disks.vdi(
                3 * units.Mi, blocks=[0xffffffff, 0, 0xfffffffe])[:1036],
             units.Mi, 3 * units.Mi),
            ('vdi, short last block', 'vdi', other_disks.vdi(
                2 * units.Mi, blocks=[0xffffffff, 0])[:1032], 512,
             units.Mi + 512),
            ('vhd', 'vpc', images.vhd(entries=[4]),
             512 + 2 * units.Mi, 2 * units.Mi),
            ('vhd, short last block', 'vpc', images.vhd(entries=[4]),
             512 + units.Mi, units.Mi),
            ('vhd, small blocks', 'vpc', images.vhd(
                block=4096, entries=[0xffffffff, 5]), 512 + 4096, units.Mi),
            ('fixed vhd', 'vpc', b'', units.Mi + 512, units.Mi),
            ('vhdx', 'vhdx', other_disks.vhdx(
                blocks=[4 * units.Mi | 6]).ljust(4 * units.Mi, b'\0'),
             units.Mi, units.Mi),
            ('vhdx, partly there', 'vhdx', other_disks.vhdx(
                2 * units.Mi, blocks=[1 << 60, 4 * units.Mi | 7]).ljust(
                    4 * units.Mi, b'\0'), units.Mi, 2 * units.Mi),
            ('vhdx, behind a bitmap', 'vhdx', other_disks.vhdx(
                4098 * units.Mi, blocks=[0] * 4096 + [
                    1 << 60 | 6, 4 * units.Mi | 6]).ljust(
                        4 * units.Mi, b'\0'), units.Mi, 4098 * units.Mi),
        )]

    def is_complete(self, content):
        return disk_tables.is_complete(self.disk_format, io.BytesIO(content),
                                       self.size)

    def test_last_byte_is_needed(self):
        content = self.head + bytes(self.block)
        self.assertTrue(self.is_complete(content))
        self.assertFalse(self.is_complete(content[:-1]))
        self.assertFalse(self.is_complete(self.head[:-1]))


class OtherTestCase(base.TestCase):

    def test_directory_named_in_the_footer(self):
        content = _footed()
        self.assertTrue(disk_tables.is_complete('vmdk', io.BytesIO(content),
                                                units.Mi))
        self.assertFalse(disk_tables.is_complete(
            'vmdk', io.BytesIO(content[:-1]), units.Mi))

    def test_raw_disk_is_always_complete(self):
        self.assertTrue(disk_tables.is_complete('raw', io.BytesIO(), 0))

    def test_repeated_table_is_read_once(self):
        # 512 GiB; the table lies behind the directory.
        tables = struct.pack('<I', 26 + 128) * 16384
        file = io.BytesIO(vmdks.image(
            sectors=1 << 30, content=bytes(5 * 512) + tables + bytes(2048)))
        reads = []
        read = file.read
        file.read = lambda size: reads.append(size) or read(size)
        self.assertTrue(disk_tables.is_complete('vmdk', file, 512 * units.Gi))
        self.assertEqual([512, len(tables), 2048, 2048], reads)
