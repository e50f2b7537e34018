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

import io
import json
import os
import pathlib

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import file_stream
from tests.unit import base

MAGIC = b'nova-vmrun files 1\n'


class FileStreamTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.target = self.useFixture(fixtures.TempDir()).path

    def put(self, name, content):
        with open(os.path.join(self.folder, name), 'wb') as file:
            file.write(content)

    def written(self):
        stream = io.BytesIO()
        file_stream.write(self.folder, stream)
        return stream.getvalue()

    def read(self, content, available=1 << 40):
        return file_stream.read(io.BytesIO(content), self.target,
                                lambda: available, {'nova.json'})

    def lines(self, *headers):
        return MAGIC + b''.join(
            header if isinstance(header, bytes)
            else json.dumps(header).encode() + b'\n' for header in headers)

    def refuse(self, *headers, kind=exception.InvalidInput):
        error = self.assertRaises(kind, self.read, self.lines(*headers))
        return str(error)

    def test_what_is_written_is_read(self):
        contents = {'root.vmdk': os.urandom(3 << 20), 'empty': b'',
                    'Büro 1.nvram': b'\n{"files": 0}\n'}
        for name, content in contents.items():
            self.put(name, content)
        self.assertEqual(3, self.read(self.written()))
        self.assertEqual(contents, {
            name: pathlib.Path(self.target, name).read_bytes()
            for name in os.listdir(self.target)})
        self.assertEqual({0o600}, {
            os.stat(os.path.join(self.target, name)).st_mode & 0o777
            for name in contents})

    def test_an_empty_folder(self):
        self.assertEqual(0, self.read(self.written()))

    def test_a_stream_that_was_cut_off_anywhere(self):
        self.put('root.vmdk', b'data')
        whole = self.written()
        for length in range(len(whole)):
            self.target = self.useFixture(fixtures.TempDir()).path
            self.assertRaises(exception.InvalidInput, self.read,
                              whole[:length])

    def test_names_that_are_not_plain(self):
        for name in ('../a', '/etc/passwd', 'a/b', '.', '..', '', '.ssh',
                     'a\0b', 'a\nb', 'a\\b', 'a' * 256, 'ä' * 128,
                     '\udcff', 'nova.json', 'NOVA.json', 7, None, ['a']):
            self.refuse({'name': name, 'size': 0}, {'files': 1})
        self.assertEqual([], os.listdir(self.target))

    def test_sizes_that_are_none(self):
        for size in (-1, 1 << 63, 1.5, True, '1', None):
            self.refuse({'name': 'a', 'size': size}, {'files': 1})

    def test_lines_that_are_malformed(self):
        for line in (b'[]\n', b'7\n', b'{}\n', b'\xff\n', b'{"files": 0',
                     b'[' * 4000 + b'\n', b'x' * 5000 + b'\n',
                     b'{"files": true}\n', b'{"files": 1}\n',
                     b'{"name": "a", "size": 0, "link": "b"}\n'):
            self.refuse(line)

    def test_another_format(self):
        self.assertRaises(exception.InvalidInput, self.read, b'x' * 9000)
        self.assertRaises(exception.InvalidInput, self.read, b'')

    def test_a_file_twice(self):
        self.assertIn('twice', self.refuse(
            {'name': 'a', 'size': 0}, {'name': 'a', 'size': 0},
            {'files': 2}))

    def test_a_link_in_the_way_is_not_followed(self):
        outside = os.path.join(self.folder, 'outside')
        os.symlink(outside, os.path.join(self.target, 'a'))
        self.refuse({'name': 'a', 'size': 0}, {'files': 1})
        self.assertFalse(os.path.exists(outside))

    def test_too_many_files(self):
        self.refuse(*({'name': 'f%d' % number, 'size': 0}
                      for number in range(1001)), {'files': 1001})

    def test_a_file_that_does_not_fit_is_not_begun(self):
        self.put('root.vmdk', b'data')
        self.assertRaises(exception.DiskFull, self.read, self.written(), 3)
        self.assertEqual([], os.listdir(self.target))

    def test_a_link_is_not_sent(self):
        os.symlink('/etc/hostname', os.path.join(self.folder, 'link'))
        self.assertRaises(OSError, self.written)

    def test_a_stream_that_stops(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        os.write(writer, MAGIC)
        stream = io.BufferedReader(file_stream.PatientInput(reader, 0.05))
        self.assertRaises(TimeoutError, file_stream.read, stream,
                          self.target, lambda: 1, set())

    def test_an_input_that_ends(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.write(writer, MAGIC)
        os.close(writer)
        stream = io.BufferedReader(file_stream.PatientInput(reader, 10))
        self.assertEqual(MAGIC, stream.read())
