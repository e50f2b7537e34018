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


import subprocess

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import ssh_program
from nova_vmrun.aio import ssh_route
from tests.unit import base

TARGET = ssh_route.Hop('id-1', 'web', '10.9.0.5', 'debian')
JUMP = ssh_route.Hop('id-2', 'app', '172.16.41.24', 'root')
PROXY = ['/py thon', 'connect', "--state-dir=/it's %h"]


def shell_words(text):
    """Return the words of a command as a shell reads them."""
    return subprocess.run(
        ['sh', '-c', 'printf "%s\\n" ' + text], check=True,
        stdout=subprocess.PIPE, text=True).stdout.splitlines()


def replaced(command, host):
    """Replace ssh's tokens, as ssh does."""
    parts = command.split('%%')
    return '%'.join(part.replace('%h', host).replace('%p', '22')
                    for part in parts)


class WordsTestCase(base.TestCase):

    def proxy_of(self, words):
        value, = (word for word in words if word.startswith('ProxyCommand='))
        return value.partition('=')[2]

    def test_host_reaches_the_server(self):
        self.assertEqual(
            ['ssh', '-o', 'HostKeyAlias=id-1', '-l', 'debian', '10.9.0.5',
             '-v', 'uptime'],
            ssh_program.Ssh().words(ssh_route.Route(TARGET),
                                    ['-v', 'uptime']))

    def test_keys(self):
        words = ssh_program.Ssh(known_hosts='/a b/known_hosts',
                                identity='/a b/id').words(
                                    ssh_route.Route(TARGET))
        self.assertEqual(
            ['-o', 'UserKnownHostsFile="/a b/known_hosts"', '-o',
             'StrictHostKeyChecking=accept-new', '-o',
             'IdentityFile="/a b/id"', '-o', 'IdentitiesOnly=yes'],
            words[3:11])

    def test_paths_with_what_ssh_would_replace(self):
        ssh = ssh_program.Ssh(known_hosts='/a%b/known', identity='/100%/id')
        words = ssh.words(ssh_route.Route(TARGET, JUMP))
        self.assertIn('UserKnownHostsFile="/a%%b/known"', words)
        self.assertIn('IdentityFile="/100%%/id"', words)
        # The command of the jump is replaced once more.
        jump = shell_words(replaced(self.proxy_of(words), '10.9.0.5'))
        self.assertIn('IdentityFile="/100%%/id"', jump)

    def test_path_that_ssh_cannot_use(self):
        ssh = ssh_program.Ssh(identity='/${HOME}/id')
        self.assertRaises(errors.AioError, ssh.words,
                          ssh_route.Route(TARGET))

    def test_proxy(self):
        words = ssh_program.Ssh(PROXY).words(ssh_route.Route(TARGET))
        command = replaced(self.proxy_of(words), '10.9.0.5')
        self.assertEqual([*PROXY, '10.9.0.5', '22'], shell_words(command))

    def test_through_another_server(self):
        words = ssh_program.Ssh(PROXY, '/k', '/i').words(
            ssh_route.Route(TARGET, JUMP))
        self.assertEqual('10.9.0.5', words[-1])
        jump = shell_words(replaced(self.proxy_of(words), '10.9.0.5'))
        self.assertEqual(['-W', '[10.9.0.5]:22', '172.16.41.24'], jump[-3:])
        self.assertIn('HostKeyAlias=id-2', jump)
        self.assertEqual('root', jump[jump.index('-l') + 1])
        self.assertIn('IdentityFile="/i"', jump)
        inner = replaced(self.proxy_of(jump), '172.16.41.24')
        self.assertEqual([*PROXY, '172.16.41.24', '22'], shell_words(inner))


class ReplaceTestCase(base.TestCase):

    def test_program_takes_over(self):
        run = self.useFixture(fixtures.MockPatch('os.execv')).mock
        ssh_program.replace_process(['sh', '-c', 'true'])
        (path, words), _ = run.call_args
        self.assertTrue(path.endswith('/sh'))
        self.assertEqual(['sh', '-c', 'true'], words)

    def test_missing_program(self):
        self.useFixture(fixtures.EnvironmentVariable('PATH', '/nowhere'))
        error = self.assertRaises(errors.AioError,
                                  ssh_program.replace_process, ['ssh'])
        self.assertIn('ssh is not installed. Install it:', str(error))
