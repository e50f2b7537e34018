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

from nova_vmrun.host import x_libraries
from tests.unit import base


class MissingTestCase(base.TestCase):

    def missing(self, cache, platform='linux'):
        root = self.useFixture(fixtures.TempDir()).path
        os.mkdir(root + '/etc')
        if cache is not None:
            with open(root + '/etc/ld.so.cache', 'wb') as file:
                file.write(cache)
        return x_libraries.missing_libraries(root, platform)

    def test_host_without_desktop(self):
        found = self.missing(b'libc.so.6\0libXi.so.6\0')
        self.assertEqual(['libXinerama.so.1', 'libXcursor.so.1',
                          'libXtst.so.6', 'libXrender.so.1'], found)
        self.assertIn('apt-get install libxinerama1',
                      x_libraries.describe(found))

    def test_host_with_desktop(self):
        self.assertEqual([], self.missing(
            b''.join(name.encode() + b'\0'
                     for name in x_libraries._LIBRARIES)))

    def test_other_versions_of_a_library(self):
        root = self.useFixture(fixtures.TempDir()).path
        self.assertIsNone(x_libraries.has('libaio.so.1', root))
        os.mkdir(root + '/etc')
        with open(root + '/etc/ld.so.cache', 'wb') as file:
            file.write(b'libaio.so.1t64\0libXi.so.6\0')
        self.assertFalse(x_libraries.has('libaio.so.1', root))
        self.assertTrue(x_libraries.has('libXi.so.6', root))

    def test_unknown(self):
        self.assertEqual([], self.missing(None))
        self.assertEqual([], self.missing(b'', 'darwin'))
