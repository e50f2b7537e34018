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
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.storage import flatten
from tests.unit import base
from tests.unit import vmdks

SIZE = vmdks.SECTORS * vmdk.SECTOR


class FlattenTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.disk = os.path.join(self.folder, 'disk.vmdk')
        self.parent = os.path.join(self.folder, 'parent.vmdk')
        self.target = os.path.join(self.folder, 'copy.vmdk')
        for path in (self.disk, self.parent):
            self.write(path)
        self.made = vmdks.image(vmdks.descriptor(
            create_type=vmdk.STREAM_OPTIMIZED))
        self.qemu_img = mock.Mock()
        self.qemu_img.convert_chain.side_effect = self.convert
        self.source = flatten.Source(
            'disk of server x', [self.disk, self.parent],
            [self.disk, self.parent], SIZE, 'ide')

    def write(self, path, content=b'content'):
        with open(path, 'wb') as file:
            file.write(content)

    def convert(self, chain, adapter, target):
        self.write(target, self.made)

    def flatten(self):
        flatten.flatten(self.qemu_img, self.source, self.target, 'Try again.')

    def refused(self, kind):
        error = self.assertRaises(kind, self.flatten)
        self.assertIn('disk of server x', error.brief)
        return error

    def test_whole_chain_is_converted(self):
        self.flatten()
        self.qemu_img.convert_chain.assert_called_once_with(
            [self.disk, self.parent], 'ide', self.target)

    def test_disk_written_to_during_the_copy(self):
        for path in (self.disk, self.parent):
            def convert(chain, adapter, target, path=path):
                self.convert(chain, adapter, target)
                self.write(path, b'longer content of ' + path.encode())

            self.qemu_img.convert_chain.side_effect = convert
            error = self.refused(exception.DiskChanged)
            self.assertEqual('Try again.', error.resolution)

    def test_copy_of_another_type(self):
        self.made = vmdks.image()
        error = self.refused(exception.InvalidVmdk)
        self.assertIn(vmdk.MONOLITHIC_SPARSE, error.details)

    def test_copy_of_another_size(self):
        self.made = vmdks.image(
            vmdks.descriptor(create_type=vmdk.STREAM_OPTIMIZED),
            sectors=vmdks.SECTORS // 2)
        error = self.refused(exception.InvalidVmdk)
        self.assertIn('%d bytes; the disk has %d' % (SIZE // 2, SIZE),
                      error.details)
