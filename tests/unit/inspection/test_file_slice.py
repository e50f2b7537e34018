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

"""Unit tests for reading parts of files."""

import io
import os

import fixtures

from nova_vmrun.inspection import file_slice
from tests.unit import base


class SliceTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.file = io.BytesIO(b'before-CONTENT-after')
        self.slice = file_slice.Slice(self.file, file_slice.Span(7, 7))

    def test_only_the_part_is_read(self):
        self.assertEqual(b'CONTENT', self.slice.read())
        self.assertEqual(b'', self.slice.read())
        self.assertEqual(7, self.slice.tell())

    def test_reads_continue_where_the_last_one_ended(self):
        self.assertEqual([b'CON', b'TEN', b'T', b''],
                         [self.slice.read(3) for _ in range(4)])

    def test_seeking_counts_from_the_start_of_the_part(self):
        for offset, whence, position, rest in (
                (2, os.SEEK_SET, 2, b'NTENT'), (-2, os.SEEK_END, 5, b'NT'),
                (-99, os.SEEK_SET, 0, b'CONTENT')):
            self.assertEqual(position, self.slice.seek(offset, whence))
            self.assertEqual(rest, self.slice.read())
        self.slice.seek(1)
        self.assertEqual(3, self.slice.seek(2, os.SEEK_CUR))
        self.assertEqual(b'TENT', self.slice.read())

    def test_seeking_behind_the_end_reads_nothing(self):
        for offset in (7, 8, 1 << 70):
            self.slice.seek(offset)
            self.assertEqual(b'', self.slice.read(1))

    def test_file_shorter_than_the_part(self):
        short = file_slice.Slice(self.file, file_slice.Span(15, 100))
        self.assertEqual(b'after', short.read())
        self.assertEqual(5, short.tell())

    def test_reads_into_a_buffer(self):
        buffer = bytearray(b'.' * 10)
        self.assertEqual(7, self.slice.readinto(buffer))
        self.assertEqual(b'CONTENT...', bytes(buffer))
        self.assertEqual(0, self.slice.readinto(buffer))

    def test_buffered_reader(self):
        self.assertTrue(self.slice.readable())
        self.assertTrue(self.slice.seekable())
        reader = io.BufferedReader(self.slice)
        self.assertEqual(b'CO', reader.read(2))
        reader.seek(-1, os.SEEK_END)
        self.assertEqual(b'T', reader.read())

    def test_closing_leaves_the_file_open(self):
        self.slice.close()
        self.assertFalse(self.file.closed)
        self.assertEqual(b'CONTENT', self.slice.read())


class OpenTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'file')
        with open(self.path, 'wb') as file:
            file.write(b'0123456789')

    def test_whole_file(self):
        with file_slice.open_slice(self.path) as file:
            self.assertEqual(b'0123456789', file.read())

    def test_part_of_a_file(self):
        with file_slice.open_slice(self.path,
                                   file_slice.Span(3, 2)) as file:
            self.assertEqual(b'34', file.read())
            self.assertEqual(2, file_slice.size(file))

    def test_file_is_closed_at_the_end(self):
        with file_slice.open_slice(self.path) as file:
            pass
        self.assertRaises(ValueError, file.read)

    def test_size(self):
        self.assertEqual(6, file_slice.size(io.BytesIO(b'binary')))
