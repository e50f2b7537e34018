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

"""Errors that only qemu-img finds, and the limits on its work."""

import os
import subprocess

from nova_vmrun import exception
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from tests.fixtures.hostile import hybrids
from tests.functional.api import base


class DamagedTestCase(base.TestCase):
    """Compressed data that is damaged in the middle."""

    def damaged(self, image_format, options):
        path = os.path.join(self.folder, 'whole')
        with open(path + '.raw', 'wb') as file:
            # It can be compressed, but not to nothing.
            file.write(os.urandom(1 << 19).hex().encode('ascii'))
        subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O',
                        image_format, *options, path + '.raw', path],
                       check=True)
        with open(path, 'r+b') as file:
            quarter = os.path.getsize(path) // 4
            file.seek(2 * quarter)
            file.write(bytes(quarter))
            file.seek(0)
            return file.read()

    def test_each_format(self):
        for image_format, options in (
                ('qcow2', ('-c',)),
                ('vmdk', ('-o', 'subformat=streamOptimized'))):
            image_id = self.add_image(image_format, content=self.damaged(
                image_format, options))
            server = self.boot(image_id, expected_state='ERROR')
            self.assertIn('qemu-img cannot read it as %s' % image_format,
                          self.fault(server))
            self.assertNotIn(self.folder, self.fault(server))
            self._delete_server(server)
            self.assertNothingLeft()
            self.assertEqual([], os.listdir(
                os.path.join(self.instances_path, '_base')))


class InstallerTestCase(base.TestCase):

    def test_an_iso_that_is_a_disk_too_is_an_ordinary_installer(self):
        image_id = self.add_image('iso', content=hybrids.installer())
        self.assertRunning(self.boot(image_id))


class LimitTestCase(base.TestCase):

    def test_a_disk_that_grows_beyond_its_size_is_ended(self):
        path = os.path.join(self.folder, 'bomb')
        with open(path + '.raw', 'wb') as file:
            file.write(b'7' * (64 << 20))
        subprocess.run(['qemu-img', 'convert', '-c', '-f', 'raw', '-O',
                        'qcow2', path + '.raw', path], check=True)
        self.assertLess(os.path.getsize(path), 1 << 20)
        tool = qemu_img.QemuImg(process.Runner(), 'qemu-img', 60)
        target = os.path.join(self.folder, 'made.vmdk')
        self.assertRaises(exception.ToolRefused, tool.convert_to_vmdk, path,
                          'qcow2', target, 4 << 20)
        self.assertLess(os.path.getsize(target), 6 << 20)
        os.remove(target)
        tool.convert_to_vmdk(path, 'qcow2', target, 64 << 20)
