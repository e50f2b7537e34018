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

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import checksums
from nova_vmrun import exception
from tests.unit import base

A = 64 * 'a'
B = 64 * 'b'
LIST = catalogue.ChecksumFormat.LIST
SINGLE = catalogue.ChecksumFormat.SINGLE


def find(text, form=LIST, algorithm='sha256', name='image.qcow2'):
    return checksums.find(text, form, algorithm, name)


class ListTestCase(base.TestCase):

    def refused(self, text, **arguments):
        return str(self.assertRaises(
            exception.InvalidInput, find, text, **arguments))

    def test_digest_before_the_name(self):
        for line in ('%s  image.qcow2', '%s *image.qcow2',
                     '%s  ./image.qcow2', '  %s  image.qcow2\r'):
            self.assertEqual(A, find('%s  other\n%s\n' % (B, line % A)), line)

    def test_name_before_the_digest(self):
        self.assertEqual(A, find('SHA256 (other) = %s\n'
                                 'SHA256 (image.qcow2) = %s\n' % (B, A)))

    def test_signed_list(self):
        self.assertEqual(A, find(
            '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n'
            '# image.qcow2: 5 bytes\nSHA256 (image.qcow2) = %s\n'
            '-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n' % A))

    def test_several_algorithms(self):
        text = 'MD5 (image.qcow2) = %s\nSHA512 (image.qcow2) = %s\n' % (
            32 * 'c', 128 * 'd')
        self.assertEqual(128 * 'd', find(text, algorithm='sha512'))
        self.assertEqual(32 * 'c', find(text, algorithm='md5'))
        self.assertIn('no checksum', self.refused(text))

    def test_case_of_digits(self):
        self.assertEqual(A, find('%s  image.qcow2' % A.upper()))

    def test_only_the_exact_name_counts(self):
        for name in ('image.qcow2.xz', 'old/image.qcow2', 'my-image.qcow2',
                     'IMAGE.qcow2', ''):
            self.assertIn('no checksum', self.refused(
                '%s  %s\n' % (A, name)))

    def test_digest_of_the_wrong_length(self):
        self.refused('%s  image.qcow2' % A[:-1])

    def test_contradiction(self):
        self.assertIn('several checksums', self.refused(
            '%s  image.qcow2\n%s  image.qcow2\n' % (A, B)))

    def test_repetition(self):
        self.assertEqual(A, find(2 * ('%s  image.qcow2\n' % A)))

    def test_page_instead_of_a_list(self):
        self.refused('<html><body>404 Not Found</body></html>')

    def test_digest_without_a_name(self):
        self.refused(A)


class SingleTestCase(base.TestCase):

    def test_each_form(self):
        for text in (A, A + '\n', '%s  build-1.2.qcow2\n' % A,
                     '# image.qcow2: 5 bytes\nSHA256 (image.qcow2) = %s' % A):
            self.assertEqual(A, find(text, SINGLE), text)

    def test_several(self):
        self.assertRaises(exception.InvalidInput, find,
                          '%s  a\n%s  b\n' % (A, B), SINGLE)

    def test_none(self):
        self.assertRaises(exception.InvalidInput, find, 'x', SINGLE)
