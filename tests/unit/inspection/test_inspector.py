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

import gzip
import lzma
import os
import struct

import fixtures
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.inspection import inspector
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks

CREATE_TYPES = ('streamOptimized', 'monolithicSparse')
_DESCRIPTOR_AT = 512


class Base(base.TestCase):

    def inspect(self, content, disk_format, **says):
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')
        with open(self.path, 'wb') as file:
            file.write(content)
        return inspector.inspect(
            self.path, inspector.Image('image-id', disk_format, **says),
            CREATE_TYPES)


def _streamed(sectors=2048, footer_sectors=2048):
    """The grain directory is found by a header at the end of the file."""
    return vmdks.with_footer(vmdks.image(vmdks.descriptor(
        create_type='streamOptimized'), sectors=sectors), footer_sectors)


class AcceptedTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'disk_format': disk_format,
                'size': size})
        for name, content, disk_format, size in (
            ('qcow2', images.qcow2(5 * units.Gi), 'qcow2', 5 * units.Gi),
            ('qcow2 with zstd', images.qcow2(features=images.COMPRESSION),
             'qcow2', units.Mi),
            ('raw', b'content'.ljust(70000, b'\0'), 'raw', 70000),
            ('raw that begins with zeros', bytes(70000), 'raw', 70000),
            ('raw with partitions', images.partitioned(), 'raw', units.Mi),
            ('vmdk', vmdks.image(sectors=4096), 'vmdk', 2 * units.Mi),
            ('streamed vmdk', _streamed(), 'vmdk', units.Mi),
            ('vmdk with names in another encoding', vmdks.image(
                vmdks.descriptor('BÜRO-encoded.vmdk',
                                 extra='encoding="Shift_JIS"').replace(
                    'BÜRO', '仮想ソ'), encoding='cp932'), 'vmdk', units.Mi),
            ('vmdk with a full descriptor', vmdks.image(
                vmdks.descriptor().ljust(20 * 512, '\n')), 'vmdk',
             units.Mi),
        )]

    def test_format_and_size(self):
        self.assertEqual(
            inspector.Content(self.disk_format, self.size),
            self.inspect(self.content, self.disk_format))


class WhatElseIsADiskTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'says': says, 'expected': expected})
        for name, content, says, expected in (
            ('dynamic vhd', images.vhd(3 * units.Mi),
             {'disk_format': 'vhd'},
             inspector.Content('vpc', 3 * units.Mi)),
            ('fixed vhd', bytes(units.Mi) + images.vhd_footer(kind=2),
             {'disk_format': 'vhd'}, inspector.Content('vpc', units.Mi)),
            ('extent of ESX', bytes(units.Mi), {'disk_format': 'vmdk'},
             inspector.Content('raw', units.Mi)),
            ('extent of ESX that says so', images.partitioned(),
             {'disk_format': 'vmdk', 'disk_type': 'thin'},
             inspector.Content('raw', units.Mi)),
            ('extent that is declared raw', bytes(units.Mi),
             {'disk_format': 'raw', 'disk_type': 'preallocated'},
             inspector.Content('raw', units.Mi)),
            ('vmdk of VMware for IDE', vmdks.image(vmdks.descriptor(
                adapter='ide', extra='ddb.longContentID = "%032x"' % 1)),
             {'disk_format': 'vmdk'},
             inspector.Content('vmdk', units.Mi, adapter='ide')),
            ('vmdk of qemu-img for IDE', vmdks.image(vmdks.descriptor(
                adapter='ide')), {'disk_format': 'vmdk'},
             inspector.Content('vmdk', units.Mi)),
            ('vmdk of VMware for SATA', vmdks.image(vmdks.descriptor(
                adapter='lsilogic', extra='ddb.uuid = "60 00"')),
             {'disk_format': 'vmdk'}, inspector.Content('vmdk', units.Mi)),
        )]

    def test_content(self):
        self.assertEqual(self.expected,
                         self.inspect(self.content, **self.says))


class NotADiskTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'says': says, 'words': words})
        for name, content, says, words in (
            ('differencing vhd', images.vhd_footer(kind=4).ljust(70000),
             {'disk_format': 'vhd'}, 'child of another disk'),
            ('no vhd', bytes(units.Mi), {'disk_format': 'vhd'},
             'content is zeros'),
            ('extent that should be sparse', bytes(units.Mi),
             {'disk_format': 'vmdk', 'disk_type': 'sparse'},
             'content is zeros'),
            ('sparse extent of ESX', b'COWD'.ljust(70000),
             {'disk_format': 'vmdk'}, 'an extent of an ESX disk'),
            ('compressed disk', gzip.compress(images.partitioned()),
             {'disk_format': 'raw'}, 'compressed with gzip'),
            ('compressed extent', lzma.compress(images.partitioned()),
             {'disk_format': 'vmdk'}, 'compressed with xz'),
            ('web page', b'<!DOCTYPE html>\n<html><body>404</body></html>',
             {'disk_format': 'raw'}, 'a web page'),
            ('fixed vhd of another kind', images.vhd_footer(kind=4),
             {'disk_format': 'raw'}, 'content is vhd'),
            ('larger than any disk', images.qcow2(size=1 << 60),
             {'disk_format': 'qcow2'}, str(1 << 60)),
            ('empty', b'', {'disk_format': 'raw'}, 'is empty'),
        )]

    def test_refused(self):
        error = self.assertRaises(exception.ImageRefused, self.inspect,
                                  self.content, **self.says)
        self.assertIn(self.words, error.reason)


def _parent_behind_the_descriptor():
    """The header announces one sector, and the next one names a parent."""
    content = bytearray(vmdks.image(descriptor_sectors=1))
    text = vmdks.descriptor().encode('ascii')
    text += b'#'.ljust(511 - len(text), b'x') + b'\n'
    text += b'parentFileNameHint="/etc/shadow"\n'
    content[_DESCRIPTOR_AT:_DESCRIPTOR_AT + len(text)] = text
    return bytes(content)


def _descriptor_elsewhere():
    """QEMU always reads the second sector, whatever the header tells."""
    content = bytearray(vmdks.image(descriptor_sectors=20))
    content[28:36] = struct.pack('<Q', 2)
    return bytes(content)


def _vmdk(**fields):
    return vmdks.image(vmdks.descriptor(**fields))


class RefusedTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'disk_format': disk_format,
                'words': words})
        for name, content, disk_format, words in (
            ('qcow2 as raw', images.qcow2(), 'raw',
             'disk_format is raw but its content is qcow2'),
            ('raw as qcow2', bytes(70000), 'qcow2',
             'disk_format is qcow2 but its content is zeros'),
            ('partitions as qcow2', images.partitioned(), 'qcow2',
             'content is a raw disk (boot sector)'),
            ('vmdk as raw', vmdks.image(), 'raw', 'content is vmdk'),
            ('empty as qcow2', b'', 'qcow2', 'is empty'),
            ('qcow2 and more', images.qcow2()[:510] + b'\x55\xaa' +
             bytes(70000), 'qcow2', 'several formats at once'),
            ('no format of ours', b'', 'ami', 'disk_format is ami'),
            ('backing file', images.qcow2(backing_file=b'/etc/shadow'),
             'qcow2', 'backing_file'),
            ('data file', images.qcow2(features=images.DATA_FILE), 'qcow2',
             'data_file'),
            ('a feature of tomorrow', images.qcow2(features=1 << 20),
             'qcow2', 'unknown_features'),
            ('an old qcow', images.qcow2(version=1), 'qcow2',
             'unknown_features'),
            ('child vmdk', _vmdk(parent_cid='12345678'), 'vmdk',
             'child of another disk'),
            ('vmdk with a parent in a comment', _vmdk(
                extra='# parentFileNameHint="/etc/shadow"'), 'vmdk',
             'names a parent'),
            ('vmdk with a parent in its database', _vmdk(
                extra='ddb.a = "x parentFileNameHint="/etc/shadow"'), 'vmdk',
             'names a parent'),
            ('vmdk with a parent that we read as Japanese', vmdks.image(
                vmdks.descriptor(extra='encoding="Shift_JIS"\n'
                                 'ddb.a = "ﾀparentFileNameHint="x'),
                encoding='cp932'), 'vmdk', 'names a parent'),
            ('vmdk in an encoding that moves lines', _vmdk(
                extra='encoding="UTF-7"'), 'vmdk', 'UTF-7'),
            ('vmdk with a parent behind its descriptor',
             _parent_behind_the_descriptor(), 'vmdk',
             'child of another disk'),
            ('vmdk with another descriptor', _descriptor_elsewhere(), 'vmdk',
             'descriptor'),
            ('streamed vmdk that is larger in the end',
             _streamed(footer_sectors=1 << 30), 'vmdk',
             'different capacities'),
            ('vmdk with content elsewhere', _vmdk(
                extents='RW 2048 SPARSE "C:\\secret.vmdk"'), 'vmdk',
             'content in another file'),
            ('vmdk in two files', _vmdk(
                extents='RW 1 SPARSE "a.vmdk"\nRW 1 SPARSE "b.vmdk"'),
             'vmdk', '2 extents'),
            ('vmdk of another type', _vmdk(create_type='monolithicFlat'),
             'vmdk', 'descriptor'),
            ('vmdk of no capacity', vmdks.image(sectors=0), 'vmdk',
             'no capacity'),
            ('text that describes a disk in Chinese',
             '# Disk DescriptorFile\nencoding="GBK"\n'
             'createType="monolithicFlat"\nRW 2048 FLAT "虚" 0\n'.encode(
                 'gbk'), 'vmdk', ''),
            ('text that describes a disk',
             b'# Disk DescriptorFile\ncreateType="monolithicFlat"\n'
             b'RW 2048 FLAT "/etc/shadow" 0\n', 'vmdk', ''),
        )]

    def test_refused(self):
        error = self.assertRaises(exception.ImageRefused, self.inspect,
                                  self.content, self.disk_format)
        self.assertIn(self.words, error.reason)
        self.assertEqual('image-id', error.image_id)
        # A tenant reads this.
        self.assertNotIn(os.path.dirname(self.path), str(error))


class CreateTypesTestCase(Base):

    def test_an_operator_may_allow_fewer(self):
        self.inspect(vmdks.image(), 'vmdk')
        error = self.assertRaises(
            exception.ImageRefused, inspector.inspect, self.path,
            inspector.Image('image-id', 'vmdk'), ['streamOptimized'])
        self.assertIn("'monolithicSparse' are not accepted", error.reason)
