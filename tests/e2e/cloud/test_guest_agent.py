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

"""The guest agent of Debian, on the serial port that nova-vmrun gives it."""

import base64

from passlib import hash

from tests.e2e.cloud import test_snapshot

_PASSWORD = 'p"w\'\xe4 | $x'
# Then only the agent can shut the guest down.
_USER_DATA = b'ignore-power-button\n'


class GuestAgentTest(test_snapshot.SnapshotCase):

    def said(self, server, word):
        return [rest for each, rest in server.console.lines() if each == word]

    def test_password_freeze_and_clean_stop(self):
        server, _ = self.boot(
            self.plane.image(hw_qemu_guest_agent='yes',
                             os_require_quiesce='yes'),
            user_data=base64.b64encode(_USER_DATA).decode())
        server.console.wait_word('agent')

        self.cloud.compute.change_server_password(server.id, _PASSWORD)
        server.wait('ACTIVE')
        server.console.wait_word('shadow')
        line, = self.said(server, 'shadow')
        user, found = line.split(':')[:2]
        self.assertEqual('root', user)
        self.assertTrue(hash.sha512_crypt.verify(_PASSWORD, found))

        image = self.make_image(server)
        server.wait('ACTIVE')
        self.wait_image(image)
        words = [word for word, _ in server.console.lines()
                 if word in ('freeze', 'thaw')]
        self.assertEqual(['freeze', 'thaw'], words)
        self.assertGoesOn(server)

        self.cloud.compute.stop_server(server.id)
        server.wait('SHUTOFF')
        server.console.wait_word('down')
        self.assertEqual([], server.processes())
        self.cloud.compute.start_server(server.id)
        server.console.wait_boots(2)
        server.wait('ACTIVE')
