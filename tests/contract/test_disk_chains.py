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

"""What vmware-vdiskmanager does to one link of a chain."""

from tests.contract import base
from tests.contract import vmdk


class ChainTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm()
        self.base = self.vm.path('disk.vmdk')
        vmdk.write(self.base, 0, b'base')
        self.done('snapshot', self.vm.vmx, 's')
        self.child = self.vm.path('disk-000001.vmdk')

    def succeeds(self, switch, path, text):
        result = self.vdisk(switch, path)
        self.assertEqual(0, result.rc, result)
        self.assertIn('100% done.', result.out)
        self.assertIn(text, result.out)

    def still_boots(self):
        self.assertEqual(0, self.vdisk('-e', self.child).rc)
        self.assertEqual(b'base', vmdk.read(self.base, 0, 4))
        self.done('start', self.vm.vmx, 'nogui')

    def test_expand_a_child_refused(self):
        result = self.vdisk('-x', '16MB', self.child)
        self.assertEqual(
            (1, 'Failed to get geometry: The called function cannot be '
             'performed on partial chains. Open the parent virtual disk '
             '(0x3e83).\n'), (result.rc, result.out))
        self.assertEqual(16384, vmdk.capacity(self.child))

    def test_expand_a_disk_with_children_refused(self):
        self.assertEqual(1, self.vdisk('-x', '16MB', self.base).rc)
        self.still_boots()

    def test_shrink_of_a_child(self):
        self.succeeds('-k', self.child, 'Shrink completed successfully.')
        self.still_boots()

    def test_shrink_of_a_disk_with_children(self):
        self.succeeds('-k', self.base, 'Shrink completed successfully.')
        self.still_boots()

    def test_defragment_of_links(self):
        for path in (self.child, self.base):
            self.succeeds('-d', path,
                          'Defragmentation completed successfully.')
        self.still_boots()

    def test_shrink_of_a_child_keeps_zeros_that_hide(self):
        """A grain of zeros in a child is data if the parent has other data."""
        vmdk.write(self.child, 0, bytes(65536))
        self.assertEqual(0, self.vdisk('-k', self.child).rc)
        self.assertEqual(0, self.vdisk('-r', self.child, '-t', '0',
                                       self.path('flat.vmdk')).rc)
        self.assertEqual(bytes(4), vmdk.read(self.path('flat.vmdk'), 0, 4))

    def test_defragment_tells_what_is_wrong_twice(self):
        path = self.path('unclean.vmdk')
        self.assertEqual(0, self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic',
                                       '-t', '0', path).rc)
        vmdk.set_unclean(path)
        result = self.vdisk('-d', path)
        reason = 'The specified virtual disk needs repair (0x3e86).'
        self.assertEqual(
            (1, "Failed to open the disk '%s' : %s\nFailed to defragment: "
             '%s\n' % (path, reason, reason)), (result.rc, result.out))
