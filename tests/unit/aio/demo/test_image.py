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


import struct

import fixtures

from nova_vmrun.aio.demo import image
from nova_vmrun.aio import errors
from tests.unit import base


class ImageTestCase(base.TestCase):

    def test_partition_fills_the_disk(self):
        table = image.partition_table()
        self.assertEqual((image.SECTOR, b'\x55\xaa'),
                         (len(table), table[-2:]))
        start, length = struct.unpack_from('<II', table, 446 + 8)
        self.assertEqual(image.SIZE, (start + length) * image.SECTOR)

    def test_missing_qemu_img_says_what_to_install(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('PATH', folder))
        error = self.assertRaises(errors.AioError, image.make, folder)
        self.assertIn('apt-get install qemu-utils', error.resolution)
