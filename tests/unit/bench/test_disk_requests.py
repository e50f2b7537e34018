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

from nova_vmrun.bench import disk_requests
from nova_vmrun import exception
from nova_vmrun.tools import process
from tests.unit import base

_SIZE = 2 << 20


class DiskRequestsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'disk')
        with open(self.path, 'wb') as file:
            file.truncate(_SIZE)

    def test_fill(self):
        disk_requests.fill(self.path, _SIZE)
        self.assertEqual(_SIZE, os.path.getsize(self.path))
        self.assertGreaterEqual(os.stat(self.path).st_blocks * 512, _SIZE)

    def test_requests_reach_the_disk(self):
        disk_requests.fill(self.path, _SIZE)
        with open(self.path, 'rb') as file:
            before = file.read()
        disk_requests.make(process.Runner(), disk_requests.ALL[0], self.path,
                           'raw', _SIZE)
        with open(self.path, 'rb') as file:
            self.assertNotEqual(before, file.read())

    def test_qemu_img_fails(self):
        self.assertRaises(exception.VmrunError, disk_requests.make,
                          process.Runner(), disk_requests.ALL[0], self.path,
                          'raw', _SIZE, 'false')

    def test_counts(self):
        large, small = (next(each for each in disk_requests.ALL
                             if each.is_large is is_large)
                        for is_large in (True, False))
        self.assertEqual(2, large.count(_SIZE))
        self.assertEqual(2000, small.count(_SIZE))
