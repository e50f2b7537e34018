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
import tarfile

import testscenarios

from nova_vmrun.inspection import tar_members
from tests.unit import base
from tests.unit import images

_LONG = 'a long name of a disk ' * 8 + '.vmdk'
_CONTENT = {'vm.ovf': b'descriptor', 'disk.vmdk': b'd' * 700}


class FoundTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """Archives as Python, GNU tar and the products write them."""

    scenarios = [
        (name, {'members': members, 'form': form, 'options': options})
        for name, members, form, options in (
            ('ustar', _CONTENT, tarfile.USTAR_FORMAT, {}),
            ('GNU', _CONTENT, tarfile.GNU_FORMAT, {}),
            ('pax', _CONTENT, tarfile.PAX_FORMAT, {}),
            ('pax with a comment for all', _CONTENT, tarfile.PAX_FORMAT,
             {'pax_headers': {'comment': 'made by a tool'}}),
            ('GNU, long name', {_LONG: b'x'}, tarfile.GNU_FORMAT, {}),
            ('pax, long name', {_LONG: b'x'}, tarfile.PAX_FORMAT, {}),
            ('ustar, umlauts', {'büro.vmdk': b'x'}, tarfile.USTAR_FORMAT,
             {}),
            ('pax, umlauts', {'büro 虚.vmdk': b'x'}, tarfile.PAX_FORMAT, {}),
            ('blank', {'my disk.vmdk': b'x'}, tarfile.USTAR_FORMAT, {}),
            ('nothing', {}, tarfile.USTAR_FORMAT, {}))]

    def find(self, data):
        found = tar_members.find_members(io.BytesIO(data))
        return {name: data[offset:offset + length]
                for name, (offset, length) in found.items()}

    def test_content(self):
        for change in ({}, {'mtime': 1700000000.5}):
            data = images.tar([(*each, change) for each in
                               self.members.items()], self.form,
                              **self.options)
            self.assertEqual(self.members, self.find(data))

    def test_named_in_the_folder(self):
        for prefix in ('./', './/', '././'):
            data = images.tar([(prefix + name, content) for name, content in
                               self.members.items()], self.form,
                              **self.options)
            self.assertEqual(self.members, self.find(data))

    def test_the_folder_itself_is_no_member(self):
        data = images.tar([('./', b'', {'type': tarfile.DIRTYPE}), *[
            ('./' + name, content) for name, content in
            self.members.items()]], self.form, **self.options)
        self.assertEqual(self.members, self.find(data))


class SizeTestCase(base.TestCase):

    def test_sizes_behind_what_ustar_has_digits_for(self):
        size = 9 << 30
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            info = tarfile.TarInfo('disk.vmdk')
            info.size = size
            head = info.tobuf(form)
            file = _Endless(head)
            self.assertEqual({'disk.vmdk': (len(head), size)},
                             tar_members.find_members(file))

    def test_composed_names(self):
        """Fusion runs on a file system that takes letters apart."""
        self.assertEqual('b\u00fcro',
                         tar_members.normalize_name('./bu\u0308ro'))


class _Endless(io.BytesIO):
    """A file with zeros behind its content, of 10 GiB."""

    def seek(self, offset, whence=0):
        if whence == 2:
            return 10 << 30
        return super().seek(offset, whence)


class IsTarTestCase(base.TestCase):

    def test_archives(self):
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT,
                     tarfile.PAX_FORMAT):
            self.assertTrue(tar_members.is_tar(
                images.tar([('a', b'')], form)))

    def test_before_posix(self):
        """The oldest tar had neither magic nor version."""
        head = bytearray(images.tar([('a', b'')])[:512])
        head[257:265] = bytes(8)
        head[148:156] = b'%06o\0 ' % (sum(head[:148] + head[156:]) + 8 * 32)
        self.assertTrue(tar_members.is_tar(bytes(head)))

    def test_others(self):
        for content in (b'', b'x' * 512, bytes(512), images.qcow2(),
                        images.partitioned()):
            self.assertFalse(tar_members.is_tar(content))
