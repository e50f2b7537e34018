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
_UUID = '00000000-0000-4000-8000-000000000001'


class RigTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.rig = rigs.Rig(self.folder, process.Runner(), None)
        image = os.path.join(self.folder, 'image')
        sample_images.make_qcow2(self.rig, image, 4 * _MIB, 2 * _MIB)
        self.download = sample_images.file_download(image)

    def test_linked_disk(self):
        disk = self.rig.boot(_UUID, self.download)
        self.assertLess(os.path.getsize(disk), _MIB)

    def test_copied_disk(self):
        disk = self.rig.boot(_UUID, self.download, link=False)
        self.assertGreater(os.path.getsize(disk), 2 * _MIB)

    def test_forget(self):
        disk = self.rig.boot(_UUID, self.download)
        self.rig.forget()
        self.assertFalse(os.path.exists(disk))
        self.assertEqual([], os.listdir(self.rig.layout.cache))

    def test_program_that_fails(self):
        self.rig.run('true')
        self.assertRaises(exception.VmrunError, self.rig.run, 'false')
