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

from nova_vmrun import exception
from nova_vmrun.tools import ssh
from tests.unit import base
from tests.unit import stubs

HOST = '10.0.0.2'


class SshTestCase(base.TestCase):

    def make(self, *answers):
        self.runner = stubs.ScriptedRunner(*answers)
        return ssh.Ssh(self.runner, stubs.conf(
            ssh_path='ssh', scp_path='scp', ssh_timeout=120,
            transfer_timeout=14400))

    def test_run(self):
        self.assertEqual('1\n', self.make((0, '1\n')).run(HOST, 'df -Pk .'))
        call = self.runner.calls[0]
        self.assertEqual('ssh', call[0])
        # Nobody can type a password; an address is never an option.
        self.assertIn('BatchMode=yes', call)
        self.assertEqual(('--', HOST, 'df -Pk .'), call[-3:])
        self.assertEqual({'timeout': 120}, self.runner.options[0])

    def test_send(self):
        self.make().send('/here', HOST, '/there')
        call = self.runner.calls[0]
        self.assertEqual('scp', call[0])
        self.assertLessEqual({'-r', 'BatchMode=yes'}, set(call))
        self.assertEqual(('--', '/here', '10.0.0.2:/there'), call[-3:])
        self.assertEqual({'timeout': 14400}, self.runner.options[0])

    def test_send_to_an_ipv6_address(self):
        self.make().send('/here', 'fd00::2', '/there')
        self.assertEqual('[fd00::2]:/there', self.runner.calls[0][-1])

    def test_brief_contains_the_reason(self):
        tool = self.make((255, 'Warning: something\n'
                               'nova@10.0.0.2: Permission denied.\n'))
        error = self.assertRaises(exception.ToolRefused, tool.run, HOST, ':')
        self.assertIn(HOST, error.brief)
        self.assertIn('Permission denied.', error.brief)
        self.assertIn('without a password', error.resolution)

    def test_remote_command_fails(self):
        tool = self.make((1, "mv: cannot move '/a': Permission denied\n"))
        error = self.assertRaises(exception.ToolRefused, tool.run, HOST, ':')
        self.assertIn('instances_path', error.resolution)

    def test_remote_disk_full(self):
        tool = self.make((1, 'scp: write: No space left on device'))
        self.assertRaises(exception.DiskFull, tool.send, '/a', HOST, '/b')
