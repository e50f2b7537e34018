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

"""A second machine becomes a node by two commands, works, and leaves."""

import dataclasses
import os
import pathlib
import signal
import sys
import time

import psutil
import testtools

from nova_vmrun.aio.gateway import keys
from nova_vmrun.cluster import token_file
from tests.cluster import joining

_ACCOUNTS = 'has made accounts'
# Done on the first machine, without the node's knowledge.
_NEW_PASSWORDS = """
import sys
from nova_vmrun.aio import layout, settings
from nova_vmrun.cluster.first import accounts
state = layout.Layout(sys.argv[1])
accounts.create(state, settings.load(state), sys.argv[2])
"""


class NodeTestCase(joining.TestCase):

    def test_a_node_from_its_token_to_its_end(self):
        self.check_join()
        self.check_server()
        self.check_used_token()
        self.check_repair()
        self.check_expired_token()
        self.check_cable()
        self.check_mistake()
        self.check_leave()
        self.check_return()

    def check_join(self):
        began = time.monotonic()
        self.make_token()
        self.join()
        self.wait_for(joining.READY)
        seconds = time.monotonic() - began
        busy = os.getloadavg()[0] / os.cpu_count()
        self.addDetail('seconds', testtools.content.text_content(
            '%.1f s at %.1f processes for each processor' % (seconds, busy)))
        self.assertEqual({'first': 'up', joining.NAME: 'up'}, self.states())

    def check_server(self):
        """Boot a server on the node, and see its screen from the first."""
        self.server = self.boot('web')
        self.assertEqual(joining.NAME, self.host())
        self.check_console()
        refusal = self.first.vmrun('node', 'leave', joining.NAME, status=1)
        self.assertIn('Node %s has 1 server. They are: web (%s).' % (
            joining.NAME, self.server), refusal)
        self.assertIn('has 1 server.', self.second.vmrun('node', 'leave',
                                                         status=1))
        self.assertEqual('up', self.states()[joining.NAME])

    def host(self):
        return self.first.openstack('server', 'show', self.server)[
            'OS-EXT-SRV-ATTR:host']

    def check_console(self):
        url = self.first.openstack('console', 'url', 'show', 'web')['url']
        self.assertEqual('RFB', self.first.greeting(url))

    def check_used_token(self):
        other = self.second.run(
            'nova-vmrun', 'node', 'join', self.token, '--foreground', '--fake',
            '--state-dir', self.second.state + '-other', status=1)
        self.assertIn('The token for node %s has been used by another '
                      'machine. It was last connected from %s,' % (
                          joining.NAME, self.second.address), other)

    def check_repair(self):
        """Break a node, and join again: the server runs on.

        Its passwords are changed, its supervisor is killed, and so is
        a second "join", half way.
        """
        self.first.run(sys.executable, '-c', _NEW_PASSWORDS,
                       self.first.state, joining.NAME)
        for text in (_ACCOUNTS, joining.READY):
            self.kill_node()
            self.join()
            self.wait_for(text)
        self.check_console()

    def kill_node(self):
        self.keeper.send_signal(signal.SIGKILL)
        self.keeper.wait()

    def check_expired_token(self):
        """The node does not know that it has been let in."""
        self.kill_node()
        os.unlink(os.path.join(self.second.state, 'node', 'node.json'))
        path = pathlib.Path(self.token)
        valid = token_file.read(path)
        other = pathlib.Path(self.machines.folder) / 'other'
        keys.make(other)
        dataclasses.replace(valid, private_key=other.read_text()).write(path)
        self.join()
        self.wait_for(joining.READY)
        self.check_console()
        valid.write(path)

    def check_cable(self):
        """Cut the node off, and declare it off: it returns by itself."""
        self.assertIn('sshd answers', self.first.vmrun(
            'node', 'fenced', joining.NAME, status=1))
        before = self.said().count('cannot be reached')
        self.machines.cut()
        # Its last report is too new at first.
        self.wait_until(
            lambda: 'used again by itself' in self.first.vmrun(
                'node', 'fenced', joining.NAME, status=None))
        self.assertEqual('fenced', self.states()[joining.NAME])
        # It may have said so before, when its connection began.
        self.wait_for('cannot be reached', times=before + 1)
        self.machines.mend()
        self.wait_for('Nova uses this node again')
        self.wait_until(lambda: self.states()[joining.NAME] == 'up')

    def check_mistake(self):
        """Declare the node off although only its nova-compute has ended."""
        self.first.vmrun('node', 'fenced', joining.NAME, '--insist')
        for process in psutil.process_iter(['cmdline']):
            words = ' '.join(process.info['cmdline'] or [])
            if 'nova-compute' in words and self.second.state + '/' in words:
                process.kill()
        self.wait_for('Nova uses this node again', times=2)
        self.wait_until(lambda: self.states()[joining.NAME] == 'up')
        self.check_console()

    def check_leave(self):
        self.first.vmrun('node', 'drain', joining.NAME)
        self.assertEqual('first', self.host())
        self.check_console()
        self.first.vmrun('node', 'leave', joining.NAME)
        self.assertEqual({'first': 'up'}, self.states())
        self.wait_for('Permission denied')
        self.stop_node()
        refusal = self.second.vmrun('node', 'join', self.token,
                                    '--foreground', '--fake', status=1)
        self.assertIn('does not let this machine in', refusal)

    def check_return(self):
        """A new token is enough; "leave" ends a node in the foreground."""
        self.make_token()
        self.join()
        self.wait_for(joining.READY)
        refusal = self.second.vmrun('node', 'join', self.token, '--fake',
                                    '--foreground', status=1)
        self.assertIn('Stop it where it was started', refusal)
        self.second.vmrun('node', 'leave')
        self.assertEqual(0, self.keeper.wait(300))
        self.assertEqual({'first': 'up'}, self.states())
