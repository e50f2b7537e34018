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

"""Unit tests for the header of a VHDX."""

import io
import struct

from oslo_utils import units

from nova_vmrun.inspection import vhdx
from tests.fixtures.hostile import other_disks
from tests.unit import base

_REGIONS = 192 * units.Ki
_METADATA = 2 * units.Mi


def _read(content):
    return vhdx.read_header(io.BytesIO(content))


class HeaderTestCase(base.TestCase):

    def test_facts(self):
        self.assertEqual(
            vhdx.Header(has_parent=False, block_table=3 * units.Mi,
                        block_size=units.Mi, sector_size=4096),
            _read(other_disks.vhdx(sector=4096)))

    def test_parent(self):
        for options in ({'has_parent': True}, {'locator': True}):
            self.assertTrue(_read(other_disks.vhdx(**options)).has_parent)

    def test_other_flags_are_no_parent(self):
        content = bytearray(other_disks.vhdx())
        # The lowest bit of the flags: the blocks stay allocated.
        struct.pack_into('<I', content, _METADATA + 65552 + 4, 1)
        self.assertFalse(_read(bytes(content)).has_parent)


class InvalidTestCase(base.TestCase):

    def check(self, missing, content):
        error = self.assertRaises(vhdx.Invalid, _read, content)
        self.assertEqual('The VHDX has no %s.' % missing, str(error))

    def check_truncated(self, content):
        self.assertRaises(struct.error, _read, content)

    def test_missing_parts(self):
        self.check('metadata', other_disks.vhdx(region=False))
        self.check('parameters', other_disks.vhdx(parameters=False))
        self.check('sector size', other_disks.vhdx(sector=None))

    def test_missing_block_table(self):
        content = bytearray(other_disks.vhdx())
        # The GUID of the first region, which is the block table.
        content[_REGIONS + 16] ^= 1
        self.check('block table', bytes(content))

    def test_table_without_its_signature(self):
        for offset, missing in ((_REGIONS, 'metadata'),
                                (_METADATA, 'parameters')):
            content = bytearray(other_disks.vhdx())
            content[offset] ^= 1
            self.check(missing, bytes(content))

    def test_file_that_ends_before_its_tables(self):
        self.check('metadata', other_disks.vhdx()[:_REGIONS])
        self.check('parameters', other_disks.vhdx()[:_METADATA])

    def test_file_that_ends_in_a_table(self):
        self.check_truncated(other_disks.vhdx()[:_REGIONS + 4])
        self.check_truncated(other_disks.vhdx()[:_METADATA + 65552 + 7])

    def test_last_entry_that_is_cut_off_is_not_read(self):
        # The second region of two is the metadata.
        content = other_disks.vhdx()[:_REGIONS + 16 + 2 * 32 - 1]
        self.check('metadata', content)

    def test_huge_number_of_entries_reads_little(self):
        content = bytearray(other_disks.vhdx())
        struct.pack_into('<H', content, _METADATA + 10, 0xffff)
        file = io.BytesIO(bytes(content))
        reads = []
        read = file.read
        file.read = lambda size: reads.append(size) or read(size)
        vhdx.read_header(file)
        self.assertEqual(2047 * 32, max(reads))
