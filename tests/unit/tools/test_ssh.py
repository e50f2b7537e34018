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

    def make(self, *answers, **options):
        self.runner = stubs.ScriptedRunner(*answers)
        return ssh.Ssh(self.runner, stubs.conf(**options))

    def test_run(self):
        result = self.make((1, '1\n')).run(HOST, 'program', 'word')
        self.assertEqual((1, '1\n'), (result.exit_code, result.stdout))
        call = self.runner.calls[0]
        self.assertEqual('ssh', call[0])
        # Nobody can type a password; an address is never an option.
        self.assertIn('BatchMode=yes', call)
        self.assertNotIn('-F', call)
        self.assertEqual(('--', HOST, 'program', 'word'), call[-4:])
        self.assertEqual({'timeout': 120, 'feed': None},
                         self.runner.options[0])

    def test_a_transfer_may_take_longer(self):
        def feed(stream):
            stream.write(b'data')

        self.make().run(HOST, 'program', feed=feed)
        self.assertEqual({'timeout': 14400, 'feed': feed},
                         self.runner.options[0])

    def test_a_configuration_file(self):
        self.make(ssh_config='/etc/move').run('b.nova-vmrun', 'program')
        self.assertEqual(('ssh', '-F', '/etc/move'), self.runner.calls[0][:3])

    def test_addresses(self):
        for address in ('10.0.0.2', 'fd00::2', 'fe80::1%eth0', 'a-b.c_d',
                        'nova@node2.nova-vmrun'):
            self.make().run(address, 'program')
        for address in ('', '-oProxyCommand=x', 'a b', 'a;b', '-a@b', 'a b@c',
                        'a@-b', 'a@', '@b', 'é',
                        'a' * 300):
            tool = self.make()
            self.assertRaises(exception.InvalidConfiguration, tool.run,
                              address, 'program')
            self.assertEqual([], self.runner.calls)

    def test_brief_contains_the_reason(self):
        tool = self.make((255, 'Warning: something\n'
                               'nova@10.0.0.2: Permission denied.\n'))
        error = self.assertRaises(exception.ToolRefused, tool.run, HOST, ':')
        self.assertIn(HOST, error.brief)
        self.assertIn('Permission denied.', error.brief)
        self.assertIn('without a password', error.resolution)

    def test_no_such_program(self):
        tool = self.make((127, '', 'sh: 1: program: not found\n'))
        error = self.assertRaises(exception.ToolRefused, tool.run, HOST,
                                  'program')
        self.assertIn('has no program program', error.brief)
        self.assertIn('authorized_keys', error.resolution)
