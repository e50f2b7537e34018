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

"""Variables, devices, shared folders, upgrade (facts 1.2, 1.5)."""

import subprocess

from tests.contract import base

OFF = 'The virtual machine is not powered on: %s'
ON = 'The virtual machine should not be powered on. It is already running.'


class VariablesTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm(disk=False)

    def test_guest_variable_read_back(self):
        self.done('writeVariable', self.vm.vmx, 'guestVar', 'a', 'one two')
        self.says('one two\n', 'readVariable', self.vm.vmx, 'guestVar', 'a')

    def test_guest_variable_unset_is_an_empty_line(self):
        self.says('\n', 'readVariable', self.vm.vmx, 'guestVar', 'none')

    def test_guest_variable_comes_from_guestinfo(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.vm.set(guestinfo__greeting='hello')
        self.done('start', self.vm.vmx, 'nogui')
        self.says('hello\n', 'readVariable', self.vm.vmx, 'guestVar',
                  'greeting')

    def test_guest_variable_is_lost_at_power_off(self):
        self.done('writeVariable', self.vm.vmx, 'guestVar', 'a', 'b')
        self.done('stop', self.vm.vmx, 'hard')
        self.done('start', self.vm.vmx, 'nogui')
        self.says('\n', 'readVariable', self.vm.vmx, 'guestVar', 'a')

    def test_guest_variable_too_large(self):
        result = self.vmrun('writeVariable', self.vm.vmx, 'guestVar', 'a',
                            'x' * 70000)
        self.assertEqual(255, result.rc)

    @base.needs_guest
    def test_guest_variable_ip(self):
        self.knobs['GUEST_IP'] = '192.0.2.9'
        self.says('192.0.2.9\n', 'readVariable', self.vm.vmx, 'guestVar',
                  'ip')

    def test_runtime_config_reads_the_live_value(self):
        self.says('64\n', 'readVariable', self.vm.vmx, 'runtimeConfig',
                  'memsize')

    def test_runtime_config_write_is_persisted(self):
        self.done('writeVariable', self.vm.vmx, 'runtimeConfig',
                  'annotation', 'note')
        self.says('note\n', 'readVariable', self.vm.vmx, 'runtimeConfig',
                  'annotation')
        self.done('stop', self.vm.vmx, 'hard')
        self.assertEqual('note', self.vm.get('annotation'))

    def test_runtime_config_write_when_off(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.done('writeVariable', self.vm.vmx, 'runtimeConfig',
                  'annotation', 'off')
        self.assertEqual('off', self.vm.get('annotation'))

    @base.needs_guest
    def test_guest_env_needs_a_login(self):
        result = self.vmrun('readVariable', self.vm.vmx, 'guestEnv', 'HOME')
        self.assertEqual(255, result.rc)
        self.assertIn('Anonymous guest operations', result.out)

    @base.needs_guest
    def test_guest_env_on_linux_needs_root(self):
        result = self.run_tool('vmrun', '-gu', 'jo', '-gp', 'x',
                               'writeVariable', self.vm.vmx, 'guestEnv',
                               'A', 'b')
        self.assertEqual(255, result.rc)
        result = self.run_tool('vmrun', '-gu', 'root', '-gp', 'x',
                               'writeVariable', self.vm.vmx, 'guestEnv',
                               'A', 'b')
        self.assertEqual(0, result.rc, result)

    def test_unknown_kind_of_variable(self):
        result = self.vmrun('readVariable', self.vm.vmx, 'nonsense', 'x')
        self.assertEqual(255, result.rc)


class DevicesTest(base.ContractCase):

    def test_device_when_off_refused(self):
        machine = self.make_vm(disk=False)
        self.refused(OFF % machine.vmx, 'connectNamedDevice', machine.vmx,
                     'ethernet0')

    def test_device_disconnect_and_connect(self):
        machine = self.running_vm(disk=False, ethernet0__present='TRUE',
                                  ethernet0__connectionType='nat')
        self.done('disconnectNamedDevice', machine.vmx, 'ethernet0')
        self.done('connectNamedDevice', machine.vmx, 'ethernet0')

    @base.fakes_only
    def test_unplugged_nic_has_no_address(self):
        self.knobs['VERSION'] = '26H1'
        machine = self.running_vm(disk=False, ethernet0__present='TRUE',
                                  ethernet0__connectionType='nat')
        self.done('disconnectNamedDevice', machine.vmx, 'ethernet0')
        self.says('\n', 'getGuestIPAddress', machine.vmx)
        self.done('connectNamedDevice', machine.vmx, 'ethernet0')
        self.assertIn('172.16.41.', self.vmrun('getGuestIPAddress',
                                               machine.vmx).out)

    def test_device_connection_leaves_the_medium(self):
        machine = self.running_vm(
            disk=False, sata0__present='TRUE', sata0_colon_1__present='TRUE',
            sata0_colon_1__deviceType='cdrom-raw',
            sata0_colon_1__fileName='auto detect',
            sata0_colon_1__startConnected='FALSE')
        self.done('disconnectNamedDevice', machine.vmx, 'sata0:1')
        self.assertEqual('auto detect', machine.get('sata0:1.fileName'))

    def test_device_that_is_not_there(self):
        machine = self.running_vm(disk=False)
        result = self.vmrun('connectNamedDevice', machine.vmx, 'serial3')
        self.assertEqual(255, result.rc)

    def test_install_tools_when_off_refused(self):
        machine = self.make_vm(disk=False)
        self.refused(OFF % machine.vmx, 'installTools', machine.vmx)

    def test_install_tools_needs_a_cd_drive(self):
        machine = self.running_vm(disk=False)
        self.refused('The guest operating system does not have a device '
                     'configured for the VMware Tools installation to use',
                     'installTools', machine.vmx)

    def test_install_tools(self):
        machine = self.running_vm(
            disk=False, sata0__present='TRUE', sata0_colon_1__present='TRUE',
            sata0_colon_1__deviceType='cdrom-raw',
            sata0_colon_1__fileName='auto detect')
        self.done('installTools', machine.vmx)

    def test_capture_screen_when_off_refused(self):
        machine = self.make_vm(disk=False)
        self.refused(OFF % machine.vmx, 'captureScreen', machine.vmx,
                     self.path('x.png'))


class UpgradeTest(base.ContractCase):

    def test_upgrade_to_the_newest_hardware(self):
        machine = self.make_vm(disk=False, virtualHW__version='16')
        self.done('upgradevm', machine.vmx)
        self.assertTrue(int(machine.get('virtualHW.version')) > 16)

    def test_upgrade_of_the_newest_changes_nothing(self):
        machine = self.make_vm(disk=False, virtualHW__version='16')
        self.done('upgradevm', machine.vmx)
        newest = machine.get('virtualHW.version')
        self.done('upgradevm', machine.vmx)
        self.assertEqual(newest, machine.get('virtualHW.version'))

    def test_upgrade_when_running_refused(self):
        machine = self.running_vm(disk=False)
        self.refused(ON, 'upgradevm', machine.vmx)

    def test_upgrade_when_suspended_refused(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        self.assertEqual(255, self.vmrun('upgradevm', machine.vmx).rc)

    @base.fakes_only
    def test_upgrade_may_never_exit(self):
        self.use_product('fusion', VERSION='26H1')
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'upgradevm * hang-after'
        child = self.popen('upgradevm', machine.vmx)
        self.wait_for(lambda: machine.get('virtualHW.version') == '22')
        self.assertRaises(subprocess.TimeoutExpired, child.wait, 0.3)


class SharedFoldersTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm(disk=False)

    def test_shared_folder_add_and_remove(self):
        self.done('addSharedFolder', self.vm.vmx, 'share', self.folder)
        self.assertEqual(
            ('TRUE', 'TRUE', 'TRUE', self.folder, 'share', 'never'),
            tuple(self.vm.get('sharedFolder0.' + key) for key in (
                'present', 'enabled', 'readAccess', 'hostPath', 'guestName',
                'expiration')))
        self.done('removeSharedFolder', self.vm.vmx, 'share')
        self.assertNotEqual('TRUE', self.vm.get('sharedFolder0.present'))

    def test_shared_folder_state(self):
        self.done('addSharedFolder', self.vm.vmx, 'share', self.folder)
        self.done('setSharedFolderState', self.vm.vmx, 'share', self.folder,
                  'readonly')
        self.assertEqual('FALSE', self.vm.get('sharedFolder0.writeAccess'))
        self.done('setSharedFolderState', self.vm.vmx, 'share', self.folder,
                  'writable')
        self.assertEqual('TRUE', self.vm.get('sharedFolder0.writeAccess'))

    def test_shared_folder_missing_on_the_host(self):
        result = self.vmrun('addSharedFolder', self.vm.vmx, 'share',
                            self.path('none'))
        self.assertEqual(255, result.rc)

    def test_shared_folders_enable_and_disable(self):
        self.done('enableSharedFolders', self.vm.vmx)
        self.assertEqual('FALSE', self.vm.get('isolation.tools.hgfs.disable'))
        self.done('disableSharedFolders', self.vm.vmx)
        self.assertEqual('TRUE', self.vm.get('isolation.tools.hgfs.disable'))

    def test_shared_folders_runtime_needs_a_running_vm(self):
        self.done('enableSharedFolders', self.vm.vmx, 'runtime')
        self.done('stop', self.vm.vmx, 'hard')
        self.refused(OFF % self.vm.vmx, 'enableSharedFolders', self.vm.vmx,
                     'runtime')
