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


import hashlib
import os

import fixtures

from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import manifest
from tests.unit import base


class ParseTestCase(base.TestCase):

    def test_forms(self):
        for line, algorithm in (
                ('SHA256(disk.vmdk)= %s', 'sha256'),
                ('SHA256 (disk.vmdk) = %s', 'sha256'),
                ('SHA1(disk.vmdk)=%s', 'sha1'),
                ('sha1 ( disk.vmdk )= %s', 'sha1'),
                ('SHA512(./disk.vmdk)= %s', 'sha512'),
                ('SHA-256(disk.vmdk)= %s', 'sha256'),
                ('SHA384(disk.vmdk)= %s', 'sha384'),
                ('MD5(disk.vmdk)= %s', 'md5'),
                ('%s  disk.vmdk', 'sha256'), ('%s *disk.vmdk', 'sha1')):
            digest = hashlib.new(algorithm, b'x').hexdigest()
            for text in (line % digest, line % digest.upper() + '\r\n',
                         '\ufeff' + line % digest + '\n'):
                self.assertEqual({'disk.vmdk': (algorithm, digest)},
                                 manifest.parse(text.encode()), text)

    def test_names(self):
        for name in ('my disk.vmdk', 'a(1).vmdk', 'a)= b.vmdk', 'büro.vmdk'):
            digests = manifest.parse(('SHA1(%s)= 00\n' % name).encode())
            self.assertEqual({name: ('sha1', '00')}, digests)

    def test_other_lines(self):
        for text in (b'', b'# SHA1(a)= 00', b'SHA1(a)', b'CRC32(a)= 00',
                     b'\xff\xfe', b'00 a', b'SHA1(a)= xyz'):
            self.assertEqual({}, manifest.parse(text))


class FindMismatchTestCase(base.TestCase):

    def test_every_member_is_compared(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'a')
        with open(path, 'wb') as file:
            file.write(b'onetwo')
        members = {'one': file_slice.Span(0, 3), 'two': file_slice.Span(3, 3)}

        def digests_of(**texts):
            return {name: ('sha256', hashlib.sha256(text).hexdigest())
                    for name, text in texts.items()}

        for expected, digests in (
                (None, digests_of(one=b'one', two=b'two')),
                ('one', digests_of(one=b'two', two=b'two')),
                ('two', digests_of(one=b'one', two=b'one')),
                (None, digests_of(one=b'one')), (None, {}),
                (None, digests_of(three=b'one')),
                ('two', {'two': ('sha1', '00')})):
            self.assertEqual(expected, manifest.find_mismatch(
                path, digests, members, ['one', 'two']))
