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

"""Servers on a host that behaves like macOS, with Fusion."""

import os
from unittest import mock
from urllib import parse

import fixtures
from nova import context
from nova.objects import console_auth_token
import psutil

from nova_vmrun.host import resources
from nova_vmrun.server import vm_process
from nova_vmrun import system
from tests.functional.api import base
from tests.functional import fake_vmware
from tests.functional import glance_uploads
from tests.macos import pretence


class Fusion(base.TestCase):

    KNOBS = {}

    def _setup_services(self):
        self.useFixture(pretence.MacOS())
        self.useFixture(glance_uploads.GlanceUploads())
        self.flags(allow_resize_to_same_host=True)
        super()._setup_services()

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(PRODUCT='fusion', NOISE='1',
                                      **self.KNOBS)

    def act(self, server, body, status):
        self.admin_api.post_server_action(server['id'], body)
        return self._wait_for_state_change(server, status)

    def make_image(self, server):
        image = self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})['image_id']
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        return image


class LifeTestCase(Fusion):

    def test_from_boot_to_delete(self):
        self.assertEqual(system.MACOS, system.here().name)
        self.assertEqual('fusion', self.driver._hypervisor.product.kind)
        self.assertEqual((13, 6, 4), self.driver._hypervisor.product.version)
        server = self.boot(flavor_id=self.add_flavor(disk=0),
                           config_drive=True)
        self.assertRunning(server)
        # Fusion counts microseconds, and so it is known whose locks these
        # are.
        vmx = self.vmx_path(server)
        pid, birth = vm_process.identity(vmx)
        self.assertEqual(psutil.Process(pid).create_time(), birth)
        self.assertTrue(vm_process.is_held_by_vm(os.path.dirname(vmx)))

        image = self.make_image(server)
        self.assertEqual('active', self.glance.show(None, image)['status'])

        self.act(server, {'os-stop': None}, 'SHUTOFF')
        self.assertFalse(self.is_running(server))
        self.assertIsNone(vm_process.identity(vmx))
        self.act(server, {'os-start': None}, 'ACTIVE')

        self.act(server, {'resize': {'flavorRef': self.add_flavor(
            memory_mb=128, disk=1)}}, 'VERIFY_RESIZE')
        self.assertEqual('128', self.vmx(server)['memsize'])
        self.act(server, {'confirmResize': None}, 'ACTIVE')
        self.assertRunning(server)

        # What was made of it is a server's image like any other.
        other = self.boot(image)
        self._delete_server(other)
        self._delete_server(server)
        self.assertNothingLeft()

    def test_nova_hears_that_a_server_has_ended(self):
        """Through kqueue."""
        server = self.boot()
        self.driver.get_info(mock.Mock(uuid=server['id']), use_cache=False)
        self.vmware.run('stop', self.vmx_path(server), 'hard')
        self._wait_for_state_change(server, 'SHUTOFF')


class ConsoleTestCase(Fusion):

    def ask(self, server):
        url = self.admin_api.api_post(
            '/servers/%s/remote-consoles' % server['id'],
            {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}
        ).body['remote_console']['url']
        token = parse.unquote(url).rpartition('token=')[2]
        return console_auth_token.ConsoleAuthToken.validate(
            context.get_admin_context(), token).port

    def test_screen(self):
        server = self.boot()
        self.assertEqual(self.ask(server),
                         int(self.vmx(server)['RemoteDisplay.vnc.port']))

    def test_the_hosts_own_screen_sharing_is_passed_over(self):
        """It answers at each address, and its port can be bound anyhow."""
        first = int(self.compute.manager.driver._hypervisor.consoles
                    ._ports[0])
        with mock.patch('nova_vmrun.host.ports._is_served',
                        lambda family, address, port: port == first):
            server = self.boot()
        self.assertEqual(first + 1,
                         int(self.vmx(server)['RemoteDisplay.vnc.port']))
        self.assertEqual(first + 1, self.ask(server))


class AppleSiliconTestCase(Fusion):

    KNOBS = {'HOST_ARCH': 'arm64', 'VERSION': '26H1'}

    def _setup_services(self):
        self.useFixture(fixtures.MockPatchObject(
            resources.platform, 'machine', return_value='arm64'))
        super()._setup_services()

    def test_an_image_for_arm(self):
        image = self.add_image(properties={'hw_architecture': 'aarch64'})
        server = self.boot(image)
        self.assertTrue(self.vmx(server)['guestOS'].startswith('arm-'))
        self.assertRunning(server)

    def test_an_image_for_x86_is_refused_in_words(self):
        """Nova's filter refuses it, or the driver if the filter is off."""
        image = self.add_image(properties={'hw_architecture': 'x86_64'})
        server = self.boot(image, expected_state='ERROR')
        # Nova's conductor stores it last.
        self.wait_for(lambda: self.admin_api.get_server(server['id']).get(
            'fault'), 'its fault')
        self.assertRegex(self.fault(server), 'x86_64|valid host')
        self.assertEqual([], self.vmware.running())
