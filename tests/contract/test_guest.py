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

"""Commands for the guest (facts 1.2, 1.5)."""

import os
import subprocess
import time

from tests.contract import base

LOGIN = ('-gu', 'root', '-gp', 'x')
NO_LOGIN = ('Anonymous guest operations are not allowed on this virtual '
            'machine. You must call VixVM_LoginInGuest before performing '
            'guest operations')
TOOLS_DOWN = ('The VMware Tools are not running in the virtual machine: %s')


class GuestCase(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm(disk=False, ethernet0__present='TRUE',
                                  ethernet0__connectionType='nat')

    def guest(self, verb, *arguments, user=LOGIN):
        return self.run_tool('vmrun', '-T', self.kind, *user, verb,
                             self.vm.vmx, *arguments)

    def guest_done(self, *arguments):
        result = self.guest(*arguments)
        self.assertEqual((0, ''), (result.rc, result.out), result)

    def guest_refused(self, text, *arguments, user=LOGIN):
        result = self.guest(*arguments, user=user)
        self.assertEqual((255, 'Error: %s\n' % text),
                         (result.rc, result.out), result)


@base.fakes_only
class ToolsTest(GuestCase):

    def test_check_tools_state_running(self):
        self.says('running\n', 'checkToolsState', self.vm.vmx)

    def test_check_tools_state_installed(self):
        self.knobs['TOOLS'] = 'installed'
        self.says('installed\n', 'checkToolsState', self.vm.vmx)

    @base.sample
    def test_check_tools_state_unknown_exits_254(self):
        self.knobs['TOOLS'] = 'unknown'
        result = self.vmrun('checkToolsState', self.vm.vmx)
        self.assertEqual((254, 'unknown\n'), (result.rc, result.out))

    @base.sample
    def test_address_is_one_bare_line(self):
        self.knobs['GUEST_IP'] = '192.0.2.7'
        self.says('192.0.2.7\n', 'getGuestIPAddress', self.vm.vmx)

    def test_address_may_be_ipv6(self):
        self.knobs['GUEST_IP'] = '2001:db8::7'
        self.says('2001:db8::7\n', 'getGuestIPAddress', self.vm.vmx)

    def test_address_is_in_the_dhcp_pool(self):
        result = self.vmrun('getGuestIPAddress', self.vm.vmx)
        prefix, _, last = result.out.strip().rpartition('.')
        self.assertEqual('172.16.41', prefix)
        self.assertTrue(128 <= int(last) <= 253, result)

    def test_no_address_yet(self):
        self.knobs['GUEST_IP'] = 'none'
        self.says('unknown\n', 'getGuestIPAddress', self.vm.vmx)

    def test_no_address_yet_on_26h1(self):
        self.knobs.update(GUEST_IP='none', VERSION='26H1')
        self.says('\n', 'getGuestIPAddress', self.vm.vmx)

    def test_no_address_may_be_an_error(self):
        self.knobs.update(GUEST_IP='none', NO_ADDRESS='error')
        self.refused('Unable to get the IP address', 'getGuestIPAddress',
                     self.vm.vmx)

    def test_variable_tells_the_address_that_is_denied(self):
        self.knobs.update(GUEST_IP='192.0.2.7', ADDRESS_DENIED='1')
        self.refused(TOOLS_DOWN % self.vm.vmx, 'getGuestIPAddress',
                     self.vm.vmx)
        self.says('192.0.2.7\n', 'readVariable', self.vm.vmx, 'guestVar',
                  'ip')

    def test_no_variable_with_the_address_without_tools(self):
        self.knobs.update(GUEST_IP='192.0.2.7', TOOLS='installed')
        self.says('\n', 'readVariable', self.vm.vmx, 'guestVar', 'ip')

    def test_suspended_vm_tells_its_old_address(self):
        self.knobs['GUEST_IP'] = '192.0.2.7'
        self.done('suspend', self.vm.vmx)
        self.knobs['GUEST_IP'] = 'none'
        self.says('192.0.2.7\n', 'getGuestIPAddress', self.vm.vmx)

    def test_tools_may_be_told_installed_until_a_login(self):
        self.knobs['TOOLS_LOGIN'] = '1'
        self.says('installed\n', 'checkToolsState', self.vm.vmx)
        self.assertEqual(0, self.guest('listProcessesInGuest').rc)
        self.says('running\n', 'checkToolsState', self.vm.vmx)

    def test_nic_may_come_up_without_carrier(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.knobs.update(NO_CARRIER='ethernet0', VERSION='26H1')
        self.done('start', self.vm.vmx, 'nogui')
        self.says('\n', 'getGuestIPAddress', self.vm.vmx)
        self.done('reset', self.vm.vmx, 'hard')
        self.says('\n', 'getGuestIPAddress', self.vm.vmx)
        self.done('connectNamedDevice', self.vm.vmx, 'ethernet0')
        result = self.vmrun('getGuestIPAddress', self.vm.vmx)
        self.assertTrue(result.out.startswith('172.16.41.'), result)

    def test_address_with_tools_down(self):
        self.knobs['TOOLS'] = 'unknown'
        self.refused(TOOLS_DOWN % self.vm.vmx, 'getGuestIPAddress',
                     self.vm.vmx)

    def test_address_wait_can_hang(self):
        self.knobs['GUEST_IP'] = 'none'
        self.assertRaises(subprocess.TimeoutExpired, self.vmrun,
                          'getGuestIPAddress', self.vm.vmx, '-wait',
                          timeout=0.6)

    def test_address_wait_blocks_until_tools_run(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.knobs.update(TOOLS_DELAY='600', GUEST_IP='192.0.2.7')
        begin = time.time()
        self.done('start', self.vm.vmx, 'nogui')
        self.refused(TOOLS_DOWN % self.vm.vmx, 'getGuestIPAddress',
                     self.vm.vmx)
        delay = time.time() - begin + 0.4
        self.knobs['TOOLS_DELAY'] = str(delay)
        self.says('192.0.2.7\n', 'getGuestIPAddress', self.vm.vmx, '-wait')
        self.assertTrue(time.time() >= begin + delay)

    def test_guest_commands_wait_for_tools(self):
        self.knobs.update(TOOLS='unknown', TOOLS_WAIT='0.3')
        result = self.guest('listProcessesInGuest')
        self.assertIn('Tools are not running', result.out)
        self.assertTrue(result.seconds >= 0.3, result.seconds)


class GuestOffTest(base.ContractCase):

    def test_guest_commands_when_off_refused(self):
        machine = self.make_vm(disk=False)
        text = 'The virtual machine is not powered on: %s' % machine.vmx
        self.refused(text, 'getGuestIPAddress', machine.vmx)
        self.refused(text, 'readVariable', machine.vmx, 'guestVar', 'x')
        result = self.run_tool('vmrun', '-T', self.kind, *LOGIN,
                               'fileExistsInGuest', machine.vmx, '/x')
        self.assertEqual(255, result.rc)


@base.fakes_only
class LoginTest(GuestCase):

    def test_guest_login_missing(self):
        self.guest_refused(NO_LOGIN, 'fileExistsInGuest', '/x', user=())

    def test_guest_login_bad(self):
        self.knobs['GUEST_USERS'] = 'root:right'
        self.guest_refused('Invalid user name or password for the guest OS',
                           'fileExistsInGuest', '/x')

    def test_guest_command_with_tools_down(self):
        self.knobs['TOOLS'] = 'installed'
        self.guest_refused(TOOLS_DOWN % self.vm.vmx, 'fileExistsInGuest',
                           '/x')

    def test_interactive_with_nobody_logged_in(self):
        self.guest_refused(
            'The specified guest user must be logged in interactively to '
            'perform this operation', 'runProgramInGuest', '-interactive',
            '/bin/true')

    def test_interactive_with_that_user_logged_in(self):
        self.knobs['LOGGED_IN'] = 'root'
        self.guest_done('runProgramInGuest', '-interactive', '/bin/true')

    def test_interactive_with_another_logged_in(self):
        self.knobs['LOGGED_IN'] = 'jo'
        self.guest_refused(
            'The specified guest user does not match the user currently '
            'logged in interactively', 'runProgramInGuest', '-interactive',
            '/bin/true')


@base.fakes_only
class ProgramsTest(GuestCase):

    def test_program_that_succeeds_is_silent(self):
        self.guest_done('runProgramInGuest', '/bin/true')

    @base.sample
    def test_program_exit_code_is_told(self):
        result = self.guest('runProgramInGuest', '/bin/sh', '-c', 'exit 7')
        self.assertEqual('Guest program exited with non-zero exit code: 7\n',
                         result.out)

    def test_program_exit_code_passes_through(self):
        result = self.guest('runProgramInGuest', '/bin/sh', '-c', 'exit 7')
        self.assertEqual(7, result.rc)

    def test_program_options_come_before_the_program(self):
        self.guest_done('runProgramInGuest', '-noWait', '/bin/sleep', '60')

    def test_program_missing_in_the_guest(self):
        self.guest_refused('A file was not found', 'runProgramInGuest',
                           '/no/such/program')

    def test_program_output_is_not_carried(self):
        self.guest_done('runProgramInGuest', '/bin/echo', 'hello')

    def test_script_is_text(self):
        self.guest_done('runScriptInGuest', '/bin/sh',
                        'echo one > /tmp/made')
        result = self.guest('fileExistsInGuest', '/tmp/made')
        self.assertEqual(0, result.rc, result)

    def test_script_exit_code(self):
        result = self.guest('runScriptInGuest', '/bin/sh',
                            'true && exit 3')
        self.assertEqual((3, 'Guest program exited with non-zero exit code: '
                          '3\n'), (result.rc, result.out))

    def test_list_processes(self):
        lines = self.guest('listProcessesInGuest').out.splitlines()
        self.assertEqual(len(lines) - 1, int(lines[0].rpartition(' ')[2]))
        self.assertIn('pid=1, owner=root, cmd=/sbin/init', lines)

    def test_list_processes_head_line(self):
        out = self.guest('listProcessesInGuest').out
        self.assertTrue(out.startswith('Process list: '), out)

    def test_kill_process(self):
        self.guest_done('runProgramInGuest', '-noWait', '/bin/sleep', '60')
        line = [text for text in self.guest(
            'listProcessesInGuest').out.splitlines()
            if 'cmd=/bin/sleep 60' in text][0]
        pid = line.partition('pid=')[2].partition(',')[0]
        self.guest_done('killProcessInGuest', pid)
        self.assertNotIn('/bin/sleep', self.guest(
            'listProcessesInGuest').out)

    def test_kill_missing_process(self):
        self.guest_refused('No such process', 'killProcessInGuest', '99999')

    def test_type_keystrokes_refused(self):
        self.guest_refused('Insufficient permissions in the host operating '
                           'system', 'typeKeystrokesInGuest', 'ls')

    def test_shutdown_in_the_guest_powers_off(self):
        self.guest_done('runProgramInGuest', '/sbin/poweroff')
        self.assertFalse(self.vm.is_listed)
        self.assertEqual('TRUE', self.vm.get('softPowerOff'))

    def test_capture_screen_is_png(self):
        self.guest_done('captureScreen', self.path('out.png'))
        with open(self.path('out.png'), 'rb') as f:
            self.assertEqual(b'\x89PNG\r\n\x1a\n', f.read(8))

    def test_capture_screen_needs_a_login(self):
        self.guest_refused(NO_LOGIN, 'captureScreen', self.path('out.png'),
                           user=())


@base.fakes_only
class FilesTest(GuestCase):

    def test_file_exists(self):
        self.guest_done('runScriptInGuest', '/bin/sh', 'touch /tmp/a')
        result = self.guest('fileExistsInGuest', '/tmp/a')
        self.assertEqual((0, 'The file exists.\n'), (result.rc, result.out))

    def test_file_does_not_exist_text(self):
        self.assertEqual('The file does not exist.\n', self.guest(
            'fileExistsInGuest', '/tmp/none').out)

    def test_file_does_not_exist_exit_code(self):
        self.assertEqual(1, self.guest('fileExistsInGuest', '/none').rc)

    def test_directory_exists(self):
        result = self.guest('directoryExistsInGuest', '/tmp')
        self.assertEqual((0, 'The directory exists.\n'),
                         (result.rc, result.out))

    def test_directory_does_not_exist(self):
        result = self.guest('directoryExistsInGuest', '/none')
        self.assertEqual((1, 'The directory does not exist.\n'),
                         (result.rc, result.out))

    def test_list_directory(self):
        self.guest_done('createDirectoryInGuest', '/tmp/d')
        self.guest_done('createDirectoryInGuest', '/tmp/d/e')
        result = self.guest('listDirectoryInGuest', '/tmp/d')
        self.assertEqual((0, 'Directory list: 1\ne\n'),
                         (result.rc, result.out))

    def test_create_and_delete_directory(self):
        self.guest_done('createDirectoryInGuest', '/tmp/d')
        self.guest_done('deleteDirectoryInGuest', '/tmp/d')
        self.assertEqual(1, self.guest('directoryExistsInGuest',
                                       '/tmp/d').rc)

    def test_create_tempfile_prints_its_path(self):
        path = self.guest('createTempfileInGuest').out.strip()
        self.assertEqual(0, self.guest('fileExistsInGuest', path).rc, path)

    def test_delete_and_rename_file(self):
        path = self.guest('createTempfileInGuest').out.strip()
        self.guest_done('renameFileInGuest', path, '/tmp/new')
        self.guest_done('deleteFileInGuest', '/tmp/new')
        self.guest_refused('A file was not found', 'deleteFileInGuest',
                           '/tmp/new')

    def test_guest_file_missing(self):
        self.guest_refused('A file was not found', 'CopyFileFromGuestToHost',
                           '/none', self.path('x'))

    def test_copy_there_and_back(self):
        data = os.urandom(70000)
        with open(self.path('in'), 'wb') as f:
            f.write(data)
        self.guest_done('CopyFileFromHostToGuest', self.path('in'),
                        '/tmp/x')
        self.guest_done('copyFileFromGuestToHost', '/tmp/x',
                        self.path('out'))
        with open(self.path('out'), 'rb') as f:
            self.assertEqual(data, f.read())

    def test_files_outlive_a_reboot(self):
        self.guest_done('createDirectoryInGuest', '/tmp/d')
        self.done('stop', self.vm.vmx, 'hard')
        self.done('start', self.vm.vmx, 'nogui')
        self.assertEqual(0, self.guest('directoryExistsInGuest',
                                       '/tmp/d').rc)
