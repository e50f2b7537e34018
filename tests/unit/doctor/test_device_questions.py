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

from nova_vmrun.doctor import boot_sector
from nova_vmrun.doctor import device_questions
from nova_vmrun.doctor import steps
from nova_vmrun import exception
from tests.unit import base
from tests.unit.doctor import tiny_vms


class DeviceQuestionsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.tiny = self.useFixture(tiny_vms.TinyVMs())
        self.programs = self.tiny.programs
        self.useFixture(tiny_vms.fast_clock(device_questions))

    def ask(self, name):
        questions = {question.name: question for question in
                     device_questions.DeviceQuestions(self.tiny.vms).all()}
        return questions[name].ask()

    def test_no_vmcli(self):
        for name in ('add a disk to a running VM',
                     'add an adapter to a running VM'):
            error = self.assertRaises(steps.NotAsked, self.ask, name)
            self.assertEqual('no vmcli here.', str(error))
        self.assertEqual([], self.programs.calls)

    def test_disk_that_the_vm_locks(self):
        self.tiny.install('vmcli')
        answer = self.ask('add a disk to a running VM')
        self.assertTrue(answer.is_yes)
        vmx = self.tiny.vms.vmx_path('disk-added')
        self.assertIn(
            (self.tiny.bin + '/vmcli', vmx, 'Disk', 'SetBackingInfo',
             'scsi0:2', 'disk', self.tiny.vms.path('volumes/added.vmdk'),
             'false'), self.programs.calls)
        self.assertEqual([], self.programs.running)

    def test_disk_that_only_the_file_has(self):
        self.patch(device_questions, '_SECONDS', 0)
        self.tiny.install('vmcli')
        self.programs.hears_vmcli = False
        answer = self.ask('add a disk to a running VM')
        self.assertFalse(answer.is_yes)
        self.assertIn('does not lock the disk', answer.text)

    def test_refusing_vmcli(self):
        self.tiny.install('vmcli')
        self.programs.refused = 'SetPresent'
        error = self.assertRaises(steps.Failure, self.ask,
                                  'add a disk to a running VM')
        self.assertIn('vmcli Disk SetPresent failed', str(error))
        self.assertEqual([], self.programs.running)

    def test_adapter(self):
        self.tiny.install('vmcli')
        self.assertTrue(self.ask('add an adapter to a running VM').is_yes)

    def test_adapter_that_only_the_file_has(self):
        self.tiny.install('vmcli')
        self.programs.hears_vmcli = False
        self.assertFalse(self.ask('add an adapter to a running VM').is_yes)

    def test_vmrun_that_connects_anything(self):
        self.tiny.install('vmcli')
        self.programs.adapters.add('ethernet1')
        self.assertRaises(steps.NotAsked, self.ask,
                          'add an adapter to a running VM')

    def add_settings(self, name, text):
        """Add settings to the .vmx when the VM starts, as VMware does."""
        start = self.tiny.vms.start

        def change_and_start(started):
            start(started)
            if started == name:
                with open(self.tiny.vms.vmx_path(name), 'a') as file:
                    file.write(text)
                self.tiny.write_log(name, 'vTPM is here.\nElse.\n')

        self.tiny.vms.start = change_and_start

    def test_tpm(self):
        self.add_settings('tpm', 'vtpm.present = "TRUE"\n')
        answer = self.ask('add a TPM')
        self.assertTrue(answer.is_yes)
        self.assertEqual('The VM has got a TPM, and is not encrypted.',
                         answer.text)
        self.assertEqual(('vtpm.present = "TRUE"', 'vTPM is here.'),
                         answer.evidence)

    def test_no_tpm(self):
        self.assertFalse(self.ask('add a TPM').is_yes)

    def test_vm_that_does_not_start_with_a_tpm(self):
        self.programs.refused = 'start'
        self.assertRaises(exception.VmrunError, self.ask, 'add a TPM')

    def test_segment(self):
        answer = self.ask('two VMs on a LAN segment')
        self.assertTrue(answer.is_yes)
        first, second = (self.tiny.vms.settings('segment-%d' % number)
                         for number in (1, 2))
        self.assertEqual(first['ethernet0.pvnID'], second['ethernet0.pvnID'])
        self.assertNotEqual(first['ethernet0.address'],
                            second['ethernet0.address'])

    def test_segment_that_vmware_takes_away(self):
        start = self.tiny.vms.start

        def start_and_forget(name):
            start(name)
            path = self.tiny.vms.vmx_path(name)
            with open(path) as file:
                text = file.read()
            with open(path, 'w') as file:
                file.write(text.replace('"pvn"', '"bridged"'))

        self.tiny.vms.start = start_and_forget
        answer = self.ask('two VMs on a LAN segment')
        self.assertFalse(answer.is_yes)
        self.assertEqual('VMware has changed ethernet0.connectionType.',
                         answer.text)

    def test_sockets(self):
        for name in ('start with an old socket of a serial port',
                     'socket of a serial port',
                     'serial port that nobody reads'):
            self.assertTrue(self.ask(name).is_yes, name)
            self.assertEqual([], self.programs.running)

    def test_no_socket(self):
        self.programs.has_sockets = False
        error = self.assertRaises(steps.Failure, self.ask,
                                  'socket of a serial port')
        self.assertIn('Nothing listens', str(error))
        self.assertEqual([], self.programs.running)

    def write_notes(self, notes):
        """Have the guest write to its second serial port."""
        start = self.tiny.vms.start

        def start_and_write(name):
            start(name)
            with open(self.tiny.vms.path(name + '/notes.log'), 'wb') as file:
                file.write(notes)

        self.tiny.vms.start = start_and_write
        return self.ask('guest that fills a serial port')

    def test_guest_that_writes_all(self):
        answer = self.write_notes(boot_sector.START + boot_sector.PART * 64 +
                                  boot_sector.END)
        self.assertEqual((True, ''), (answer.is_yes, answer.text))
        disk = self.tiny.vms.settings('writer')['scsi0:0.fileName']
        with open(disk.replace('.vmdk', '-flat.vmdk'), 'rb') as file:
            self.assertEqual(boot_sector.build(), file.read(512))

    def test_guest_that_waits_for_the_port(self):
        answer = self.write_notes(boot_sector.START + boot_sector.PART * 47)
        self.assertFalse(answer.is_yes)
        self.assertIn('188 of 256 KiB', answer.text)

    def test_guest_that_does_not_boot(self):
        error = self.assertRaises(steps.NotAsked, self.write_notes, b'')
        self.assertEqual('the guest does not boot.', str(error))

    def test_guest_of_the_fakes(self):
        with open(self.tiny.vms.product.vmrun, 'w') as file:
            file.write('exec fake_vmrun')
        self.assertRaises(steps.NotAsked, self.ask,
                          'guest that fills a serial port')
        self.assertEqual([], self.programs.calls)
