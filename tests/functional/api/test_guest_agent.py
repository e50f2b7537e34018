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

"""The QEMU guest agent, from the API to the guest's serial port."""

import base64

from nova.tests.functional.api import client as api_client

from nova_vmrun.formats import iso
from nova_vmrun.machine import vendor_data
from tests.functional.api import base
from tests.functional.api import volumes
from tests.functional import fake_vmware
from tests.functional import glance_uploads

_PASSWORD = 'p"w\'ä | $x'
_FREEZE, _THAW = 'guest-fsfreeze-freeze', 'guest-fsfreeze-thaw'


class TestCase(base.TestCase):

    # The path of a socket is short, and Nova's folders are in one another.
    FOLDERS = '/tmp'
    AGENT = 'works'

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(AGENT=self.AGENT, TOOLS='unknown')

    def setUp(self):
        super().setUp()
        self.useFixture(glance_uploads.GlanceUploads())

    def boot_with_agent(self, **properties):
        properties.setdefault('hw_qemu_guest_agent', 'yes')
        return self.boot(self.add_image(properties=properties))

    def commands(self):
        return [command for command, _ in self.vmware.asked_agents()]

    def set_password(self, server, password=_PASSWORD):
        """Return the status of the API's answer."""
        try:
            self.admin_api.post_server_action(
                server['id'], {'changePassword': {'adminPass': password}})
        except api_client.OpenStackApiException as error:
            return error.response.status_code
        return 202

    def create_image(self, server):
        self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})


class AgentTestCase(TestCase):

    def take(self):
        """Return the commands since the last call."""
        commands = self.commands()
        found, self.taken = commands[self.taken:], len(commands)
        return found

    taken = 0

    def act(self, action, state):
        self.admin_api.post_server_action(self.server['id'], {action: {}})
        self._wait_for_state_change(self.server, state)

    def test_life(self):
        """One server for all: each boot of Nova takes seconds."""
        self.server = server = self.boot_with_agent(
            hw_serial_port_count='2', os_admin_user='debian',
            os_require_quiesce='yes')
        self.check_ports()
        self.check_vendor_data()
        self.check_password()
        self.check_diagnostics()
        self.act('pause', 'PAUSED')
        self.act('unpause', 'ACTIVE')
        self.assertEqual(['guest-set-time'], self.take())
        self.act('suspend', 'SUSPENDED')
        self.act('resume', 'ACTIVE')
        self.assertEqual(['guest-set-time'], self.take())
        self.create_image(server)
        self.assertEqual([_FREEZE, _THAW], self.take())
        self.assertRunning(server)
        self._reboot_server(server)
        self.assertEqual(['guest-shutdown'], self.take())
        self.assertRunning(server)
        before = len(self.vmware.calls())
        self._stop_server(server)
        self.assertEqual(['guest-shutdown'], self.take())
        self.assertNotIn(('vmrun', 'stop'), self.vmware.verbs_since(before))

    def check_vendor_data(self):
        """Cloud-init in the guest is told to install the agent."""
        found = iso.read(self.path(self.server, 'config-drive.iso'))
        self.assertEqual(
            vendor_data.add(b'{}'),
            found['openstack/latest/vendor_data.json'])

    def check_ports(self):
        vmx = self.vmx(self.server)
        self.assertEqual(
            ['console.log', self.path(self.server, 'agent'), 'serial1.log'],
            [vmx['serial%d.fileName' % number] for number in range(3)])
        self.assertEqual('pipe', vmx['serial1.fileType'])

    def check_password(self):
        self.assertEqual(202, self.set_password(self.server))
        (command, arguments), = self.vmware.asked_agents()
        self.assertEqual('guest-set-user-password', command)
        self.assertEqual(('debian', True),
                         (arguments['username'], arguments['crypted']))
        self.assertTrue(base64.b64decode(arguments['password']).startswith(
            b'$6$'))
        self.assertEqual(409, self.set_password(self.server, 'a\nroot:b'))
        self.assertEqual(1, len(self.vmware.asked_agents()))
        self.assertNotIn(_PASSWORD, self.stdlog.logger.output)

    def check_diagnostics(self):
        self.admin_api.microversion = '2.47'
        found = self.admin_api.api_get(
            '/servers/%s/diagnostics' % self.server['id']).body
        self.admin_api.microversion = self.microversion
        self.assertEqual(
            ('Fake Linux 1', '192.168.80.140', ['192.168.80.140']),
            (found['guest_os'], found['guest_address'],
             found['guest_addresses']))
        self.take()

    def test_other_passwords(self):
        server = self.boot_with_agent(os_type='windows')
        self.assertEqual(202, self.set_password(server))
        (_command, arguments), = self.vmware.asked_agents()
        self.assertEqual(('Administrator', False),
                         (arguments['username'], arguments['crypted']))
        self.assertEqual(_PASSWORD, base64.b64decode(
            arguments['password']).decode())
        server = self.boot_with_agent(os_admin_user='nobody')
        self.assertEqual(409, self.set_password(server))
        server = self.boot_with_agent(hw_qemu_guest_agent='no')
        self.assertEqual(409, self.set_password(server))
        # The server can be used as before.
        self.assertRunning(server)
        self._stop_server(server)


class SilentTestCase(TestCase):
    """The image wants an agent, and the guest has none."""

    AGENT = 'silent'

    def images(self):
        return [each for each in self.glance.detail(None)
                if each['name'] == 'mine']

    def test_what_works_without_it(self):
        server = self.boot_with_agent(os_require_quiesce='yes')
        self.assertEqual(501, self.set_password(server))
        self.create_image(server)
        self.assertEqual([], self.images())
        self.assertNotIn('snapshot', [
            verb for _program, verb in self.vmware.verbs_since(0)])
        self.assertRunning(server)
        self._stop_server(server)
        self.assertFalse(self.is_running(server))

        server = self.boot_with_agent()
        self.create_image(server)
        self.assertIn('did not freeze its file systems',
                      self.stdlog.logger.output)
        image, = self.images()
        self.assertEqual('active', image['status'])


class RefusingTestCase(TestCase):
    """The agent in the guest refuses every command."""

    AGENT = 'refuses'

    def test_it_is_thawed(self):
        server = self.boot_with_agent()
        self.create_image(server)
        self.assertEqual([_FREEZE, _THAW], self.commands()[:2])
        self.assertRunning(server)


class VolumesTestCase(volumes.TestCase):
    """Servers with volumes get no VMware snapshot."""

    FOLDERS = '/tmp'

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(AGENT='works')

    def setUp(self):
        super().setUp()
        self.useFixture(glance_uploads.GlanceUploads())

    def test_a_freeze_replaces_the_pause(self):
        server = self.boot(self.add_image(
            properties={'hw_qemu_guest_agent': 'yes'}))
        self._stop_server(server)
        self.attach(server, self.cinder.add())
        self._start_server(server)
        self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        self.assertEqual([_FREEZE, _THAW], [
            command for command, _ in self.vmware.asked_agents()][-2:])
        self.assertNotIn(('vmrun', 'pause'), self.vmware.verbs_since(0))
