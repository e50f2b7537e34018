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

"""What the disks look like inside (facts 4.4)."""

import os
import re
import struct

from tests.contract import base
from tests.contract import vmdk

HEADER = struct.Struct('<4sIIQQQQIQQQB4sH')


class DiskFormatTest(base.ContractCase):

    def make(self, kind='0', size='1GB', adapter='lsilogic'):
        path = self.path('d.vmdk')
        result = self.vdisk('-c', '-s', size, '-a', adapter, '-t', kind,
                            path)
        self.assertEqual(0, result.rc, result)
        return path

    def header(self, path):
        with open(path, 'rb') as f:
            return HEADER.unpack(f.read(HEADER.size))

    def test_sparse_header(self):
        (magic, version, flags, capacity, grain, offset, size, entries, _, _,
         overhead, unclean, ends, compression) = self.header(self.make())
        self.assertEqual(
            (b'KDMV', 1, 3, 2097152, 128, 1, 20, 512, 0, b'\n \r\n', 0),
            (magic, version, flags, capacity, grain, offset, size, entries,
             unclean, ends, compression))
        self.assertEqual(0, overhead % grain)

    def test_stream_optimized_header(self):
        path = self.make(size='8MB')
        self.vdisk('-r', path, '-t', '5', 's.vmdk')
        header = self.header(self.path('s.vmdk'))
        self.assertEqual((3, 0x30000, 1), (header[1], header[2] & 0x30000,
                                           header[13]))
        self.assertEqual('streamOptimized', vmdk.descriptor(
            self.path('s.vmdk'))['createType'])

    def test_empty_80_gb_sparse_is_11_mb(self):
        size = os.path.getsize(self.make(size='80GB'))
        self.assertTrue(10 * 1000 ** 2 < size < 12 * 1000 ** 2, size)

    def test_descriptor_text(self):
        with open(self.make(kind='2'), encoding='utf-8') as f:
            text = f.read()
        for line in (r'# Disk DescriptorFile', r'version=1',
                     r'CID=[0-9a-f]{8}', r'parentCID=ffffffff',
                     r'createType="monolithicFlat"', r'# Extent description',
                     r'RW 2097152 FLAT "d-flat.vmdk" 0',
                     r'# The Disk Data Base', r'#DDB'):
            self.assertTrue(re.search('^%s ?$' % line, text, re.M), line)

    def test_descriptor_disk_data_base(self):
        found = vmdk.descriptor(self.make())
        self.assertEqual('lsilogic', found['ddb.adapterType'])
        self.assertTrue(re.match(r'[0-9a-f]{32}\Z',
                                 found['ddb.longContentID']))
        self.assertTrue(re.match(
            r'60 00 [cC]2 9\w( [0-9a-fA-F]{2}){4}-', found['ddb.uuid']))
        self.assertIn('ddb.virtualHWVersion', found)

    def test_geometry_of_scsi_disks(self):
        found = vmdk.descriptor(self.make(size='8GB'))
        self.assertEqual(('255', '63', '1044'), tuple(
            found['ddb.geometry.' + key]
            for key in ('heads', 'sectors', 'cylinders')))

    def test_geometry_of_ide_disks(self):
        found = vmdk.descriptor(self.make(size='20GB', adapter='ide'))
        self.assertEqual(('16', '63', '16383'), tuple(
            found['ddb.geometry.' + key]
            for key in ('heads', 'sectors', 'cylinders')))

    def test_split_flat_extents_are_4192256_sectors(self):
        sizes = [e[0] for e in vmdk.extents(self.make('3', '5GB'))]
        self.assertEqual([4192256, 4192256, 10485760 - 2 * 4192256], sizes)

    def test_split_sparse_extents(self):
        sizes = [e[0] for e in vmdk.extents(self.make('1', '5GB'))]
        self.assertIn(sizes[0], (4192256, 8323072))
        self.assertEqual(10485760, sum(sizes))

    def test_capacity_is_the_sum_of_the_extents(self):
        for kind in ('0', '1', '2', '3'):
            path = self.path('k%s.vmdk' % kind)
            self.vdisk('-c', '-s', '3GB', '-a', 'lsilogic', '-t', kind, path)
            self.assertEqual(3 * 2097152, vmdk.capacity(path), kind)

    def test_disks_are_readable_by_qemu_img(self):
        for kind in ('0', '1', '2', '3'):
            path = self.path('q%s.vmdk' % kind)
            self.vdisk('-c', '-s', '1GB', '-a', 'lsilogic', '-t', kind, path)
            self.assertEqual(1024 ** 3, vmdk.info(path)['virtual-size'])
            self.assertTrue(vmdk.check(path), kind)

    def test_cid_changes_with_every_write_session(self):
        machine = self.make_vm()
        before = vmdk.descriptor(machine.path('disk.vmdk'))['CID']
        self.done('start', machine.vmx, 'nogui')
        self.done('stop', machine.vmx, 'hard')
        self.assertNotEqual(before, vmdk.descriptor(
            machine.path('disk.vmdk'))['CID'])


class MergeTest(base.ContractCase):
    """Data survives what snapshots do to chains (3.4)."""

    def test_delete_snapshot_keeps_the_data(self):
        machine = self.make_vm()
        vmdk.write(machine.path('disk.vmdk'), 0, b'base')
        self.done('snapshot', machine.vmx, 'a')
        vmdk.write(machine.path('disk-000001.vmdk'), 65536, b'later')
        self.done('deleteSnapshot', machine.vmx, 'a')
        path = machine.path('disk.vmdk')
        self.assertEqual((b'base', b'later'), (
            vmdk.read(path, 0, 4), vmdk.read(path, 65536, 5)))
        self.assertTrue(vmdk.check(path))

    def test_delete_middle_snapshot_keeps_the_data(self):
        machine = self.make_vm()
        for name, offset in (('a', 0), ('b', 65536), ('c', 131072)):
            self.done('snapshot', machine.vmx, name)
            vmdk.write(machine.path(machine.get('scsi0:0.fileName')),
                       offset, name.encode())
        self.done('deleteSnapshot', machine.vmx, 'b')
        path = machine.path(machine.get('scsi0:0.fileName'))
        self.assertEqual([b'a', b'b', b'c'], [
            vmdk.read(path, offset, 1) for offset in (0, 65536, 131072)])
        self.done('start', machine.vmx, 'nogui')

    def test_revert_loses_what_came_later(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 'a')
        vmdk.write(machine.path('disk-000001.vmdk'), 0, b'later')
        self.done('revertToSnapshot', machine.vmx, 'a')
        path = machine.path(machine.get('scsi0:0.fileName'))
        self.assertEqual(bytes(5), vmdk.read(path, 0, 5))

    def test_delete_snapshot_of_a_flat_base_keeps_the_data(self):
        machine = self.make_vm(disk=False, scsi0__present='TRUE',
                               scsi0_colon_0__present='TRUE',
                               scsi0_colon_0__fileName='disk.vmdk')
        self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', '2',
                   machine.path('disk.vmdk'))
        self.done('snapshot', machine.vmx, 'a')
        vmdk.write(machine.path('disk-000001.vmdk'), 65536, b'later')
        self.done('deleteSnapshot', machine.vmx, 'a')
        self.assertEqual(b'later', vmdk.read(machine.path('disk.vmdk'),
                                             65536, 5))

    def test_full_clone_keeps_the_data(self):
        machine = self.make_vm()
        vmdk.write(machine.path('disk.vmdk'), 65536, b'data')
        self.done('clone', machine.vmx, self.path('c', 'c.vmx'), 'full')
        self.assertTrue(vmdk.same(machine.path('disk.vmdk'),
                                  self.path('c', 'disk-cl1.vmdk')))

    def test_linked_clone_reads_the_parents_data(self):
        machine = self.make_vm()
        vmdk.write(machine.path('disk.vmdk'), 65536, b'data')
        self.done('snapshot', machine.vmx, 's')
        self.done('clone', machine.vmx, self.path('c', 'c.vmx'), 'linked',
                  '-snapshot=s')
        self.assertEqual(b'data', vmdk.read(
            self.path('c', 'disk-cl1.vmdk'), 65536, 4))
