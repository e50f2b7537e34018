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

"""Unit tests for the conversion of a disk to a single file."""

import os
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun.cmd.image import convert
from nova_vmrun.cmd.image import disk_files
from nova_vmrun import exception
from nova_vmrun.tools import qemu_img
from tests.unit import base
from tests.unit.cmd.image import vms
from tests.unit import stubs
from tests.unit import vmdks


class ConvertTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.work = self.useFixture(fixtures.TempDir()).path
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_chain.side_effect = self._convert
        self.sectors = 2 * vmdks.SECTORS
        self.free = units.Ti
        self.useFixture(fixtures.MonkeyPatch(
            'shutil.disk_usage', lambda folder: mock.Mock(
                free=self.free if folder == self.work else 0)))

    def _convert(self, chain, adapter, target):
        vmdks.write(target, create_type='streamOptimized',
                    sectors=self.sectors)

    def disk(self, **options):
        return disk_files.follow(vms.write_split(self.folder, **options))

    def convert(self, disk):
        return convert.make_one_file(disk, self.work, self.qemu_img)

    def test_copy_is_in_the_work_folder(self):
        disk = self.disk()
        path = self.convert(disk)
        self.assertEqual(os.path.join(self.work, 'disk.vmdk'), path)
        self.qemu_img.convert_chain.assert_called_once_with(
            disk.chain, 'lsilogic', path)

    def test_controller_that_vmware_recorded(self):
        for options, adapter in (
                ({'adapter': 'ide', 'extra': 'ddb.uuid = "60 00"'}, 'ide'),
                ({'adapter': 'ide'}, 'lsilogic')):
            self.convert(self.disk(**options))
            self.assertEqual(adapter,
                             self.qemu_img.convert_chain.call_args.args[1])

    def test_incomplete_copy(self):
        self.sectors -= 1
        disk = self.disk()
        error = self.assertRaises(exception.InvalidVmdk, self.convert, disk)
        self.assertIn(disk.chain[0], error.brief)

    def test_disk_that_changes(self):
        disk = self.disk()

        def convert_and_write(*args):
            self._convert(*args)
            with open(disk.files[-1], 'ab') as file:
                file.write(b'of the guest')

        self.qemu_img.convert_chain.side_effect = convert_and_write
        error = self.assertRaises(exception.DiskChanged, self.convert, disk)
        self.assertIn('Shut the guest down', error.resolution)

    def _refused(self, disk):
        error = self.assertRaises(exception.DiskFull, self.convert, disk)
        self.assertIn(disk.chain[0], error.brief)
        self.assertIn(self.work, error.details)
        self.assertIn('--work-dir', error.resolution)
        self.assertFalse(self.qemu_img.convert_chain.called)

    def test_space_for_the_allocated_bytes_and_a_reserve(self):
        disk = self.disk()
        self.assertLess(disk.allocated, disk.size)
        self.free = 64 * units.Mi + disk.allocated * 101 // 100 - 1
        self._refused(disk)
        self.free += 1
        self.convert(disk)

    def test_never_more_space_than_the_size_of_the_disk(self):
        disk = self.disk()
        self.useFixture(fixtures.MockPatchObject(
            disk_files.DiskFiles, 'allocated', 5 * disk.size))
        self.free = 64 * units.Mi + disk.size * 101 // 100 - 1
        self._refused(disk)
        self.free += 1
        self.convert(disk)


class ToolTestCase(base.TestCase):

    def test_program_at_a_path(self):
        runner = stubs.ScriptedRunner((0, ''))
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.tools.process.Runner', lambda: runner))
        convert.tool('/opt/qemu-img').convert_chain(
            ['/a.vmdk'], 'ide', '/b.vmdk')
        self.assertEqual('/opt/qemu-img', runner.calls[0][0])
