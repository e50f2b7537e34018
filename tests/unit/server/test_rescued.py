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
from unittest import mock

from nova_vmrun.host import files
from nova_vmrun.server import disks
from nova_vmrun.server import rescued
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID
DISK = disks.rescue(disks.Device.DISK, 'pvscsi')


class PowerCut(Exception):
    pass


class RescueFilesTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(vmx='the usual one')
        files.write_atomically(self.layout.rendered(UUID), 'usual, rendered')
        self.usual = self.names()
        self.listed = self.disk_lists.get(UUID)
        self.nvram = self.layout.vmx(UUID).replace('.vmx', '.nvram')
        self.files = rescued.RescueFiles(self.layout, self.disk_lists)

    def names(self):
        return sorted(os.listdir(self.layout.folder(UUID)))

    def begin(self):
        self.disk_lists.add(UUID, DISK)
        files.write_atomically(self.layout.file(UUID, DISK.path), 'disk')
        self.files.begin(UUID)

    def write_vmx(self):
        for path in self.layout.vmx(UUID), self.layout.rendered(UUID):
            files.write_atomically(path, 'of the rescue')

    def test_it_is_remembered_how_the_medium_is_attached(self):
        self.assertIsNone(self.files.medium(UUID))
        self.begin()
        self.assertEqual(DISK, self.files.medium(UUID))

    def test_the_end_leaves_all_as_it_was(self):
        self.begin()
        self.write_vmx()
        self.files.end(UUID)
        self.assertIsNone(self.files.medium(UUID))
        self.assertEqual(self.listed, self.disk_lists.get(UUID))
        self.assertEqual(self.usual, self.names())
        self.assertEqual((b'the usual one', b'usual, rendered'), (
            files.read(self.layout.vmx(UUID)),
            files.read(self.layout.rendered(UUID))))

    def test_a_lock_that_a_power_cut_has_left_goes_too(self):
        self.begin()
        self.write_vmx()
        locks.lock(self.layout.file(UUID, DISK.path))
        self.files.end(UUID)
        self.assertEqual(self.usual, self.names())

    def test_the_end_of_no_rescue(self):
        self.files.end(UUID)
        self.assertEqual(self.usual, self.names())

    def test_uefi_forgets_its_boot_entries_meanwhile(self):
        files.write_atomically(self.nvram, 'usual')
        self.begin()
        self.assertFalse(os.path.exists(self.nvram))
        files.write_atomically(self.nvram, 'of the rescue')
        self.files.end(UUID)
        self.assertEqual(b'usual', files.read(self.nvram))

    def test_power_cuts(self):
        """Whatever was done last, the end brings the usual .vmx back."""
        for cut_begin in range(10):
            self.check_cut(self.begin, cut_begin)
        for cut_end in range(10):
            self.begin()
            self.write_vmx()
            self.check_cut(lambda: self.files.end(UUID), cut_end)

    def check_cut(self, operation, steps):
        left = iter(range(steps))

        def counted(real):
            def run(*args, **options):
                if next(left, None) is None:
                    raise PowerCut()
                return real(*args, **options)
            return run

        with mock.patch.multiple(os, rename=counted(os.rename),
                                 replace=counted(os.replace),
                                 remove=counted(os.remove)):
            try:
                operation()
            except PowerCut:
                self.assertLessEqual(steps, 8)
        self.assertEqual([], [
            name for name in self.names() if name == DISK.path and
            DISK not in self.disk_lists.get(UUID)])
        self.files.end(UUID)
        self.assertEqual((b'the usual one', b'usual, rendered'), (
            files.read(self.layout.vmx(UUID)),
            files.read(self.layout.rendered(UUID))))
        self.assertEqual(self.usual, [
            name for name in self.names() if not name.endswith('.part')])
        self.assertEqual(self.listed, self.disk_lists.get(UUID))
