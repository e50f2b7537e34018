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

"""vmware-vdiskmanager: switches, output, refusals (4.1 to 4.3)."""

import os
import re

from tests.contract import base
from tests.contract import vmdk

HEAD = re.compile(r'VMware Virtual Disk Manager - build \d+\.\n'
                  r'Usage: vmware-vdiskmanager OPTIONS <disk-name> \| '
                  r'<mount-point>\n')


class DiskCase(base.ContractCase):

    def make(self, name='d.vmdk', kind='0', size='8MB', adapter='lsilogic'):
        path = self.path(name)
        result = self.vdisk('-c', '-s', size, '-a', adapter, '-t', kind,
                            path)
        self.assertEqual(0, result.rc, result)
        return path

    def fails(self, text, *arguments):
        """Expect exactly this text (and a line end) and exit 1."""
        result = self.vdisk(*arguments)
        self.assertEqual((1, text + '\n', ''),
                         (result.rc, result.out, result.err), result)

    def prints(self, result, *lines):
        """Expect exit 0 and these lines, progress lines left out."""
        found = [line for line in result.out.split('\n')
                 if line and '% done' not in line]
        self.assertEqual((0, list(lines)), (result.rc, found), result)


class UsageTest(DiskCase):

    @base.sample
    def test_disk_usage_with_no_arguments(self):
        result = self.vdisk()
        self.assertEqual((1, ''), (result.rc, result.err))
        self.assertTrue(HEAD.match(result.out), result)

    def test_disk_usage_lists_adapters(self):
        out = self.vdisk('-h').out
        for adapter in ('ide', 'buslogic', 'lsilogic', 'pvscsi'):
            self.assertIn(adapter, out)

    def test_disk_usage_for_unknown_switches(self):
        result = self.vdisk('-P', 'x')
        self.assertEqual(1, result.rc)
        self.assertTrue(HEAD.match(result.out), result)

    def test_disk_usage_for_unknown_adapter(self):
        result = self.vdisk('-c', '-s', '8MB', '-a', 'sata', '-t', '0',
                            self.path('d.vmdk'))
        self.assertEqual(1, result.rc)
        self.assertFalse(os.path.exists(self.path('d.vmdk')))


class CreateTest(DiskCase):

    @base.sample
    def test_create_prints_two_lines(self):
        result = self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', '0',
                            'd.vmdk')
        self.assertEqual((0, "Creating disk 'd.vmdk'\n"
                          'Virtual disk creation successful.\n'),
                         (result.rc, result.out))

    def test_create_prealloc_shows_progress(self):
        result = self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', '2',
                            'd.vmdk')
        self.assertIn('\r  Create: 100% done.', result.out)

    def test_create_quietly(self):
        result = self.vdisk('-q', '-c', '-s', '8MB', '-a', 'lsilogic', '-t',
                            '2', 'd.vmdk')
        self.assertEqual(0, result.rc)
        self.assertNotIn('% done', result.out)

    def test_create_existing_target(self):
        path = self.make()
        self.fails('Failed to create disk: The file already exists (0xc).',
                   '-c', '-s', '8MB', '-a', 'lsilogic', '-t', '0', path)

    def test_create_without_an_adapter(self):
        result = self.vdisk('-c', '-s', '8MB', '-t', '0', 'd.vmdk')
        self.assertEqual(0, result.rc, result)

    def test_create_adapter_is_recorded(self):
        for adapter in ('ide', 'buslogic', 'lsilogic'):
            path = self.make(adapter + '.vmdk', adapter=adapter)
            self.assertEqual(adapter, vmdk.descriptor(path)[
                'ddb.adapterType'])

    def test_create_types(self):
        expected = {'0': 'monolithicSparse', '1': 'twoGbMaxExtentSparse',
                    '2': 'monolithicFlat', '3': 'twoGbMaxExtentFlat',
                    '4': 'vmfs', '6': 'vmfs'}
        found = {kind: vmdk.descriptor(self.make(
            'd%s.vmdk' % kind, kind))['createType'] for kind in expected}
        self.assertEqual(expected, found)

    def test_create_extent_names(self):
        for kind, extent in (('1', 'd-s001.vmdk'), ('2', 'd-flat.vmdk'),
                             ('3', 'd-f001.vmdk'), ('4', 'd-flat.vmdk')):
            os.makedirs(self.path(kind))
            self.make(kind + '/d.vmdk', kind)
            self.assertIn(extent, os.listdir(self.path(kind)))

    def test_create_thin_esx_is_marked(self):
        self.assertEqual('1', vmdk.descriptor(self.make(
            kind='6'))['ddb.thinProvisioned'])

    def test_create_stream_optimized_refused(self):
        result = self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', '5',
                            'd.vmdk')
        self.assertEqual(1, result.rc)

    def test_create_sizes(self):
        for size, sectors in (('8MB', 16384), ('1GB', 2097152),
                              ('16384', 16384), ('8192KB', 16384),
                              ('40M', 81920), ('0.5GB', 1048576)):
            path = self.make(size + '.vmdk', size=size)
            self.assertEqual(sectors, vmdk.capacity(path), size)

    def test_create_size_out_of_range(self):
        for size in ('1KB', '8193GB'):
            result = self.vdisk('-c', '-s', size, '-a', 'lsilogic', '-t',
                                '0', 'd.vmdk')
            self.assertEqual(1, result.rc, size)

    def test_create_buslogic_size_limit(self):
        result = self.vdisk('-c', '-s', '2041GB', '-a', 'buslogic', '-t',
                            '0', 'd.vmdk')
        self.assertEqual(1, result.rc)

    @base.fakes_only
    def test_create_disk_full(self):
        self.knobs['DISK_FULL'] = self.folder
        self.fails('Failed to create disk: An error occurred while writing '
                   'a file; the disk is full. Data has not been saved. Free '
                   'some disk space and try again (0x8).', '-c', '-s', '8MB',
                   '-a', 'lsilogic', '-t', '0', self.path('d.vmdk'))

    @base.fakes_only
    def test_harmless_stderr_lines(self):
        self.knobs['FAULTS'] = ('-c 1 noise-stderr VixDiskLib: Failed to '
                                'initialize PhoneHome library.')
        result = self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', '0',
                            'd.vmdk')
        self.assertEqual(0, result.rc)
        self.assertIn('PhoneHome', result.err)


class ConvertTest(DiskCase):

    @base.sample
    def test_convert_output(self):
        self.make()
        result = self.vdisk('-r', 'd.vmdk', '-t', '0', 'e.vmdk')
        self.assertIn('\r  Convert: 100% done.\n', result.out)
        self.prints(result, "Creating disk 'e.vmdk'",
                    'Virtual disk conversion successful.')

    def test_convert_between_all_types(self):
        path = self.make()
        vmdk.write(path, 65536 * 3, b'data' * 1000)
        for kind in ('0', '1', '2', '3', '5'):
            target = self.path('to%s.vmdk' % kind)
            self.assertEqual(0, self.vdisk('-r', path, '-t', kind,
                                           target).rc)
            self.assertTrue(vmdk.same(path, target), kind)

    def test_convert_back_from_stream_optimized(self):
        path = self.make()
        vmdk.write(path, 65536 * 3, b'data' * 1000)
        self.vdisk('-r', path, '-t', '5', 's.vmdk')
        self.assertEqual(0, self.vdisk('-r', 's.vmdk', '-t', '0',
                                       'e.vmdk').rc)
        self.assertTrue(vmdk.same(path, self.path('e.vmdk')))

    def test_convert_flattens_a_chain(self):
        machine = self.make_vm()
        vmdk.write(machine.path('disk.vmdk'), 0, b'base' * 100)
        self.done('snapshot', machine.vmx, 's')
        vmdk.write(machine.path('disk-000001.vmdk'), 65536, b'top' * 100)
        self.assertEqual(0, self.vdisk(
            '-r', machine.path('disk-000001.vmdk'), '-t', '0',
            'flat.vmdk').rc)
        self.assertEqual('ffffffff', vmdk.descriptor(self.path(
            'flat.vmdk'))['parentCID'])
        self.assertTrue(vmdk.same(machine.path('disk-000001.vmdk'),
                                  self.path('flat.vmdk')))

    def test_convert_a_hand_written_descriptor(self):
        with open(self.path('raw.img'), 'wb') as f:
            f.write(b'raw data' + bytes(4 * 1024 * 1024 - 8))
        with open(self.path('raw.vmdk'), 'w') as f:
            f.write('# Disk DescriptorFile\nversion=1\nCID=12345678\n'
                    'parentCID=ffffffff\ncreateType="monolithicFlat"\n'
                    'RW 8192 FLAT "raw.img" 0\n'
                    'ddb.adapterType = "lsilogic"\n')
        self.assertEqual(0, self.vdisk('-r', 'raw.vmdk', '-t', '0',
                                       'd.vmdk').rc)
        self.assertTrue(vmdk.same(self.path('raw.vmdk'),
                                  self.path('d.vmdk')))

    def test_convert_source_that_is_no_vmdk(self):
        for name, data in (('raw', bytes(65536)), ('qcow2', b'QFI\xfb'),
                           ('vdi', b'<<< Oracle VM VirtualBox')):
            with open(self.path(name), 'wb') as f:
                f.write(data.ljust(4096, b'\0'))
            self.fails('Failed to convert disk: The specified file is not a '
                       'virtual disk (0x3ebf).', '-r', name, '-t', '0',
                       'd.vmdk')

    def test_convert_missing_source(self):
        result = self.vdisk('-r', 'none.vmdk', '-t', '0', 'd.vmdk')
        self.assertEqual(1, result.rc)
        self.assertIn('A file was not found (0x4).', result.out)

    def test_convert_existing_target(self):
        self.make(), self.make('e.vmdk')
        result = self.vdisk('-r', 'd.vmdk', '-t', '0', 'e.vmdk')
        self.assertEqual(1, result.rc)
        self.assertIn('The file already exists (0xc).', result.out)

    def test_convert_disk_of_a_running_vm(self):
        machine = self.running_vm()
        result = self.vdisk('-r', machine.path('disk.vmdk'), '-t', '0',
                            'd.vmdk')
        self.assertEqual(1, result.rc)
        self.assertFalse(os.path.exists(self.path('d.vmdk')))

    def test_convert_parent_of_a_running_vm(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual(0, self.vdisk('-r', machine.path('disk.vmdk'), '-t',
                                       '0', 'd.vmdk').rc)

    @base.fakes_only
    def test_stream_optimized_needs_qemu_img(self):
        """Only this type needs qemu-img; the fake says so if it is missing."""
        path = self.make()
        result = self.vdisk('-r', path, '-t', '5', 's.vmdk',
                            env={'PATH': self.folder})
        self.assertEqual(1, result.rc)
        self.assertIn('qemu-img is needed', result.err)


class ExpandTest(DiskCase):

    @base.sample
    def test_expand_output(self):
        self.make()
        result = self.vdisk('-x', '16MB', 'd.vmdk')
        self.assertEqual(0, result.rc, result)
        self.assertIn('\r  Grow: 100% done.\nDisk expansion completed '
                      'successfully.\n\nWARNING: ', result.out)
        self.assertTrue(result.out.endswith(
            'http://www.vmware.com/support/kb/enduser/std_adp.php?'
            'p_faqid=1647\n'), result)

    def test_expand_types_0_to_3(self):
        for kind in ('0', '1', '2', '3'):
            path = self.make('d%s.vmdk' % kind, kind)
            vmdk.write(path, 65536, b'kept' * 100)
            before = vmdk.read(path, 65536, 400)
            self.assertEqual(0, self.vdisk('-x', '100MB', path).rc)
            self.assertEqual((204800, before), (
                vmdk.capacity(path), vmdk.read(path, 65536, 400)), kind)
            vmdk.write(path, 99 * 1024 * 1024, b'new')
            self.assertEqual(b'new', vmdk.read(path, 99 * 1024 * 1024, 3))

    def test_expand_across_many_grain_tables(self):
        path = self.make(size='1GB')
        vmdk.write(path, 1023 * 1024 * 1024, b'end')
        self.assertEqual(0, self.vdisk('-x', '20GB', path).rc)
        vmdk.write(path, 19 * 1024 ** 3, b'far')
        self.assertEqual((b'end', b'far'), (
            vmdk.read(path, 1023 * 1024 * 1024, 3),
            vmdk.read(path, 19 * 1024 ** 3, 3)))
        self.assertTrue(vmdk.check(path))

    def test_expand_split_adds_extents(self):
        path = self.make(kind='3', size='1GB')
        self.assertEqual(0, self.vdisk('-x', '5GB', path).rc)
        self.assertIn('d-f003.vmdk', os.listdir(self.folder))

    def test_expand_to_smaller_or_equal(self):
        self.make()
        for size in ('4MB', '8MB'):
            self.fails("Failed to expand the disk 'd.vmdk': One of the "
                       'parameters supplied is invalid (0x3e80).', '-x',
                       size, 'd.vmdk')

    def test_expand_of_a_running_vm_refused(self):
        machine = self.running_vm()
        self.assertEqual(1, self.vdisk('-x', '16MB',
                                       machine.path('disk.vmdk')).rc)

    def test_expand_changes_the_cid(self):
        path = self.make()
        before = vmdk.descriptor(path)['CID']
        self.vdisk('-x', '16MB', path)
        self.assertNotEqual(before, vmdk.descriptor(path)['CID'])

    def test_expanded_disk_boots(self):
        machine = self.make_vm()
        self.vdisk('-x', '16MB', machine.path('disk.vmdk'))
        self.done('start', machine.vmx, 'nogui')


class OtherSwitchesTest(DiskCase):

    def test_defragment(self):
        self.make()
        result = self.vdisk('-d', 'd.vmdk')
        self.assertIn('\r  Defragment: 100% done.\n', result.out)
        self.prints(result, 'Defragmentation completed successfully.')

    def test_shrink_gives_zeros_back(self):
        path = self.make()
        vmdk.write(path, 0, bytes(65536))
        vmdk.write(path, 131072, b'data')
        before = os.path.getsize(path)
        result = self.vdisk('-k', path)
        self.assertIn('\r  Shrink: 100% done.\n', result.out)
        self.prints(result, 'Shrink completed successfully.')
        self.assertTrue(os.path.getsize(path) < before)
        self.assertEqual(b'data', vmdk.read(path, 131072, 4))

    def test_shrink_preallocated_refused(self):
        self.make(kind='2')
        self.fails("Failed to shrink the disk 'd.vmdk' : The specified "
                   'virtual disk cannot be shrunk because it is not the '
                   'parent disk (0x3e89).', '-k', 'd.vmdk')

    def test_defragment_preallocated_refused(self):
        self.make(kind='2')
        self.assertEqual(1, self.vdisk('-d', 'd.vmdk').rc)

    def test_rename(self):
        self.make()
        self.prints(self.vdisk('-n', 'd.vmdk', 'e.vmdk'),
                    'Renaming completed successfully.')
        self.assertEqual(16384, vmdk.capacity(self.path('e.vmdk')))

    def test_rename_renames_extents(self):
        for kind, old, new in (('1', 'd-s001.vmdk', 'e-s001.vmdk'),
                               ('2', 'd-flat.vmdk', 'e-flat.vmdk')):
            os.makedirs(self.path(kind))
            self.make(kind + '/d.vmdk', kind)
            self.assertEqual(0, self.vdisk(
                '-n', self.path(kind, 'd.vmdk'),
                self.path(kind, 'e.vmdk')).rc)
            names = os.listdir(self.path(kind))
            self.assertIn(new, names)
            self.assertNotIn(old, names)
            self.assertTrue(vmdk.check(self.path(kind, 'e.vmdk')))

    def test_prepare_fails_off_windows(self):
        self.fails("Failed to prepare the disk mounted at '/mnt' for "
                   'shrinking.', '-p', '/mnt')

    def test_repair_of_a_good_disk(self):
        self.make()
        self.prints(self.vdisk('-R', 'd.vmdk'), 'No errors were found on '
                    "the virtual disk, 'd.vmdk'.")

    def test_repair_of_an_unclean_disk(self):
        path = self.make()
        vmdk.set_unclean(path)
        self.assertEqual(1, self.vdisk('-r', path, '-t', '0',
                                       'e.vmdk').rc)
        self.assertEqual(0, self.vdisk('-R', path).rc)
        self.assertEqual(0, self.vdisk('-r', path, '-t', '0',
                                       'e.vmdk').rc)

    def test_unclean_disk_needs_repair(self):
        path = self.make()
        vmdk.set_unclean(path)
        self.assertIn('The specified virtual disk needs repair (0x3e86).',
                      self.vdisk('-x', '16MB', path).out)

    def test_chain_consistent(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.prints(self.vdisk('-e', machine.path('disk-000001.vmdk')),
                    'Disk chain is consistent.')

    @base.sample
    def test_chain_without_its_parent(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        os.unlink(machine.path('disk.vmdk'))
        path = machine.path('disk-000001.vmdk')
        result = self.vdisk('-e', path)
        self.assertEqual(1, result.rc)
        self.assertTrue(result.out.startswith(
            "Failed to open the disk '%s' : The parent of this virtual disk "
            'could not be opened (0x3e8c).\nDisk link %s successfully '
            'opened.\nDisk chain is not consistent: ' % (path, path)), result)

    def test_chain_with_a_changed_parent(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        vmdk.change_cid(machine.path('disk.vmdk'))
        result = self.vdisk('-e', machine.path('disk-000001.vmdk'))
        self.assertEqual(1, result.rc)
        self.assertIn('(0x3e88).', result.out)

    def test_make_deletable_is_silent(self):
        path = self.make()
        self.prints(self.vdisk('-D', path))
        self.assertTrue(os.path.exists(path))

    def test_delete_removes_extents(self):
        path = self.make(kind='2')
        self.prints(self.vdisk('-U', path))
        self.assertEqual([], [name for name in os.listdir(self.folder)
                              if name.endswith('.vmdk')])
