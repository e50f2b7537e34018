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
import subprocess

import fixtures

from nova_vmrun.formats import iso
from tests.unit import base

FILES = {
    'openstack/latest/meta_data.json': b'{"uuid": 1}',
    'openstack/latest/user_data': b'#!/bin/sh\n' * 1000,
    'openstack/2012-08-10/meta_data.json': b'{}',
    'openstack/content/0000': bytes(range(256)),
    'ec2/2009-04-04/meta-data.json': b'',
}


class IsoTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'drive.iso')

    def isoinfo(self, *arguments):
        return subprocess.run(
            ['isoinfo', '-i', self.path, *arguments], check=True,
            capture_output=True, text=True).stdout

    def test_read_returns_what_write_was_given(self):
        iso.write(self.path, FILES, 'config-2')
        self.assertEqual(FILES, iso.read(self.path))

    def test_names_for_linux_and_windows(self):
        iso.write(self.path, FILES, 'config-2')
        for standard in '-J', '-R':
            listed = self.isoinfo(standard, '-f').splitlines()
            for name in FILES:
                self.assertIn('/' + name, listed, standard)

    def test_label_and_publisher(self):
        iso.write(self.path, FILES, 'config-2', 'OpenStack Compute 34')
        told = self.isoinfo('-d')
        self.assertIn('Volume id: config-2\n', told)
        self.assertIn('Publisher id: OpenStack Compute 34\n', told)

    def test_content_is_found_by_another_reader(self):
        iso.write(self.path, FILES, 'config-2')
        self.assertEqual('{"uuid": 1}', self.isoinfo(
            '-J', '-x', '/openstack/latest/meta_data.json'))

    def test_image_of_genisoimage(self):
        source = os.path.join(self.folder, 'source')
        for name, content in FILES.items():
            os.makedirs(os.path.dirname(os.path.join(source, name)),
                        exist_ok=True)
            with open(os.path.join(source, name), 'wb') as file:
                file.write(content)
        subprocess.run(
            ['genisoimage', '-quiet', '-ldots', '-allow-lowercase',
             '-allow-multidot', '-l', '-J', '-r', '-V', 'config-2', '-o',
             self.path, source], check=True, capture_output=True)
        self.assertEqual(FILES, iso.read(self.path))

    def test_an_image_is_overwritten(self):
        iso.write(self.path, {'a': b'1' * 10000}, 'old')
        iso.write(self.path, {'b': b'2'}, 'new')
        self.assertEqual({'b': b'2'}, iso.read(self.path))

    def test_not_an_image(self):
        with open(self.path, 'wb') as file:
            file.write(bytes(100000))
        self.assertRaises(ValueError, iso.read, self.path)

    def test_an_image_that_was_cut_short(self):
        iso.write(self.path, FILES, 'config-2')
        with open(self.path, 'rb') as file:
            whole = file.read()
        for end in (0, 33000, 40000, len(whole) - 2048, len(whole) - 1):
            with open(self.path, 'wb') as file:
                file.write(whole[:end])
            self.assertRaises(ValueError, iso.read, self.path)

    def test_no_file(self):
        self.assertRaises(OSError, iso.read, self.path)

    def test_name_too_long(self):
        self.assertRaises(ValueError, iso.write, self.path,
                          {'n' * 300: b''}, 'config-2')

    def test_full_file_system(self):
        self.assertRaises(OSError, iso.write, '/dev/full', FILES, 'config-2')
