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

"""Unit tests for the search for parents and encryption in disk headers."""

import io
import struct

import testscenarios

from nova_vmrun.inspection import disk_headers
from tests.fixtures.hostile import other_disks
from tests.unit import base
from tests.unit import images


def _encrypted(method):
    content = bytearray(images.qcow2())
    struct.pack_into('>I', content, 32, method)
    return bytes(content)


_VDI_CHILD = 'The VDI is the child of another disk.'
_VHDX_CHILD = 'The VHDX is the child of another disk.'


class ProblemTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'disk_format': name.split()[0], 'content': content,
                'problem': problem})
        for name, content, problem in (
            ('qcow2', images.qcow2(), None),
            ('qcow2 with AES', _encrypted(1), 'The qcow2 is encrypted.'),
            ('qcow2 with LUKS', _encrypted(2), 'The qcow2 is encrypted.'),
            ('qcow2 without the field', images.qcow2()[:35],
             'The QCOW2 is truncated.'),
            ('vdi that grows', other_disks.vdi(kind=1), None),
            ('vdi that is preallocated', other_disks.vdi(kind=2), None),
            ('vdi of type 0', other_disks.vdi(kind=0), _VDI_CHILD),
            ('vdi of a snapshot', other_disks.vdi(kind=3), _VDI_CHILD),
            ('vdi of differences', other_disks.vdi(kind=4), _VDI_CHILD),
            ('vdi with a link', other_disks.vdi(link=b'\1'), _VDI_CHILD),
            ('vdi with a parent', other_disks.vdi(parent=bytes(15) + b'\1'),
             _VDI_CHILD),
            ('vdi without a type', other_disks.vdi()[:0x4e],
             'The VDI is truncated.'),
            ('vhdx', other_disks.vhdx(), None),
            ('vhdx with a parent', other_disks.vhdx(has_parent=True),
             _VHDX_CHILD),
            ('vhdx without metadata', other_disks.vhdx(region=False),
             'The VHDX has no metadata.'),
            ('vhdx that is cut off', other_disks.vhdx()[:(192 << 10) + 4],
             'The VHDX is truncated.'),
            # Others are checked elsewhere: this looks at no byte of them.
            ('raw', b'', None), ('vpc', b'', None))]

    def test_problem(self):
        self.assertEqual(self.problem, disk_headers.find_problem(
            self.disk_format, io.BytesIO(self.content)))
