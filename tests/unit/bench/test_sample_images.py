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

from nova_vmrun.bench import rig as rigs
from nova_vmrun.bench import sample_images
from nova_vmrun import exception
from nova_vmrun.tools import process
from tests.unit import base

_MIB = 1 << 20


class SampleImagesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'image')

    def make(self, qemu_img_path='qemu-img'):
        sample_images.make_qcow2(
            rigs.Rig(self.folder, process.Runner(), None, qemu_img_path),
            self.path, 8 * _MIB, 2 * _MIB)

    def test_image(self):
        self.make()
        with open(self.path, 'rb') as file:
            self.assertEqual(b'QFI', file.read(3))
        self.assertIn(os.path.getsize(self.path) // _MIB, (2, 3))
        self.assertEqual({'image', 'instances'},
                         set(os.listdir(self.folder)))

    def test_qemu_img_fails(self):
        self.assertRaises(exception.VmrunError, self.make, 'false')

    def test_downloads(self):
        with open(self.path, 'wb') as file:
            file.write(b'content')
        for kind in (sample_images.file_download,
                     sample_images.stream_download):
            copy = os.path.join(self.folder, kind.__name__)
            kind(self.path)(copy)
            with open(copy, 'rb') as file:
                self.assertEqual(b'content', file.read())
