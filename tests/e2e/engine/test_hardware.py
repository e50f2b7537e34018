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

import hashlib
import os
import subprocess

import testtools

from tests.e2e.engine import vms
from tests.e2e.guest import console
from tests.e2e.guest import images

FLOPPY_SIZE = 1440 * 1024
MIB = 1024 * 1024


def drivers(facts, kind='disks'):
    return [device['driver'] for device in facts[kind]]


class ControllersTest(vms.EngineCase):
    """Controllers, with a kernel that has all drivers and exact devices."""

    environ = {'FAKE_VMRUN_QEMU_HARDWARE': 'exact'}

    def _disk(self, vm, name, mib):
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk',
                        vm.file(name), '%dM' % mib], check=True)

    @testtools.testcase.attr('sample')
    def test_everything_at_once(self):
        keys = {**vms.disk_keys('scsi0', 'pvscsi'),
                **vms.disk_keys('scsi0', 'pvscsi', 2, 'd1.vmdk'),
                **vms.disk_keys('scsi1', 'lsisas1068', 1, 'd2.vmdk'),
                **vms.disk_keys('sata0', '', 3, 'd3.vmdk'),
                **vms.disk_keys('nvme0', '', 0, 'd4.vmdk'),
                **vms.disk_keys('nvme0', '', 1, 'd5.vmdk'),
                **vms.disk_keys('ide0', '', 1, 'd6.vmdk'),
                **vms.cd_keys('ide1:0', 'first.iso'),
                **vms.cd_keys('sata0:1', 'second.iso'),
                'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
                'floppy0.fileName': 'floppy.img'}
        vm = self.vm(keys, images.image())
        for n in range(1, 7):
            self._disk(vm, 'd%d.vmdk' % n, n)
        for name in ('first', 'second'):
            self._cd(vm, name)
        floppy = os.urandom(FLOPPY_SIZE)
        with open(vm.file('floppy.img'), 'wb') as f:
            f.write(floppy)

        facts = vm.boot()

        found = {disk['bytes'] // MIB: disk for disk in facts['disks']}
        self.assertEqual(
            {1: 'vmw_pvscsi', 2: 'mptsas', 3: 'ahci', 4: 'nvme', 5: 'nvme',
             6: 'ata_piix'},
            {n: found[n]['driver'] for n in range(1, 7)})
        self.assertEqual('vmw_pvscsi', console.root_disk(facts)['driver'])
        self.assertEqual('blank', found[2]['content'])
        self.assertTrue(found[1]['unit'].endswith(':0:2:0'))
        self.assertEqual({'FIRST': 'ata_piix', 'SECOND': 'ahci'},
                         {cd['label']: cd['driver'] for cd in facts['cds']})
        self.assertEqual(
            [(FLOPPY_SIZE, hashlib.sha256(floppy).hexdigest())],
            [(f['bytes'], f['sha256']) for f in facts['floppies']])

    def _cd(self, vm, name):
        images.need_programs('genisoimage')
        folder = vm.file(name)
        os.mkdir(folder)
        subprocess.run(['genisoimage', '-quiet', '-V', name.upper(), '-o',
                        vm.file(name + '.iso'), folder], check=True)

    def test_what_qemu_lacks_is_refused_by_name(self):
        vm = self.vm(vms.disk_keys('scsi0', 'lsilogic'),
                     images.image(kernel='cloud'))

        output = vm.run('start', 'nogui', code=255)

        self.assertEqual('Error: The operation was canceled\n', output)
        self.assertIn('scsi0.virtualDev: QEMU has no lsilogic', vm.log())
        self.assertEqual([], self.processes(vm.folder))


class CloudTest(vms.EngineCase):

    environ = {'FAKE_VMRUN_QEMU_HARDWARE': 'cloud'}

    def test_kernel_with_few_drivers(self):
        vm = self.vm({**vms.disk_keys('sata0', ''),
                      **vms.cd_keys('sata0:1', self.config_drive()),
                      **vms.nic_keys(0, 'e1000e')},
                     images.image(kernel='cloud'))

        facts = vm.boot()

        self.assertEqual(['vmw_pvscsi'], drivers(facts))
        self.assertEqual(['config-2'], [c['label'] for c in facts['cds']])
        self.assertEqual(['vmxnet3'], drivers(facts, 'nics'))


class FirmwareTest(vms.EngineCase):

    def setUp(self):
        super().setUp()
        if not os.path.exists('/usr/share/OVMF'):
            self.skipTest('ovmf is not installed')

    def test_uefi_from_sata_and_its_variables_stay(self):
        vm = self.vm({**vms.disk_keys('sata0', ''), 'firmware': 'efi'},
                     images.image())
        self.assertEqual('efi', vm.boot()['firmware'])
        vm.run('stop', 'hard')
        with open(vm.file('test.nvram'), 'rb') as f:
            written = f.read()
        self.assertIn('Boot0000'.encode('utf-16-le'), written)
        vm.start()
        with open(vm.file('test.nvram'), 'rb') as f:
            self.assertIn('Boot0000'.encode('utf-16-le'), f.read())

    def test_uefi_from_scsi(self):
        vm = self.vm({**vms.disk_keys(), 'firmware': 'efi'}, images.image())

        facts = vm.boot()

        self.assertEqual('efi', facts['firmware'])
        self.assertIn('the guest gets virtio-scsi-pci instead', vm.log())


class DefectTest(vms.EngineCase):
    """Bugs that only a guest notices, with the exact devices."""

    environ = {'FAKE_VMRUN_QEMU_HARDWARE': 'exact'}

    @testtools.testcase.attr('sample')
    def test_disk_on_another_controller_than_was_asked_for(self):
        vm = self.vm(vms.disk_keys('scsi0', 'lsisas1068'), images.image())

        facts = vm.boot()

        self.assertRaises(testtools.matchers.MismatchError, self.assertEqual,
                          ['vmw_pvscsi'], drivers(facts))
        self.assertEqual(['mptsas'], drivers(facts))

    def test_disk_on_a_controller_that_the_guest_does_not_know(self):
        vm = self.vm(vms.disk_keys('scsi0', 'lsisas1068'),
                     images.image(kernel='cloud'))

        facts = vm.boot()

        self.assertEqual([], facts['disks'])
        self.assertIsNone(console.root_disk(facts))


class ParentTest(vms.EngineCase):
    """A parent disk that was written to: no guest may boot from its child.

    vmrun refuses to start it. QEMU would open it, and serve no read of what
    is not in the child.
    """

    def setUp(self):
        super().setUp()
        images.need_programs('qemu-io')

    def _child(self, vm, parent):
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', '-F',
                        'vmdk', '-b', parent, 'child.vmdk'],
                       cwd=vm.folder, check=True)

    def _write(self, disk):
        subprocess.run(['qemu-io', '-f', 'vmdk', '-c', 'write 1M 512', disk],
                       check=True, stdout=subprocess.DEVNULL)

    @testtools.testcase.attr('sample')
    def test_vmrun_refuses_it(self):
        vm = self.vm(vms.disk_keys('scsi0', 'pvscsi', 0, 'child.vmdk'),
                     images.image())
        self._child(vm, 'disk.vmdk')
        self._write(vm.file('disk.vmdk'))

        vm.run('start', 'nogui', code=255)

        self.assertIn('msg.disk.noBackEnd', vm.log())
        self.assertEqual([], self.processes(vm.folder))

    def test_qemu_does_not_read_it(self):
        vm = self.vm(vms.disk_keys('scsi0', 'pvscsi', 0, 'child.vmdk'))
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk',
                        vm.file('parent.vmdk'), '4M'], check=True)
        self._write(vm.file('parent.vmdk'))
        self._child(vm, 'parent.vmdk')
        self.assertEqual('', self._read(vm))

        self._write(vm.file('parent.vmdk'))

        self.assertIn('Input/output error', self._read(vm))

    def _read(self, vm):
        """Read the child as the engine's QEMU does; return the errors."""
        socket = os.path.join(self.folder, 'socket')
        subprocess.run(['qemu-nbd', '--fork', '--format=vmdk', '--socket',
                        socket, '--', vm.file('child.vmdk')], check=True)
        done = subprocess.run(
            ['qemu-img', 'convert', '-f', 'raw', '-O', 'raw',
             'nbd+unix:///?socket=' + socket, vm.file('read')],
            stderr=subprocess.PIPE, text=True, check=False,
            timeout=vms.COMMAND)
        self.wait_for('the end of qemu-nbd',
                      lambda: not self.processes(socket))
        self.assertEqual(bool(done.returncode), bool(done.stderr))
        return done.stderr
