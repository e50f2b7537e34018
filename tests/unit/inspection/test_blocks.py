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

"""Unit tests for disks that are stored in blocks of a file."""

import array
import io
import struct

from nova_vmrun.inspection import blocks
from tests.unit import base

_BLOCK = 1024


def _disk(content=b'', size=4 * _BLOCK):
    return blocks.Disk(io.BytesIO(content), size, _BLOCK)


class DiskTestCase(base.TestCase):

    def test_last_block_may_be_short(self):
        for size, count in ((0, 0), (1, 1), (_BLOCK, 1), (_BLOCK + 1, 2)):
            self.assertEqual(count, _disk(size=size).block_count)

    def test_blocks_below_a_sector_are_refused(self):
        blocks.Disk(io.BytesIO(), _BLOCK, 512)
        for size in (511, 0):
            self.assertRaises(blocks.Damaged, blocks.Disk, io.BytesIO(),
                              _BLOCK, size)


class ContainsTestCase(base.TestCase):

    def test_file_must_contain_all_of_a_block(self):
        block = blocks.Block(number=0, offset=100)
        self.assertTrue(_disk(bytes(100 + _BLOCK)).contains([block]))
        self.assertFalse(_disk(bytes(100 + _BLOCK - 1)).contains([block]))

    def test_last_block_ends_with_the_disk(self):
        block = blocks.Block(number=3, offset=100)
        size = 3 * _BLOCK + 10
        self.assertTrue(_disk(bytes(110), size).contains([block]))
        self.assertFalse(_disk(bytes(109), size).contains([block]))

    def test_every_block_counts(self):
        there, absent = blocks.Block(0, 0), blocks.Block(1, _BLOCK)
        disk = _disk(bytes(_BLOCK))
        self.assertTrue(disk.contains([]))
        self.assertTrue(disk.contains([there]))
        self.assertFalse(disk.contains([absent, there]))
        self.assertFalse(disk.contains([there, absent]))


class TableTestCase(base.TestCase):

    def test_entries_are_yielded_in_their_byte_order(self):
        for sign, big_endian in (('<', False), ('>', True)):
            disk = _disk(b'abc' + struct.pack(sign + '3I', 1, 2, 1 << 31))
            self.assertEqual([1, 2, 1 << 31], list(disk.read_table(
                3, 3, 'I', big_endian)))

    def test_entries_of_eight_bytes(self):
        disk = _disk(struct.pack('<2Q', 1 << 60, 7))
        self.assertEqual([1 << 60, 7], list(disk.read_table(0, 2, 'Q')))

    def test_large_table_is_read_piece_by_piece(self):
        count = 64 * 1024 + 2
        file = io.BytesIO(array.array('I', range(count)).tobytes())
        reads = []
        read = file.read
        file.read = lambda size: reads.append(size) or read(size)
        disk = blocks.Disk(file, _BLOCK, _BLOCK)
        self.assertEqual(list(range(count)),
                         list(disk.read_table(0, count, 'I')))
        self.assertEqual([64 * 1024 * 4, 8], reads)

    def test_truncated_table(self):
        disk = _disk(bytes(11))
        self.assertEqual([0, 0], list(disk.read_table(0, 2, 'I')))
        self.assertRaises(blocks.Damaged, list,
                          disk.read_table(0, 3, 'I'))

    def test_too_large_table_is_not_read(self):
        class Unreadable(io.BytesIO):
            def read(self, size=-1):
                raise AssertionError('The table is read.')

        disk = blocks.Disk(Unreadable(), _BLOCK, _BLOCK)
        largest = 128 << 20
        for typecode, size in (('I', 4), ('Q', 8)):
            self.assertRaises(blocks.Damaged, list, disk.read_table(
                0, largest // size + 1, typecode))
            # This one is not too large to be tried.
            self.assertRaises(AssertionError, list, disk.read_table(
                0, largest // size, typecode))

    def test_entries_from_the_middle_of_a_table(self):
        disk = _disk(b'x' + struct.pack('<4I', 10, 11, 12, 13))
        self.assertEqual([12, 13], list(disk.read_entries(1, 2, 2, 'I')))
        self.assertEqual([], list(disk.read_entries(1, 2, 0, 'I')))
        self.assertRaises(blocks.Damaged, disk.read_entries, 1, 2, 3, 'I')
