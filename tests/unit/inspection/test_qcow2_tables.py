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
import struct

import testscenarios

from nova_vmrun.inspection import disk_tables
from tests.unit import base
from tests.unit import images

CLUSTER = 65536
_END = 5 * CLUSTER


def is_complete(file, size=8192 * CLUSTER):
    return disk_tables.is_complete('qcow2', file, size)


def qcow2(first=3 * CLUSTER, cluster=4 * CLUSTER, length=_END):
    """Returns a qcow2 whose second table has one entry, its last."""
    content = bytearray(images.qcow2().ljust(_END, b'\0'))
    struct.pack_into('>Q', content, CLUSTER, first)
    struct.pack_into('>Q', content, 4 * CLUSTER - 8, cluster)
    return io.BytesIO(bytes(content[:length]))


class Qcow2TestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'options': options, 'expected': expected,
                'size': size[0] if size else 8192 * CLUSTER})
        for name, options, expected, *size in (
            ('complete', {}, True),
            ('marked as the only user', {'first': 3 * CLUSTER | 1 << 63,
                                         'cluster': 4 * CLUSTER | 1 << 63},
             True),
            ('the last cluster is short', {'length': _END - 1}, False),
            ('the last cluster need not be behind the end of the disk',
             {'length': _END - 5}, True, 8192 * CLUSTER - 5),
            ('the last cluster is missing', {'length': 4 * CLUSTER}, False),
            ('its second table is short', {'length': 4 * CLUSTER - 1},
             False),
            ('its second table is missing', {'length': 3 * CLUSTER}, False),
            ('its first table is missing', {'length': CLUSTER}, False),
            ('far behind the end', {'cluster': 1 << 50}, False),
            ('compressed clusters are for qemu-img',
             {'cluster': 1 << 62 | 1 << 50}, True),
            ('zeros have no place', {'cluster': 1 << 50 | 1}, True),
            ('a table where none can be', {'first': 3 * CLUSTER + 512},
             False),
            ('nothing in it', {'first': 0}, True),
        )]

    def test_is_complete(self):
        self.assertIs(self.expected,
                      is_complete(qcow2(**self.options), self.size))


class LimitsTestCase(base.TestCase):

    def changed(self, offset, layout, *values):
        content = bytearray(qcow2().getvalue())
        struct.pack_into(layout, content, offset, *values)
        return io.BytesIO(bytes(content))

    def test_numbers_out_of_range(self):
        for bits in (0, 8, 22, 1 << 31):
            self.assertFalse(is_complete(
                self.changed(20, '>I', bits)))
        self.assertFalse(is_complete(
            self.changed(36, '>I', (1 << 32) - 1)))

    def test_repeated_table_is_read_once(self):
        file = self.changed(36, '>I', CLUSTER // 8)
        file.seek(CLUSTER)
        file.write(struct.pack('>Q', 3 * CLUSTER) * (CLUSTER // 8))
        reads = []
        read = file.read
        file.read = lambda size: reads.append(size) or read(size)
        # One more than once: the last may be short.
        self.assertTrue(is_complete(file, CLUSTER // 8 * 8192 * CLUSTER))
        self.assertEqual([28, CLUSTER, CLUSTER, CLUSTER], reads)
