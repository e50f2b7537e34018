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

"""fence_openstack, with which a cluster switches off a node that hangs."""

from tests.clients import base

# The agent's exit code for a server that is off, if asked for the status.
_OFF = 2


class FenceTestCase(base.ProgramCase):

    program = 'fence_openstack'

    def test_fences_a_server(self):
        server, facts = self.boot()
        self.assertIn('Status: ON', self.fence(server, 'status'))
        self.assertIn('Success: Powered OFF', self.fence(server, 'off'))
        server.wait('SHUTOFF')
        self.assertIn('Status: OFF', self.fence(server, 'status', _OFF))
        self.assertIn('Success: Powered ON', self.fence(server, 'on'))
        server.wait('ACTIVE')
        self.assertIn('Success: Rebooted', self.fence(server, 'reboot'))
        server.wait('ACTIVE')
        self.assertIn(server.id, self.fence(server, 'list'))

    def fence(self, server, action, code=0):
        done = self.run_words(
            self.executable, '--cloud', base.CLOUD, '--plug', server.id,
            '--action', action)
        self.assertEqual(code, done.returncode, done.stdout)
        return done.stdout
