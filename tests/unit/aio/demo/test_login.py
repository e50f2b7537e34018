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


import shutil
import subprocess
import types
from unittest import mock

from nova_vmrun.aio.demo import commands
from nova_vmrun.aio.demo import login
from nova_vmrun.aio.demo import session
from nova_vmrun.aio import errors
from tests.unit.aio import base

ANSWER = ('demo.novalocal\nLinux 6.1\n up 1 min\n'
          '172.16.41.1 40000 172.16.41.5 22\n')


class LoginTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.session = session.Session(
            self.layout, self.settings, self.report, False,
            commands.Commands())
        cloud = mock.MagicMock()
        self.patch(session.Session, 'cloud', cloud)
        cloud.network.ports.return_value = [types.SimpleNamespace(
            fixed_ips=[{'ip_address': '172.16.41.5'}])]
        self.compute = cloud.compute
        self.session.server = types.SimpleNamespace(id='id', name='demo')
        self.patch(shutil, 'which', '/usr/bin/{}'.format)
        self.run = mock.Mock(side_effect=self.answer)
        self.patch(subprocess, 'run', self.run)
        self.done = subprocess.CompletedProcess([], 0, ANSWER, '')

    def answer(self, words, **_):
        if words[0] == 'ssh-keygen':
            for path in (self.layout.demo_key,
                         self.layout.demo_key.with_name('demo-key.pub')):
                path.write_text('ssh-ed25519 AAAA')
        return self.done

    def test_key_is_made_once_and_given_to_nova(self):
        for _ in range(2):
            self.assertEqual(['--key-name', 'demo'],
                             login.make_key(self.session))
        self.assertEqual(1, self.run.call_count)
        self.compute.create_keypair.assert_called_with(
            name='demo', public_key='ssh-ed25519 AAAA')
        self.assertIsNone(self.session.no_login)

    def test_no_guest(self):
        self.session.no_guest = 'QEMU is not installed'
        self.assertEqual([], login.make_key(self.session))
        login.log_in(self.session)
        self.assertIn('  nobody can: QEMU is not installed', self.lines())
        self.run.assert_not_called()

    def test_no_ssh(self):
        self.patch(shutil, 'which', lambda name: None)
        self.assertEqual([], login.make_key(self.session))
        login.log_in(self.session)
        self.assertIn('  nobody can: ssh and ssh-keygen is not installed '
                      '(on Debian: apt-get install openssh-client)',
                      self.lines())

    def test_guest_answers(self):
        login.log_in(self.session)
        words = self.run.call_args.args[0]
        self.assertEqual('root@172.16.41.5', words[-2])
        self.assertIn('    up 1 min', ' '.join(
            self.output.getvalue().split('\n')).replace('     ', '    '))
        self.assertIn('  checked: it was reached at 172.16.41.5, which Nova '
                      'shows', self.lines())

    def test_ipv4_comes_first(self):
        port, = self.session.cloud.network.ports()
        port.fixed_ips.insert(0, {'ip_address': '2001:db8::5'})
        login.log_in(self.session)
        self.assertEqual('root@172.16.41.5', self.run.call_args.args[0][-2])

    def test_another_guest_answers(self):
        for text in (ANSWER.replace('demo', 'other'),
                     ANSWER.replace('41.5 22', '41.6 22')):
            self.done.stdout = text
            self.assertRaises(errors.AioError, login.log_in, self.session)

    def test_ssh_fails(self):
        self.done.returncode, self.done.stderr = 255, 'Permission denied'
        error = self.assertRaises(errors.AioError, login.log_in,
                                  self.session)
        self.assertIn('ssh failed with status 255. Permission denied',
                      str(error))
        self.assertIn('Try again. If that does not help, try with --keep, and '
                      'look at: ". %s; openstack console log show demo" and '
                      '"nova-vmrun why --state-dir %s demo".'
                      % (self.layout.openrc_demo, self.layout.root),
                      str(error))

    def test_ssh_does_not_end(self):
        self.run.side_effect = subprocess.TimeoutExpired('ssh', 240)
        self.session.keep = True
        error = self.assertRaises(errors.AioError, login.log_in,
                                  self.session)
        self.assertIn('ssh did not end within 240 s. Look at: ', str(error))
        self.assertIn(' demo", and try again.', str(error))

    def test_key_cannot_be_made(self):
        self.done.returncode, self.done.stderr = 1, 'No space left on device.'
        self.run.side_effect = lambda *_, **__: self.done
        error = self.assertRaises(errors.AioError, login.make_key,
                                  self.session)
        self.assertEqual('ssh-keygen failed with status 1. No space left on '
                         'device. Mend that, and try again.', str(error))
