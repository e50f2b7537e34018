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

import fixtures
import testscenarios

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import kernel_modules
from nova_vmrun.ops.power import start_errors
from nova_vmrun.server import vm_log
from tests.unit import base
from tests.unit.ops import hosts

DICT = ('DICT virtualHW.version = "22"', 'DICT vtpm.present = "FALSE"',
        'DICT ethernet0.vnet = "/dev/vmnet8"')


def posted(*lines, head='Msg_Post: Error'):
    return (*DICT, head, *lines, '-' * 40)


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.lost = self.useFixture(fixtures.MockPatchObject(
            kernel_modules, 'missing_devices', return_value=[])).mock

    def explain(self, *lines, error=None, **keys):
        path = self.folder + '/vmware.log'
        files.write_atomically(path, '\n'.join(lines))
        error = error or hosts.refused()
        start_errors.explain(error, vm_log.read(path), lambda: vmx.Vmx(
            (name.replace('__', '.'), value) for name, value in keys.items()))
        return error


class KnownTestCase(testscenarios.TestWithScenarios, Base):
    """Texts of real products, and what is to be done."""

    scenarios = [(name, {'lines': lines, 'brief': brief, 'remedy': remedy})
                 for name, lines, brief, remedy in (
        ('no slot', posted('[msg.pci.noslotavail] No PCIe slot available for '
                           'Ethernet0. Remove Ethernet0 and try again.'),
         'No PCIe slot available for Ethernet0', 'Reboot the server hard'),
        ('no slot, e1000e', (*DICT, 'E1000PCI: failed to register e1000e '
                             'device.'),
         'has no port or no slot', 'Reboot the server hard'),
        ('no slot, vmxnet3', ('Vmxnet3 PCI: failed to reserve slot for '
                              'vmxnet3 PCIe device',),
         'has no port or no slot', 'Reboot the server hard'),
        ('vmci', posted('Failed to open device "/dev/vmci": No such file'),
         '/dev/vmci', 'vmware-modconfig'),
        ('vmmon', ('Could not open /dev/vmmon: No such file',),
         'kernel module', 'vmware-modconfig'),
        ('vmnet', posted('[msg.vnet.connectvnet] Could not connect '
                         '\'Ethernet0\' to virtual network "/dev/vmnet8".'),
         'Could not connect', 'vmware-networks --start'),
        ('tpm', posted('[msg.vtpm.poweron.notEncrypted] The virtual machine '
                       'must be encrypted.'),
         'must be encrypted', 'Remove the TPM'),
        ('hardware', posted('[msg.upgrade.hwVersion] It was created by a '
                            'VMware product that is incompatible.'),
         'incompatible', 'newer virtual hardware'),
        ('serial', posted('[msg.serial.file.open] The file exists.',
                          head='Msg_Question:'),
         'an answer to this question: The file exists.',
         'answer.msg.serial.file.open'),
        ('moved', posted('[msg.uuid.altered] Moved or copied?',
                         head='Msg_Question:'),
         'Moved or copied?', 'uuid.action'),
        ('any question', posted('[msg.what.ever] Shall I?',
                                head='Msg_Question:'),
         'Shall I?', 'Answer it'),
        ('hint', posted('[msg.a.b] Mind the gap.', head='Msg_Hint:'),
         'Mind the gap.', ''),
        )]

    def test_it(self):
        for error in (hosts.refused(), hosts.hung()):
            brief = error.brief.rstrip('.')
            found = self.explain(*self.lines, error=error)
            self.assertIn(brief + ': ', found.brief)
            self.assertIn(self.brief, found.brief)
            self.assertIn(self.remedy, found.resolution)


class ExplainTestCase(Base):

    def test_vmx_repeated_in_the_log_is_no_explanation(self):
        error = self.explain(*DICT)
        self.assertEqual('vmrun failed.', error.brief)
        self.assertEqual('', error.resolution)
        self.assertIn('DICT', error.details)

    def test_missing_kernel_modules(self):
        self.lost.return_value = ['/dev/vmmon']
        error = self.explain('no word')
        self.assertIn('/dev/vmmon is missing', error.brief)
        self.assertIn('vmware-modconfig', error.resolution)

    def test_long_cause_leaves_room_for_what_to_do(self):
        cause = 'Failed to open device "/dev/vmci": %s.' % ('No such file ' *
                                                            20)
        error = self.explain(*posted(cause))
        self.assertIn('Failed to open device "/dev/vmci"', error.brief)
        self.assertLessEqual(len(error.brief), 145)
        self.assertIn(cause.rstrip('.').strip()[:200], error.details)

    def test_reason_in_the_log_comes_before_missing_modules(self):
        self.lost.return_value = ['/dev/vmnet0']
        error = self.explain(*posted('No disk.'))
        self.assertIn('No disk.', error.brief)
        self.assertNotIn('modconfig', error.resolution)

    def test_keys_that_were_seen_to_cancel_a_start(self):
        for key, value in (('mks__enable3d', 'TRUE'),
                           ('managedvm__autoAddVTPM', 'software'),
                           ('vtpm__present', 'TRUE')):
            error = self.explain(**{key: value})
            self.assertIn(key.replace('__', '.'), error.resolution)
            error = self.explain(error=hosts.hung(), **{key: value})
            self.assertNotIn('template', error.resolution)
        self.assertEqual('', self.explain(mks__enable3d='FALSE').resolution)

    def test_unknown_error_is_vague(self):
        for text, vague in (('Unknown error', True),
                            ('Unknown error in module x', False),
                            ('The file is already in use', False)):
            error = exception.ToolRefused('a', output='Error: ' + text)
            self.assertEqual(vague, start_errors.is_vague(error), text)
        self.assertTrue(start_errors.is_vague(hosts.refused()))
