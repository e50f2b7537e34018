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
import hashlib
import os
import tarfile
from unittest import mock

import fixtures
from oslo_utils import units
import testscenarios

from nova_vmrun.bench import measure
from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import ova
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks


class Base(base.TestCase):

    def write(self, content):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'image')
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def disk(self, path, wanted=None):
        return ova.find_disk(ova.read(path, 'id'), 'id', wanted)

    def inspect(self, path, **options):
        return inspector.inspect(
            path, inspector.Image('id', 'vmdk', 'ova', **options),
            ['monolithicSparse'])

    def refused(self, words, content, *wanted):
        path = self.write(content)
        error = self.assertRaises(exception.ImageRefused, self.disk, path,
                                  *wanted)
        self.assertIn(words, error.reason)
        self.assertTrue(error.resolution)
        self.assertNotIn(path, str(error))
        return error


class FoundTestCase(Base):

    def test_the_disk_that_the_descriptor_names(self):
        disk = vmdks.image(sectors=4096)
        path = self.write(images.tar([
            ('vm.ovf', images.ovf([('a', 'other.iso', ''),
                                   ('b', 'disk.vmdk', '')], ['b'])),
            ('vm.mf', b'SHA1(disk.vmdk)= 0'),
            ('other.iso', b'other'), ('disk.vmdk', disk)]))
        offset, length = self.disk(path).span_in_place
        with open(path, 'rb') as file:
            file.seek(offset)
            self.assertEqual(disk, file.read(length))

    def test_it_is_inspected_where_it_lies(self):
        path = self.write(images.tar([('vm.ovf', images.ovf()),
                                      ('disk.vmdk', vmdks.image())]))
        content = self.inspect(path)
        self.assertEqual(self.disk(path).span_in_place, content.span)
        self.assertEqual(('vmdk', 1 << 20, None),
                         (content.format, content.size, content.unpacked_path))
        self.assertEqual([path], _files(path))

    def test_a_disk_within_is_no_safer_than_one_alone(self):
        path = self.write(images.tar([
            ('vm.ovf', images.ovf()),
            ('disk.vmdk', vmdks.image(vmdks.descriptor(
                parent_cid='12345678')))]))
        error = self.assertRaises(exception.ImageRefused, self.inspect, path)
        self.assertIn('child of another disk', error.reason)

    def test_names(self):
        for href, member in (
                ('my%20disk.vmdk', 'my disk.vmdk'),
                ('my disk.vmdk', 'my disk.vmdk'),
                ('100%.vmdk', '100%.vmdk'), ('a%20b.vmdk', 'a%20b.vmdk'),
                ('./disk.vmdk', 'disk.vmdk'), ('disk.vmdk', './disk.vmdk'),
                ('b%C3%BCro.vmdk', 'büro.vmdk'),
                ('büro.vmdk', 'bu\u0308ro.vmdk')):
            path = self.write(images.tar([
                ('./vm.ovf', images.ovf([('file1', href, '')])),
                (member, vmdks.image())]))
            self.assertEqual(1 << 20, self.inspect(path).size, href)

    def test_the_only_disk_with_content(self):
        for ovf in (
                images.ovf(disks=('', 'file1')),
                images.ovf(disks=('file1', '')),
                images.ovf([('a', 'disk.vmdk', ''), ('b', 'b.vmdk', '')],
                           ['b', 'a']).replace(
                    b'ovf:fileRef="b"',
                    b'ovf:fileRef="b" ovf:populatedSize="0"')):
            path = self.write(images.tar([
                ('vm.ovf', ovf), ('disk.vmdk', b'1'), ('b.vmdk', b'2')]))
            self.assertEqual(('disk.vmdk',), self.disk(path).names)

    def test_one_of_several_disks(self):
        text = images.ovf([('a', 'one%20a.vmdk', ''), ('b', 'two.vmdk', '')],
                          ['a', 'b']).replace(
            b'diskId="d"', b'diskId="d1"', 1).replace(
            b'diskId="d"', b'diskId="d2"')
        content = images.tar([('vm.ovf', text), ('one a.vmdk', b'1'),
                              ('two.vmdk', vmdks.image())])
        error = self.refused('2 disks (d1: one%20a.vmdk, d2: two.vmdk)',
                             content)
        self.assertIn('vmrun_ova_disk', error.resolution)
        path = self.write(content)
        for wanted, name in (('d1', 'one a.vmdk'), ('d2', 'two.vmdk'),
                             ('one%20a.vmdk', 'one a.vmdk'),
                             ('one a.vmdk', 'one a.vmdk'),
                             ('two.vmdk', 'two.vmdk')):
            self.assertEqual((name,), self.disk(path, wanted).names)
        error = self.refused('no disk x', content, 'x')
        self.assertIn('d1: one%20a.vmdk', error.resolution)
        self.assertEqual(1 << 20, self.inspect(path, ova_disk='d2').size)


class UnpackedTestCase(Base):

    def check(self, *members):
        path = self.write(images.tar(members))
        content = self.inspect(path)
        self.assertEqual(1 << 20, content.size)
        self.assertIsNone(content.span)
        with open(content.unpacked_path, 'rb') as file:
            self.assertEqual(vmdks.image(), file.read())
        self.assertEqual([path, content.unpacked_path], _files(path))

    def test_gzip(self):
        ovf = images.ovf([('file1', 'disk.vmdk.gz',
                           'ovf:compression="gzip"')])
        disk = vmdks.image()
        packed = gzip.compress(disk)
        for content in (packed, packed + bytes(99),
                        gzip.compress(disk[:999]) +
                        gzip.compress(disk[999:])):
            self.check(('vm.ovf', ovf), ('disk.vmdk.gz', content))

    def test_pieces(self):
        disk = vmdks.image()
        ovf = images.ovf([('file1', 'disk.vmdk', 'ovf:size="%d" '
                           'ovf:chunkSize="5000"' % len(disk))])
        self.check(('vm.ovf', ovf), *(
            ('disk.vmdk.%09d' % (start // 5000), disk[start:start + 5000])
            for start in range(0, len(disk), 5000)))

    def test_pieces_of_gzip(self):
        packed = gzip.compress(vmdks.image())
        ovf = images.ovf([('file1', 'disk.vmdk', 'ovf:chunkSize="100" '
                           'ovf:compression="gzip"')])
        self.check(('vm.ovf', ovf), *(
            ('disk.vmdk.%09d' % (start // 100), packed[start:start + 100])
            for start in range(0, len(packed), 100)))

    def test_one_piece_is_read_in_place(self):
        ovf = images.ovf([('file1', 'disk.vmdk', 'ovf:chunkSize="%d"'
                           % units.Gi)])
        path = self.write(images.tar([
            ('vm.ovf', ovf), ('disk.vmdk.000000000', vmdks.image())]))
        self.assertIsNone(self.inspect(path).unpacked_path)

    def test_a_full_disk(self):
        ovf = images.ovf([('file1', 'disk.vmdk', 'ovf:compression="gzip"')])
        path = self.write(images.tar([
            ('vm.ovf', ovf), ('disk.vmdk', gzip.compress(vmdks.image()))]))
        with mock.patch.object(space, 'of_instances',
                               return_value=space.FileSystem('It', 1000, 0)):
            self.assertRaises(exception.DiskFull, self.inspect, path)
        self.assertEqual([path], _files(path))


class ManifestTestCase(Base):

    def make(self, line, name='vm.mf', disk=None):
        return self.write(images.tar([
            ('vm.ovf', images.ovf()), (name, line),
            ('disk.vmdk', disk or vmdks.image()), ('b.iso', b'b')]))

    def test_right(self):
        digest = hashlib.sha256(vmdks.image()).hexdigest().encode()
        for name in ('vm.mf', 'VM.MF', 'other.mf'):
            self.inspect(self.make(b'SHA256(disk.vmdk)= ' + digest, name))

    def test_wrong(self):
        digest = hashlib.sha256(b'another').hexdigest().encode()
        for member in (b'disk.vmdk', b'vm.ovf'):
            for name in ('vm.mf', 'other.mf'):
                error = self.assertRaises(
                    exception.ImageRefused, self.inspect, self.make(
                        b'SHA256(%s)= %s' % (member, digest), name))
                self.assertIn(member.decode(), error.reason)
                self.assertIn('manifest', error.reason)

    def test_unused_members_are_not_compared(self):
        self.inspect(self.make(b'SHA1(b.iso)= 00\nSHA1(not-there)= 00'))

    def test_disk_is_read_once(self):
        """The disk is read once; without a manifest it is not."""
        disk = vmdks.image().ljust(8 * units.Mi, b'x')
        digest = hashlib.sha1(disk).hexdigest().encode()
        for line, least, most in (
                (b'SHA1(disk.vmdk)= ' + digest, 8, 10),
                (b'SHA1(other)= 00', 0, 2)):
            path = self.make(line, disk=disk)
            with measure.cost() as cost:
                self.inspect(path)
            self.assertTrue(
                least * units.Mi <= cost.read <= most * units.Mi, cost.read)


def _files(path):
    folder = os.path.dirname(path)
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


_OVF = ('vm.ovf', images.ovf())
_DISK = ('disk.vmdk', b'disk')


class RefusedTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'words': words})
        for name, content, words in (
            ('no tar', b'text' * 500, 'An OVA is a tar file'),
            ('nothing', b'', 'not an OVF descriptor'),
            ('no descriptor', images.tar([_DISK]), 'not an OVF descriptor'),
            ('cut off', images.tar([_OVF, ('disk.vmdk', bytes(9999))])[:6000],
             'truncated'),
            ('up and away', images.tar([
                ('vm.ovf', images.ovf([('file1', '../disk.vmdk', '')])),
                ('../disk.vmdk', b'')]), 'is a path'),
            ('up and away on Windows', images.tar([
                _OVF, ('..\\disk.vmdk', b'')]), 'is a path'),
            ('link', images.tar([_OVF, ('disk.vmdk', b'', {
                'type': tarfile.SYMTYPE, 'linkname': '/etc/shadow'})]),
             'not a plain file'),
            ('long name', images.tar([_OVF, ('a', b'', {
                'type': tarfile.GNUTYPE_LONGNAME})]), 'not a plain file'),
            ('twice', images.tar([_OVF, _DISK, _DISK]), 'twice'),
            ('too many', images.tar([_OVF] + [
                ('f%d' % number, b'') for number in range(101)]),
             'too many'),
            ('two disks', images.tar([
                ('vm.ovf', images.ovf(disks=('file1', 'file1'))), _DISK]),
             '2 disks'),
            ('no disk', images.tar([('vm.ovf', images.ovf(disks=()))]),
             '0 disks'),
            ('missing disk', images.tar([_OVF]), 'does not contain the disk'),
            ('disk without file', images.tar([
                ('vm.ovf', images.ovf(disks=('file2',))), _DISK]),
             'has no file'),
            ('compressed with another program', images.tar([
                ('vm.ovf', images.ovf([('file1', 'disk.vmdk',
                                        'ovf:compression="bzip2"')])),
                _DISK]), 'compressed with bzip2'),
            ('the descriptor last', images.tar([_DISK, _OVF]),
             'not an OVF descriptor'),
            ('folder', images.tar([('vm/vm.ovf', b''), ('vm/disk.vmdk', b'')
                                   ]), 'is a path'),
            ('entities', images.tar([
                ('vm.ovf', b'<!DOCTYPE a [<!ENTITY b "c">]>' + images.ovf()),
                _DISK]), 'entities'),
            ('entities in another encoding', images.tar([
                ('vm.ovf', ('<!DOCTYPE a [<!ENTITY b "c">]>' +
                            images.ovf().decode()).encode('utf-16')),
                _DISK]), 'entities'),
            ('no XML', images.tar([('vm.ovf', b'text'), _DISK]),
             'well-formed'),
            ('large descriptor', images.tar([
                ('vm.ovf', bytes(2 << 20)), _DISK]), 'larger than 1 MiB'),
        )]

    def test_refused(self):
        self.refused(self.words, self.content)
