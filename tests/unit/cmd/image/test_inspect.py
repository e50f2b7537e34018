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

import gzip
import json
import lzma
import os
import subprocess
import sys
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun.cmd.image import inspect
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd import commands
from tests.unit.cmd.image import vms
from tests.unit import images
from tests.unit import vmdks


class InspectTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def inspect(self, path, *argv):
        """Returns the exit status and what is shown."""
        status, output, _ = commands.run(inspect.Inspect, path, '-f', 'json',
                                         *argv)
        return status, json.loads(output)

    def check(self, path, *argv, status=0, **expected):
        found, shown = self.inspect(path, *argv)
        self.assertEqual(status, found, shown)
        self.assertEqual(status == 0, shown['bootable'])
        self.assertEqual(expected, {name: shown[name] for name in expected})
        return shown

    def refused(self, path, text, *argv, **expected):
        shown = self.check(path, *argv, status=1, **expected)
        self.assertIn(text, ' '.join(shown['reasons']))

    def test_formats(self):
        for name, content, expected in (
                ('a.img', images.qcow2(), 'qcow2'),
                ('a.qcow2', images.partitioned(), 'raw'),
                ('b.img', images.partitioned(), 'raw'),
                ('c.img', images.vhd(), 'vhd'),
                ('d.img', bytes(units.Mi) + images.vhd_footer(kind=2),
                 'vhd')):
            self.check(self.write(name, content), disk_format=expected,
                       virtual_size=units.Mi, container_format='bare')

    def test_vmdk(self):
        path = os.path.join(self.folder, 'a.vmdk')
        vmdks.write(path)
        self.check(path, disk_format='vmdk', sub_format='monolithicSparse',
                   virtual_size=units.Mi, files=[path], reasons=[],
                   recorded_adapter='ide', guest='unknown', told_by='')

    def test_bare_extent(self):
        path = self.write('a-flat.vmdk', images.partitioned())
        self.check(path, disk_format='raw', sub_format='preallocated')

    def test_a_raw_disk_that_only_the_user_knows(self):
        for content in (bytes(units.Mi), b'\x8f' * units.Mi):
            path = self.write('a.img', content)
            error = self.assertRaises(exception.ImageRefused, self.inspect,
                                      path)
            self.assertIn('--disk-format raw', error.resolution)
            self.check(path, '--disk-format', 'raw', disk_format='raw',
                       virtual_size=units.Mi)

    def test_files_that_are_not_disks(self):
        for content, words in (
                (lzma.compress(images.partitioned()), 'unxz'),
                (b'root:x:0:0::/root:/bin/sh\n' * 50, 'a text file'),
                (b'', 'is empty'),
                (b'QED\0'.ljust(4096, b'\0'), 'a QED disk')):
            path = self.write('a.raw', content)
            error = self.assertRaises(exception.ImageRefused, self.inspect,
                                      path)
            self.assertIn(words, str(error))
            self.refused(path, words,
                         '--disk-format', 'raw')

    def test_disk_types_are_read_as_by_the_driver(self):
        path = self.write('a-flat.vmdk', bytes(units.Mi))
        for told in (('vmware_disktype=Thin',), ('hw_disk_type=thin',),
                     ('hw_disk_type=PREALLOCATED',
                      'vmware_disktype=sparse')):
            self.check(path, *self._declared(told))
        for text, told in (
                ('content is zeros', ('hw_disk_type=sparse',)),
                ('content is zeros', ('hw_disk_type=sparse',
                                      'vmware_disktype=thin')),
                ('hw_disk_type', ('hw_disk_type=no',))):
            self.refused(path, text, *self._declared(told))

    def _declared(self, properties):
        return ['--disk-format', 'vmdk', *(
            word for each in properties for word in ('--property', each))]

    def test_rule_that_chose_the_controller(self):
        path = os.path.join(self.folder, 'a.vmdk')
        # qemu-img always writes ide, VMware means it.
        vmdks.write(path)
        self.check(path, controller='lsilogic',
                   controller_by='default of linux guests')
        vmdks.write(path, extra='ddb.uuid = "60 00"')
        self.check(path, controller='ide',
                   controller_by="ddb.adapterType of the image's disk")
        self.check(path, '--property', 'vmware_adaptertype=busLogic',
                   controller='buslogic', controller_by='image property '
                   'vmware_adaptertype=busLogic')
        self.check(path, '--property', 'vmware_adaptertype=busLogic',
                   '--property', 'vmrun_disk_bus=nvme', controller='nvme',
                   controller_by='image property vmrun_disk_bus=nvme')

    def test_guest(self):
        path = self.write('a.img', images.qcow2())
        self.check(path, '--property', 'os_distro=windows',
                   '--property', 'os_version=11', guest='windows11-64',
                   controller='nvme')

    def test_disk_next_to_its_vm(self):
        told_by = vms.write_vm(self.folder)
        path = os.path.join(self.folder, 'web.vmdk')
        vmdks.write(path)
        for named in (path, told_by, self.folder):
            self.check(named, file=path, guest='ubuntu-64',
                       controller='pvscsi', told_by=told_by)
        shown = self.check(path, '--property', 'hw_vif_model=e1000')
        self.assertEqual(
            ['hw_firmware_type=uefi', 'hw_vif_model=e1000',
             'img_hv_type=vmware', 'os_secure_boot=disabled',
             'os_type=linux', 'vmware_adaptertype=paraVirtual',
             'vmware_disktype=streamOptimized',
             'vmware_ostype=ubuntu64Guest'], shown['properties'])

    def test_split(self):
        path = vms.write_split(self.folder)
        self.refused(path, 'image upload', sub_format='twoGbMaxExtentSparse',
                     virtual_size=2 * units.Mi)
        self.refused(path, 'split into 2 extents')
        self.refused(path, "type 'twoGbMaxExtentSparse'")

    def test_every_reason(self):
        path = self.write('a.vmdk', vmdks.image(vmdks.descriptor(
            parent_cid='11111111', hint='/etc/passwd',
            extra='changeTrackPath="x"')))
        for text in ('child of another', 'changetrackpath',
                     'Cannot read the disk /etc/passwd'):
            self.refused(path, text)
        self.refused(path, 'no such property', '--property', 'vmrun_x=1')

    def test_declared_format_differs_from_the_content(self):
        path = self.write('a.img', images.qcow2())
        self.refused(path, 'disk_format is raw but its content is qcow2',
                     '--disk-format', 'raw', disk_format='raw')

    def test_ova(self):
        ovf = images.ovf()
        disk = vmdks.image()
        path = self.write('a.ova', images.tar(
            [('a.ovf', ovf), ('disk.vmdk', disk)]))
        self.check(path, container_format='ova', disk_format='vmdk',
                   virtual_size=units.Mi, told_by=path,
                   files=['a.ovf (%d bytes)' % len(ovf),
                          'disk.vmdk (%d bytes)' % len(disk)])

    def test_ova_with_several_disks(self):
        text = images.ovf([('a', 'a.vmdk', ''), ('b', 'b.vmdk', '')],
                          ['a', 'b'])
        path = self.write('a.ova', images.tar(
            [('a.ovf', text), ('a.vmdk', b'x'), ('b.vmdk', vmdks.image())]))
        self.refused(path, 'a.vmdk')
        shown = self.check(path, '--property', 'vmrun_ova_disk=b.vmdk',
                           virtual_size=units.Mi)
        self.assertIn('vmrun_ova_disk=b.vmdk', shown['properties'])
        self.refused(path, 'no disk c', '--property', 'vmrun_ova_disk=c')

    def test_packed_disk_of_an_ova(self):
        path = self.write('a.ova', images.tar([
            ('a.ovf', images.ovf([('file1', 'disk.vmdk.gz',
                                   'ovf:compression="gzip"')])),
            ('disk.vmdk.gz', gzip.compress(vmdks.image()))]))
        self.check(path, virtual_size=units.Mi)
        self.assertEqual(['a.ova'], os.listdir(self.folder))

    def test_iso(self):
        content = bytearray(40960)
        content[32768:32774] = b'\x01CD001'
        self.check(self.write('a.iso', bytes(content)), disk_format='iso')

    def test_a_file_cannot_steer_the_terminal(self):
        path = self.write('a.vmdk', vmdks.image(vmdks.descriptor(
            create_type='\x1b[2Jx')))
        output = commands.run(inspect.Inspect, path)[1]
        self.assertNotIn('\x1b', output)

    def test_nothing_there(self):
        error = self.assertRaises(exception.InvalidInput, self.inspect,
                                  '/nonexistent')
        self.assertIn('/nonexistent', error.brief)

    def test_it_imports_neither_nova_nor_a_client(self):
        heavy = ('nova', 'openstack', 'glanceclient', 'oslo_log', 'psutil')
        program = (
            'import sys\nimport nova_vmrun.cmd.image.inspect\n'
            'print(sorted(set(%r) & set(sys.modules)))' % (heavy,))
        found = subprocess.run([sys.executable, '-c', program], text=True,
                               capture_output=True, check=True)
        self.assertEqual('[]\n', found.stdout)

    def test_it_does_not_look_through_all_packages(self):
        with mock.patch('cliff.command._dists_by_mods', None), mock.patch(
                'cliff.command.packages_distributions') as search:
            self.assertEqual(0, commands.run(
                inspect.Inspect, self.write('a.img', images.qcow2()))[0])
        self.assertFalse(search.called)
