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

"""A second machine that becomes a node, and what both say."""

import json
import os
import pathlib
import subprocess
import time

import fixtures
import testtools

from nova_vmrun.aio import processes
from tests.cluster import machines

NAME = 'lab-2'
#: What a node says when servers can be started on it.
READY = 'is up, and its resources are known to Placement'
# Seconds for a whole test.
_LIMIT = 1800


class TestCase(testtools.TestCase):
    """A test with a first machine that is up, and a second.

    :cvar OPTIONS: of "aio up"
    """

    OPTIONS: tuple[str, ...] = ()

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
        self.first.vmrun('aio', 'up', '--bus', '--fake', '--host', 'first',
                         *self.OPTIONS)

    def end_node(self):
        if self.keeper is not None and self.keeper.poll() is None:
            self.stop_node()
        if os.path.exists(self.output):
            with open(self.output) as output:
                self.addDetail('node', testtools.content.text_content(
                    output.read()))
        # Its servers run on.
        processes.end([process.pid for process in processes.using(
            pathlib.Path(self.second.state))], 60)

    def make_token(self):
        """Make a token for the second machine."""
        self.first.vmrun('node', 'token', NAME, '--output', self.token,
                         '--address', self.first.address)

    def join(self, *options):
        """Start "node join" in the foreground."""
        self.start_node('join', self.token, '--foreground', '--fake', *options)

    def stop_node(self):
        """End the command that runs the node, and wait until it has."""
        self.keeper.terminate()
        self.keeper.wait(300)

    def start_node(self, *words):
        """Start a command that runs the node, and wait until it is ready."""
        with open(self.output, 'ab') as output:
            self.begin = output.tell()
            self.keeper = subprocess.Popen(
                self.second.words('nova-vmrun', 'node', *words,
                                  '--state-dir', self.second.state),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.machines.folder, env=self.second.variables())

    def wait_for(self, text, seconds=600, times=1):
        """Wait until the node has said something.

        :param times: how often, since it was last started
        """
        deadline = time.monotonic() + seconds
        while True:
            is_last = (self.keeper.poll() is not None or
                       time.monotonic() > deadline)
            found = self.said()
            if found.count(text) >= times:
                return
            if is_last:
                self.fail('No %r in: %s' % (text, found))
            time.sleep(0.5)

    def said(self):
        """Return what the node has said since it was last started."""
        with open(self.output) as output:
            output.seek(self.begin)
            return output.read()

    def boot(self, name):
        """Boot a server on the node, and return its id."""
        disk = os.path.join(self.machines.folder, 'disk')
        with open(disk, 'wb') as file:
            file.truncate(1 << 20)
        self.first.openstack(
            'image', 'create', 'empty', '--file', disk, '--disk-format',
            'raw', '--container-format', 'bare')
        return self.first.openstack(
            'server', 'create', name, '--image', 'empty', '--flavor',
            'm1.nano', '--network', 'vmnet8', '--wait',
            '--availability-zone', 'nova:' + NAME)['id']

    def wait_until(self, is_so, seconds=600):
        self.assertTrue(processes.wait_until(is_so, seconds, interval=2))

    def states(self):
        return {row['Name']: row['State'] for row in self.json_list()}

    def json_list(self):
        return json.loads(self.first.vmrun('node', 'list', '-f', 'json'))
