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

"""Disks that would make the client upload another file of the user.

QEMU would read each of these files; only our own checks prevent that.
"""

import os
import shutil
import subprocess

import fixtures
import testtools

from nova_vmrun.cmd.image import convert
from nova_vmrun.cmd.image import disk_files
from nova_vmrun import exception
from tests.unit.cmd.image import vms
from tests.unit import vmdks

_SECRET = b'PRIVATE KEY'.ljust(1024, b'.')


class HostileVmsTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        if shutil.which('qemu-img') is None:
            self.skipTest('qemu-img is not installed')
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.key = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'key')
        with open(self.key, 'wb') as file:
            file.write(_SECRET)

    def disk(self, extents, create_type='monolithicFlat'):
        return vms.write_descriptor(self.folder, create_type=create_type,
                                    extents=extents)

    def check(self, path):
        """Show that QEMU would read the key, and that it is not asked to."""
        target = os.path.join(self.folder, 'read-by-qemu')
        subprocess.run(['qemu-img', 'convert', '-f', 'vmdk', '-O', 'raw',
                        path, target], check=True)
        with open(target, 'rb') as file:
            self.assertEqual(_SECRET, file.read())
        self.assertRaises(exception.InvalidVmdk, self.convert, path)
        self.assertFalse(os.path.exists(
            os.path.join(self.folder, 'disk.vmdk')))

    def convert(self, path):
        return convert.make_one_file(
            disk_files.follow(path), self.folder, convert.tool('qemu-img'))

    def test_a_descriptor_in_an_extent(self):
        inner = vmdks.descriptor(create_type='monolithicFlat',
                                 extents='RW 2 FLAT "%s" 0' % self.key)
        with open(os.path.join(self.folder, 'e-s001.vmdk'), 'wb') as file:
            file.write(vmdks.image(inner, sectors=0))
        for kind in ('SPARSE', 'VMFSSPARSE'):
            self.check(self.disk('RW 2 %s "e-s001.vmdk"' % kind,
                                 'twoGbMaxExtentSparse'))

    def test_a_symbolic_link(self):
        os.symlink(self.key, os.path.join(self.folder, 'e-flat.vmdk'))
        self.check(self.disk('RW 2 FLAT "e-flat.vmdk" 0'))

    def test_a_path(self):
        os.symlink(os.path.dirname(self.key),
                   os.path.join(self.folder, 'in'))
        for name in (self.key, os.path.relpath(self.key, self.folder),
                     'in/key'):
            self.check(self.disk('RW 2 FLAT "%s" 0' % name))

    def test_an_honest_one(self):
        with open(os.path.join(self.folder, 'e-flat.vmdk'), 'wb') as file:
            file.write(_SECRET)
        made = self.convert(self.disk('RW 2 FLAT "e-flat.vmdk" 0'))
        self.assertTrue(os.path.exists(made))
