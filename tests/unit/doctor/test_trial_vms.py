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
import signal
from unittest import mock

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.host import locks
from tests.unit import base
from tests.unit.doctor import tiny_vms


class TrialVMsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.tiny = self.useFixture(tiny_vms.TinyVMs())
        self.vms = self.tiny.vms

    def test_start_and_stop(self):
        self.vms.write('vm', {'memsize': '128'})
        self.vms.start('vm')
        self.assertTrue(self.vms.is_listed('vm'))
        self.vms.stop('vm')
        self.assertFalse(self.vms.is_listed('vm'))
        settings = self.vms.settings('vm')
        self.assertEqual(('128', 'nova-vmrun-try-vm'),
                         (settings['memsize'], settings['displayName']))

    def test_each_vm_gets_one_disk(self):
        for _ in range(2):
            self.vms.write('vm', {})
        trial_vms.linked.make_child.assert_called_once()

    def test_vm_that_is_not_listed(self):
        self.vms.write('vm', {})
        error = self.assertRaises(steps.Failure, self.vms.require_listed,
                                  'vm')
        self.assertIn('does not list the vm VM', str(error))

    def test_volumes(self):
        for device, extent, kind in (
                (None, 'x-flat.vmdk', flat.MONOLITHIC_FLAT),
                ('/dev/loop1', '/dev/loop1', flat.FULL_DEVICE)):
            with open(self.vms.make_volume('x', device), 'rb') as file:
                data = file.read()
            self.assertIn(b'"%s"' % kind.encode(), data)
            flat.check(data, flat.FlatDisk(
                extent, trial_vms.VOLUME_SIZE // 512, '0' * 32,
                is_device=device is not None))

    def test_descriptor_that_names_another_file(self):
        path = self.vms.make_volume('x')
        self.vms.check_volume('x')
        with open(path) as file:
            text = file.read()
        with open(path, 'w') as file:
            file.write(text.replace('x-flat', 'y-flat'))
        self.assertRaises(exception.InvalidVmdk, self.vms.check_volume, 'x')

    def test_evidence(self):
        self.vms.write('tpm', {'a': '1'})
        self.tiny.write_log('tpm', 'TPM before\n')
        before = self.vms.moment('tpm')
        self.vms.write('tpm', {'a': '1', 'vtpm.present': 'TRUE', 'b': '1'})
        self.tiny.write_log(
            'tpm', 'vtpm %s\nOpened %s\nDICT vtpm.present = "TRUE"\n'
            % ('x' * 400, self.vms.path('tpm/disk.vmdk')))
        self.assertEqual(('vtpm.present = "TRUE"', 'vtpm ' + 'x' * 295),
                         self.vms.evidence('tpm', before, 'tpm'))

    def test_evidence_without_the_keys_of_an_encrypted_vm(self):
        self.vms.write('tpm', {})
        before = self.vms.moment('tpm')
        self.vms.write('tpm', {
            'vtpm.present': 'TRUE', 'vtpm.ekCRT': 'sesame',
            'encryption.keySafe': 'sesame', 'encryptedVM.guid': 'sesame'})
        self.assertEqual(
            ('vtpm.present = "TRUE"', 'vtpm.ekCRT = "***"',
             'encryption.keySafe = "***"', 'encryptedVM.guid = "***"'),
            self.vms.evidence('tpm', before, 'tpm|encrypt'))

    def test_evidence_of_a_new_log(self):
        self.vms.write('vm', {})
        self.tiny.write_log('vm', 'a long log\n' * 9)
        before = self.vms.moment('vm')
        os.unlink(self.vms.path('vm/vmware.log'))
        self.tiny.write_log('vm', 'scsi\n')
        self.assertEqual(('scsi',), self.vms.evidence('vm', before, 'scsi'))

    def test_the_end_of_a_vm_that_needs_a_password(self):
        self.vms.write('vm', {})
        self.tiny.programs.refused = 'stop'
        with mock.patch.object(trial_vms.locks, 'holders', return_value=[
                locks.Holder(7, 'vmware-vmx'), locks.Holder(8, 'sh'),
                locks.Holder(None, None)]), \
                mock.patch('os.kill') as kill:
            self.vms.end()
        kill.assert_called_once_with(7, signal.SIGKILL)
