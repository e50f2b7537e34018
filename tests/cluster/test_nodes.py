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

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import fixtures
import testtools

from nova_vmrun.aio import processes
from tests.cluster import machines

_NAME = 'lab-2'
# Seconds: of the promise, on a machine that has a processor for each process
# that wants one; and for the whole test.
_PROMISE = 60
_LIMIT = 1800
_ACCOUNTS = 'has made accounts'
_READY = 'is up, and its resources are known to Placement'
# Done on the first machine, without the node's knowledge.
_NEW_PASSWORDS = """
import sys
from nova_vmrun.aio import layout, settings
from nova_vmrun.cluster.first import accounts
state = layout.Layout(sys.argv[1])
accounts.create(state, settings.load(state), sys.argv[2])
"""


class NodeTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('only root makes network namespaces')
        self.useFixture(fixtures.Timeout(_LIMIT, gentle=True))
        self.machines = self.useFixture(machines.Machines())
        self.first, self.second = self.machines.first, self.machines.second
        self.token = os.path.join(self.machines.folder, 'token')
        self.output = os.path.join(self.machines.folder, 'node.log')
        self.keeper = None
        self.addCleanup(self.first.vmrun, 'aio', 'wipe', '--yes', status=None)
        self.addCleanup(self.end_node)
        self.first.vmrun('aio', 'up', '--bus', '--fake', '--host', 'first')

    def end_node(self):
        if self.keeper is not None and self.keeper.poll() is None:
            self.keeper.terminate()
            self.keeper.wait(120)
        if os.path.exists(self.output):
            with open(self.output) as output:
                self.addDetail('node', testtools.content.text_content(
                    output.read()))
        # Its servers run on.
        processes.end([process.pid for process in processes.using(
            pathlib.Path(self.second.state))], 5)

    def start_node(self, *words):
        """Start a command that runs the node, and wait until it is ready."""
        with open(self.output, 'ab') as output:
            self.keeper = subprocess.Popen(
                self.second.words('nova-vmrun', 'node', *words,
                                  '--state-dir', self.second.state),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.machines.folder, env=self.second.variables())

    def wait_for(self, text, seconds=300, times=1):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with open(self.output) as output:
                found = output.read()
            if found.count(text) >= times:
                return
            if self.keeper.poll() is not None:
                break
            time.sleep(0.5)
        self.fail('No %r in: %s' % (text, found))

    def states(self):
        return {row['Name']: row['State'] for row in self.json_list()}

    def json_list(self):
        return json.loads(self.first.vmrun('node', 'list', '-f', 'json'))

    def test_a_node_from_its_token_to_its_end(self):
        self.check_join()
        self.check_server()
        self.check_used_token()
        self.check_repair()
        self.check_cable()
        self.check_leave()

    def check_join(self):
        began = time.monotonic()
        self.first.vmrun('node', 'token', _NAME, '--output', self.token,
                         '--address', self.first.address)
        self.start_node('join', self.token, '--foreground', '--fake')
        self.wait_for(_READY)
        seconds = time.monotonic() - began
        busy = max(1, os.getloadavg()[0] / os.cpu_count())
        self.addDetail('seconds', testtools.content.text_content(
            '%.1f s at %.1f processes for each processor' % (seconds, busy)))
        self.assertLess(seconds, _PROMISE * busy)
        self.assertEqual({'first': 'up', _NAME: 'up'}, self.states())

    def check_server(self):
        """Boot a server on the node, and see its screen from the first."""
        disk = os.path.join(self.machines.folder, 'disk')
        with open(disk, 'wb') as file:
            file.truncate(1 << 20)
        self.first.openstack(
            'image', 'create', 'empty', '--file', disk, '--disk-format',
            'raw', '--container-format', 'bare')
        self.server = self.first.openstack(
            'server', 'create', 'web', '--image', 'empty', '--flavor',
            'm1.nano', '--network', 'vmnet8', '--wait',
            '--availability-zone', 'nova:' + _NAME)['id']
        self.assertEqual(_NAME, self.host())
        self.check_console()
        refusal = self.first.vmrun('node', 'leave', _NAME, status=1)
        self.assertIn('Node %s has 1 servers. They are: web (%s).' % (
            _NAME, self.server), refusal)
        self.assertIn('has 1 servers', self.second.vmrun('node', 'leave',
                                                         status=1))
        self.assertEqual('up', self.states()[_NAME])

    def host(self):
        return self.first.openstack('server', 'show', self.server)[
            'OS-EXT-SRV-ATTR:host']

    def check_console(self):
        url = self.first.openstack('console', 'url', 'show', 'web')['url']
        self.assertEqual('RFB', self.first.greeting(url))

    def check_used_token(self):
        other = self.second.run(
            'nova-vmrun', 'node', 'join', self.token, '--fake', '--state-dir',
            self.second.state + '-other', status=1)
        self.assertIn('The token for node %s has been used by another '
                      'machine. It joined from %s' % (
                          _NAME, self.second.address), other)

    def check_repair(self):
        """Break a node, and join again: the server runs on.

        Its passwords are changed, its supervisor is killed, and so is
        a second "join", half way.
        """
        self.first.run(sys.executable, '-c', _NEW_PASSWORDS,
                       self.first.state, _NAME)
        for text in (_ACCOUNTS, _READY):
            self.kill_node()
            self.start_node('join', self.token, '--foreground', '--fake')
            self.wait_for(text, times=2)
        self.check_console()

    def kill_node(self):
        self.keeper.send_signal(signal.SIGKILL)
        self.keeper.wait()

    def check_cable(self):
        """Cut the node off, and declare it off: it returns by itself."""
        self.machines.cut()
        self.first.vmrun('node', 'fenced', _NAME)
        self.assertEqual('fenced', self.states()[_NAME])
        self.wait_for('cannot be reached')
        self.machines.mend()
        self.wait_for('Nova uses this node again')
        self.assertEqual('up', self.states()[_NAME])

    def check_leave(self):
        self.first.vmrun('node', 'drain', _NAME)
        self.assertEqual('first', self.host())
        self.check_console()
        self.first.vmrun('node', 'leave', _NAME)
        self.assertEqual({'first': 'up'}, self.states())
        self.wait_for('Permission denied')
        self.keeper.terminate()
        self.keeper.wait(120)
        refusal = self.second.vmrun('node', 'join', self.token, '--fake',
                                    status=1)
        self.assertIn('does not let this machine in', refusal)
