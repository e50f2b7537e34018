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

"""Questions: what answers them, and what happens without an answer (3.6)."""

import os
import shutil
import subprocess

from tests.contract import base
from tests.contract import ports
from tests.contract import vmx

CANCELED = 'The operation was canceled'


class DialogTest(base.ContractCase):

    def with_missing_cd(self, **keys):
        return self.make_vm(
            disk=False, sata0__present='TRUE', sata0_colon_1__present='TRUE',
            sata0_colon_1__deviceType='cdrom-image',
            sata0_colon_1__fileName='none.iso', **keys)

    def test_missing_cd_image_is_canceled(self):
        machine = self.with_missing_cd(msg__autoAnswer=None)
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    def test_missing_cd_image_with_auto_answer(self):
        machine = self.with_missing_cd()
        self.done('start', machine.vmx, 'nogui')

    def test_missing_cd_image_that_is_not_connected(self):
        machine = self.with_missing_cd(
            msg__autoAnswer=None, sata0_colon_1__startConnected='FALSE')
        self.done('start', machine.vmx, 'nogui')

    def moved(self, **keys):
        """Return a VM whose folder was moved after its first run."""
        machine = self.running_vm(disk=False, **keys)
        self.done('stop', machine.vmx, 'hard')
        before = machine.get('uuid.bios')
        os.rename(machine.folder, self.path('moved'))
        new = vmx.VM(self, self.path('moved'), 'vm')
        return new, before

    def test_moved_vm_asks(self):
        machine, _ = self.moved(msg__autoAnswer=None)
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    def test_moved_vm_default_answer_is_copied(self):
        machine, before = self.moved()
        self.done('start', machine.vmx, 'nogui')
        self.assertNotEqual(before, machine.get('uuid.bios'))

    def test_moved_vm_with_uuid_action_keep(self):
        machine, before = self.moved(msg__autoAnswer=None,
                                     uuid__action='keep')
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual(before, machine.get('uuid.bios'))

    def test_copied_vm_with_uuid_action_create(self):
        machine = self.running_vm(disk=False, msg__autoAnswer=None,
                                  uuid__action='create',
                                  ethernet0__present='TRUE',
                                  ethernet0__connectionType='nat')
        self.done('stop', machine.vmx, 'hard')
        shutil.copytree(machine.folder, self.path('copy'))
        copy = vmx.VM(self, self.path('copy'), 'vm')
        self.done('start', copy.vmx, 'nogui')
        for key in ('uuid.bios', 'ethernet0.generatedAddress'):
            self.assertNotEqual(machine.get(key), copy.get(key), key)

    def with_serial_file(self, **keys):
        machine = self.make_vm(
            disk=False, serial0__present='TRUE', serial0__fileType='file',
            serial0__fileName='console.log', msg__autoAnswer=None, **keys)
        with open(machine.path('console.log'), 'w') as f:
            f.write('from before\n')
        return machine

    def test_existing_serial_file_is_truncated(self):
        machine = self.with_serial_file()
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertNotIn('from before', f.read())

    def test_existing_serial_file_answered_append(self):
        machine = self.with_serial_file()
        machine.append('answer.msg.serial.file.open = "Append"\n')
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertTrue(f.read().startswith('from before\n'))

    def test_existing_serial_file_answered_replace(self):
        machine = self.with_serial_file()
        machine.append('answer.msg.serial.file.open = "Replace"\n')
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertNotIn('from before', f.read())

    def test_auto_answer_truncates_serial_files(self):
        machine = self.with_serial_file()
        machine.append('msg.autoAnswer = "TRUE"\n')
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertNotIn('from before', f.read())

    def test_resume_keeps_serial_files(self):
        machine = self.with_serial_file()
        self.done('start', machine.vmx, 'nogui')
        self.done('suspend', machine.vmx)
        with open(machine.path('console.log'), 'a') as f:
            f.write('from before\n')
        self.done('start', machine.vmx, 'nogui')
        with open(machine.path('console.log')) as f:
            self.assertIn('from before', f.read())

    @base.fakes_only
    def test_dialog_may_wait_for_ever(self):
        self.knobs['DIALOGS'] = 'wait'
        machine = self.with_missing_cd(msg__autoAnswer=None)
        child = self.popen('start', machine.vmx, 'nogui')
        self.wait_for(
            lambda: os.path.exists(machine.path('vmware.log')) and
            'Msg_Question:' in machine.log(), 'the question')
        self.assertRaises(subprocess.TimeoutExpired, child.wait, 0.3)
        self.assertNotIn('reply=', machine.log())
        self.assertFalse(machine.is_listed)

    def test_copied_vm_that_kept_its_uuid_has_another_location(self):
        machine, _ = self.moved(uuid__action='keep')
        self.done('start', machine.vmx, 'nogui')
        self.assertNotEqual(machine.get('uuid.bios'),
                            machine.get('uuid.location'))


class LogTest(base.ContractCase):
    """vmware.log says what vmrun does not (3.7)."""

    def test_log_tells_why_a_start_was_canceled(self):
        machine = self.make_vm(disk=False, guestOS='no-such-system')
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')
        lines = machine.log().splitlines()
        error = [n for n, line in enumerate(lines)
                 if line.endswith('Msg_Post: Error')][0]
        self.assertIn('[msg.guestos.badname]', lines[error + 1])
        self.assertTrue(any('----------' in line
                            for line in lines[error + 1:]))

    def test_log_tells_the_vnc_port(self):
        port = ports.free()
        machine = self.make_vm(
            disk=False, RemoteDisplay__vnc__enabled='TRUE',
            RemoteDisplay__vnc__port=port,
            RemoteDisplay__vnc__ip='127.0.0.1')
        self.done('start', machine.vmx, 'nogui')
        self.assertIn('MKSSocketListener: Started VNC server, listening at '
                      '127.0.0.1:%d\n' % port, machine.log())

    def test_log_can_be_switched_off(self):
        machine = self.make_vm(disk=False, logging='FALSE')
        self.done('start', machine.vmx, 'nogui')
        self.assertNotIn('vmware.log', machine.files())

    def test_log_can_have_another_name(self):
        machine = self.make_vm(disk=False, log__fileName='other.log')
        self.done('start', machine.vmx, 'nogui')
        self.assertIn('other.log', machine.files())
