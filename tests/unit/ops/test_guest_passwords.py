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

import base64
import types
from unittest import mock

import fixtures
from nova import crypto
from nova import exception as nova_exception
from passlib import hash as password_hashes

from nova_vmrun import exception
from nova_vmrun.ops import guest_passwords
from nova_vmrun.tools import guest_agent
from tests.unit import agents
from tests.unit.ops import hosts

UUID = hosts.UUID
PASSWORD = 'p"w\'\xe4\u4e2d | $x'
COMMAND = 'guest-set-user-password'


class GuestPasswordsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.make(guest_os='debian12-64')
        self.guest = agents.Guest()
        self.saved = mock.Mock()
        self.key = None

    def make(self, guest_os):
        self.add_server(running=True, vmx=hosts.VMX +
                        'guestOS = "%s"\n' % guest_os)

    def set(self, password=PASSWORD, **properties):
        properties.setdefault('hw_qemu_guest_agent', True)
        self.instance = types.SimpleNamespace(
            uuid=UUID, key_data=self.key, system_metadata={},
            save=self.saved,
            image_meta=types.SimpleNamespace(properties=properties))
        guest_passwords.GuestPasswords(
            self.guest_agents, self.servers.vmx_files).set(
                self.instance, password)

    def told(self, number=0):
        command, arguments = self.guest.asked[number]
        self.assertEqual(COMMAND, command)
        return (arguments['username'], arguments['crypted'],
                base64.b64decode(arguments['password']).decode())

    def test_linux_gets_a_hash(self):
        self.add_agent(self.guest)
        self.set()
        user, is_hashed, text = self.told()
        self.assertEqual(('root', True), (user, is_hashed))
        self.assertTrue(text.startswith('$6$'))
        self.assertTrue(password_hashes.sha512_crypt.verify(PASSWORD, text))
        self.saved.assert_not_called()

    def test_an_agent_that_takes_no_hash(self):
        self.add_agent(self.guest)
        answers = [ValueError('crypted must be off on this host'), {}]
        self.guest.answers[COMMAND] = lambda: answers.pop(0)
        self.set()
        self.assertEqual(('root', False, PASSWORD), self.told(1))

    def test_windows(self):
        self.make(guest_os='windows11-64')
        self.add_agent(self.guest)
        self.set()
        self.assertEqual(('Administrator', False, PASSWORD), self.told())

    def test_another_user(self):
        self.add_agent(self.guest)
        self.set(os_admin_user='debian')
        self.assertEqual('debian', self.told()[0])

    def test_an_image_without_an_agent(self):
        self.add_agent(self.guest)
        self.assertRaises(nova_exception.QemuGuestAgentNotEnabled, self.set,
                          hw_qemu_guest_agent=False)
        self.assertEqual([], self.guest.asked)

    def test_a_vm_without_a_port(self):
        self.assertRaises(nova_exception.SetAdminPasswdNotSupported, self.set)
        self.assertIn('Stop the server and start it again', self.log.output)

    def test_no_agent_in_the_guest(self):
        self.add_agent(self.guest).close()
        self.assertRaises(NotImplementedError, self.set)

    def test_an_agent_that_hangs_up(self):
        self.useFixture(fixtures.MockPatchObject(
            guest_agent, '_COMMAND_SECONDS', 0.3))

        def script(connection):
            connection.synchronise()
            connection.request()

        self.add_agent(script)
        error = self.assertRaises(exception.ToolTimeout, self.set)
        self.assertNotIn(PASSWORD, str(error))

    def test_a_user_who_does_not_exist(self):
        self.add_agent(self.guest)
        self.guest.answers[COMMAND] = ValueError('no such user')
        self.assertRaises(exception.AgentRefused, self.set)
        self.assertNotIn(PASSWORD, self.log.output)

    def test_what_would_end_the_line_is_refused(self):
        self.add_agent(self.guest)
        for password in ('secret\nroot:x', 'secret\r', 'sec\0ret', '',
                         'secret' * 100, 'secret\ud800'):
            error = self.assertRaises(exception.InvalidInput, self.set,
                                      password)
            self.assertNotIn('secret', str(error))
        for user in ('a:b', 'a\nb', 'a' * 256):
            self.assertRaises(exception.InvalidInput, self.set,
                              os_admin_user=user)
        self.assertEqual([], self.guest.asked)

    def test_the_owner_of_a_key_can_read_it(self):
        self.add_agent(self.guest)
        self.key = 'ssh-rsa AAAA'
        with mock.patch.object(crypto, 'ssh_encrypt_text',
                               return_value=b'sealed') as encrypt:
            self.set()
        encrypt.assert_called_once_with(self.key, PASSWORD)
        self.assertEqual(
            base64.b64encode(b'sealed').decode(),
            self.instance.system_metadata['password_0'])
        self.saved.assert_called_once_with()
