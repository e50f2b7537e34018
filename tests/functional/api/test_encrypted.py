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

"""A VM that a user has encrypted in the VMware window."""

import logging
import os

import fixtures

from tests.functional.api import volumes
from tests.functional import fake_vmware

# As VMware's window writes them; the last one has to be escaped.
_LINES = (
    b'vmx.encryptionType = "partial"',
    b'encryption.keySafe = "vmware:key/list/(pair/(phrase/aB3%2bSESAME%3d/'
    b'pass2key%3dPBKDF2%2dHMAC%2dSHA%2d1%3acipher%3dAES%2d256%3arounds%3d1000'
    b'0%3asalt%3dQUJD,HMAC%2dSHA%2d1,SESAME+/=))"',
    b'encryption.data = "SESAME+/0123456789abcdef=="',
    b'encryptedVM.guid = "{8A2F1C5E-SESAME-4D70-9E33-5B6C7D8E9F00}"',
    b'vtpm.present = "TRUE"',
    b'vtpm.ekCSR = "MIICSESAME+/=="',
    b'vtpm.ekCRT = "MIIDSESAME|22and|7Cmore|22=="',
)


class _WithPassword(fake_vmware.FakeVmware):
    """Gives vmrun the password, so that a start succeeds after each edit."""

    def _setUp(self):
        super()._setUp()
        os.unlink(self.vmrun)
        with open(self.vmrun, 'w') as file:
            file.write('#!/bin/sh\nif [ -e %s/encrypted ]\nthen\n'
                       '  exec %s -vp secret "$@"\nfi\nexec %s "$@"\n' % (
                           self.state, *[os.path.join(
                               fake_vmware.FAKES, 'fake_vmrun')] * 2))
        os.chmod(self.vmrun, 0o700)

    def give_password(self):
        with open(os.path.join(self.state, 'encrypted'), 'w'):
            pass


class EncryptedVmTestCase(volumes.TestCase):

    def _fake_vmware(self):
        return _WithPassword()

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.logger = self.useFixture(fixtures.FakeLogger(
            level=logging.DEBUG))
        self.server = self.boot_stopped(networks=[
            {'port': self.neutron.port_1['id']}])
        with open(self.vmx_path(self.server), 'ab') as file:
            file.write(b'\n'.join([*_LINES, b'']))

    def act(self, action, status, options=None):
        self.admin_api.post_server_action(self.server['id'],
                                          {action: options})
        self._wait_for_state_change(self.server, status)
        self.assertKept(action)

    def assertKept(self, step):
        with open(self.vmx_path(self.server), 'rb') as file:
            lines = file.read().splitlines()
        self.assertEqual([], [line for line in _LINES if line not in lines],
                         'lost by %s' % step)

    def test_keys_survive_whatever_is_done_to_the_server(self):
        volume = self.cinder.add()
        self.refuse_to_start()
        self.vmware.give_password()
        self.act('os-start', 'ACTIVE')
        self.act('os-stop', 'SHUTOFF')
        self.attach(self.server, volume)
        self.assertKept('attach of a volume')
        port = dict(self.neutron._ports[self.neutron.port_1['id']],
                    id=self.neutron.port_2['id'], device_id='',
                    mac_address='fa:16:3e:00:00:02')
        self.neutron._ports[port['id']] = port
        self._attach_interface(self.server, port['id'])
        self.assertKept('attach of a port')
        self.act('os-start', 'ACTIVE')
        self.act('resize', 'VERIFY_RESIZE', {
            'flavorRef': self.add_flavor(memory_mb=1024, disk=2)})
        self.act('confirmResize', 'ACTIVE')
        self.act('rescue', 'RESCUE',
                 {'rescue_image_ref': self.add_image()})
        self.act('unrescue', 'ACTIVE')
        self.act('os-stop', 'SHUTOFF')
        self.act('createImage', 'SHUTOFF', {'name': 'copy'})
        self.detach(self.server, volume)
        self.assertKept('detach of a volume')
        self._detach_interface(self.server, port['id'])
        self.assertKept('detach of a port')
        self.act('reboot', 'ACTIVE', {'type': 'HARD'})
        self.assertIn('-T ws start', self.logger.output)
        self.assertNotIn('SESAME', self.logger.output)

    def refuse_to_start(self):
        """Without the password, there is a reason and nothing is lost."""
        self.admin_api.post_server_action(self.server['id'],
                                          {'os-start': None})
        event = self._wait_for_action_fail_completion(
            self.server, 'start', 'compute_start_instance')
        self.assertIn('A password is required', event['details'])
        self.assertKept('a start without the password')
