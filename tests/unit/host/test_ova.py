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
import tarfile

import fixtures
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import inspection
from nova_vmrun.host import ova
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks


class Base(base.TestCase):

    def write(self, content):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'image')
        with open(path, 'wb') as file:
            file.write(content)
        return path


class FoundTestCase(Base):

    def test_the_disk_that_the_descriptor_names(self):
        disk = vmdks.image(sectors=4096)
        path = self.write(images.tar([
            ('vm.ovf', images.ovf([('a', 'other.iso', ''),
                                   ('b', 'disk.vmdk', '')], ['b'])),
            ('vm.mf', b'SHA1(disk.vmdk)= 0'),
            ('other.iso', b'other'), ('disk.vmdk', disk)]))
        offset, length = ova.find_disk(path, 'id')
        with open(path, 'rb') as file:
            file.seek(offset)
            self.assertEqual(disk, file.read(length))

    def test_it_is_inspected_where_it_lies(self):
        path = self.write(images.tar([('vm.ovf', images.ovf()),
                                      ('disk.vmdk', vmdks.image())]))
        image = inspection.Image('id', 'vmdk', 'ova')
        content = inspection.inspect(path, image, ['monolithicSparse'])
        self.assertEqual(ova.find_disk(path, 'id'), content.span)
        self.assertEqual(('vmdk', 1 << 20), (content.format, content.size))

    def test_a_disk_within_is_no_safer_than_one_alone(self):
        path = self.write(images.tar([
            ('vm.ovf', images.ovf()),
            ('disk.vmdk', vmdks.image(vmdks.descriptor(
                parent_cid='12345678')))]))
        error = self.assertRaises(
            exception.ImageRefused, inspection.inspect, path,
            inspection.Image('id', 'vmdk', 'ova'), ['monolithicSparse'])
        self.assertIn('child of another disk', error.reason)


_OVF = ('vm.ovf', images.ovf())
_DISK = ('disk.vmdk', b'disk')


class RefusedTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'words': words})
        for name, content, words in (
            ('no tar', b'text' * 500, 'no tar file'),
            ('nothing', b'', 'no OVF descriptor'),
            ('no descriptor', images.tar([_DISK]), 'no OVF descriptor'),
            ('cut off', images.tar([_OVF, ('disk.vmdk', bytes(9999))])[:6000],
             'cut off'),
            ('up and away', images.tar([
                ('vm.ovf', images.ovf([('file1', '../disk.vmdk', '')])),
                ('../disk.vmdk', b'')]), 'is a path'),
            ('up and away on Windows', images.tar([
                _OVF, ('..\\disk.vmdk', b'')]), 'is a path'),
            ('link', images.tar([_OVF, ('disk.vmdk', b'', {
                'type': tarfile.SYMTYPE, 'linkname': '/etc/shadow'})]),
             'no plain file'),
            ('long name', images.tar([_OVF, ('a', b'', {
                'type': tarfile.GNUTYPE_LONGNAME})]), 'no plain file'),
            ('twice', images.tar([_OVF, _DISK, _DISK]), 'twice'),
            ('too many', images.tar([_OVF] + [
                ('f%d' % number, b'') for number in range(101)]),
             'too many'),
            ('two disks', images.tar([
                ('vm.ovf', images.ovf(disks=('file1', 'file1'))), _DISK]),
             '2 disks'),
            ('no disk', images.tar([('vm.ovf', images.ovf(disks=()))]),
             '0 disks'),
            ('missing disk', images.tar([_OVF]), 'does not hold the disk'),
            ('disk without file', images.tar([
                ('vm.ovf', images.ovf(disks=('file2',))), _DISK]),
             'has no file'),
            ('compressed', images.tar([
                ('vm.ovf', images.ovf([('file1', 'disk.vmdk',
                                        'ovf:compression="gzip"')])),
                _DISK]), 'compressed'),
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
        path = self.write(self.content)
        error = self.assertRaises(exception.ImageRefused, ova.find_disk,
                                  path, 'id')
        self.assertIn(self.words, error.reason)
        self.assertNotIn(path, str(error))
