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

"""Two machines in one: network namespaces with a cable between them."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import fixtures

_TIMEOUT = 300
FIRST, _SECOND = '10.77.1.1', '10.77.1.2'
# Gets the greeting of a VNC server through Nova's proxy.
_GREETING = """
import base64, os, socket, ssl, sys
from urllib import parse
url = parse.urlsplit(sys.argv[1])
path = parse.parse_qs(url.query)['path'][0]
connection = socket.create_connection((url.hostname, url.port), 30)
if url.scheme == 'https':
    connection = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(
        connection, server_hostname=url.hostname)
with connection:
    connection.sendall((
        'GET /%s HTTP/1.1\\r\\nHost: %s\\r\\nUpgrade: websocket\\r\\n'
        'Connection: Upgrade\\r\\nSec-WebSocket-Key: %s\\r\\n'
        'Sec-WebSocket-Version: 13\\r\\nOrigin: %s://%s\\r\\n'
        'Sec-WebSocket-Protocol: binary\\r\\n\\r\\n' % (
            path, url.netloc, base64.b64encode(os.urandom(16)).decode(),
            url.scheme, url.netloc)).encode())
    received = b''
    while b'RFB ' not in received:
        more = connection.recv(4096)
        if not more:
            break
        received += more
print('RFB' if b'RFB 003.' in received else repr(received))
"""


class Machine:
    """A network namespace, and programs that run in it.

    :param address: of the machine on the cable
    :ivar environ: variables of its programs, beside those of this process
    """

    def __init__(self, name: str, address: str, folder: str) -> None:
        self.name = name
        self.address = address
        self.state = os.path.join(folder, name)
        self.environ: dict[str, str] = {}
        self._folder = folder

    def words(self, *words: str) -> list[str]:
        """Return the command that runs another on this machine."""
        return ['ip', 'netns', 'exec', self.name, *words]

    def run(self, *words: str, status: int | None = 0) -> str:
        """Run a command and return what it prints.

        :param status: the exit status that it must have; None: any
        """
        done = subprocess.run(
            self.words(*words), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_TIMEOUT, cwd=self._folder, env=self.variables())
        if status is not None and done.returncode != status:
            raise AssertionError('%s returned %d: %s' % (
                ' '.join(words), done.returncode, done.stdout))
        return done.stdout

    def variables(self) -> dict[str, str]:
        """Return the environment of commands on this machine."""
        path = [os.path.join(sys.prefix, 'bin'), os.environ['PATH']]
        return {**os.environ, **self.environ, 'PATH': os.pathsep.join(path)}

    def vmrun(self, *words: str, status: int | None = 0) -> str:
        """Run a command of nova-vmrun with this machine's state."""
        return self.run('nova-vmrun', *words, '--state-dir', self.state,
                        status=status)

    def client(self, *words: str) -> str:
        """Run the openstack command, and return what it prints."""
        return self.run(
            'env', 'OS_CLIENT_CONFIG_FILE=%s/clouds.yaml' % self.state,
            'OS_CLOUD=nova-vmrun', 'openstack', *words)

    def openstack(self, *words: str) -> Any:
        """Run the openstack command, and return its JSON."""
        printed = self.client(*words, '-f', 'json')
        # Warnings come first.
        start = min(found for found in map(printed.find, '[{') if found >= 0)
        return json.loads(printed[start:])

    def greeting(self, url: str, ca: str = '') -> str:
        """Return RFB if a VNC server answers at a console's URL.

        :param ca: file of the certificate authority, for https
        """
        return self.run(sys.executable, '-c', _GREETING, url, ca).strip()


class Machines(fixtures.Fixture):
    """Two machines that reach each other, and nothing else."""

    def _setUp(self) -> None:
        self.folder = self.useFixture(fixtures.TempDir(
            tempfile.gettempdir())).path
        number = os.getpid() % 10000
        names = ['nvr%d-%d' % (number, each) for each in (1, 2)]
        for name in names:
            self._ip('netns', 'add', name)
            self.addCleanup(self._ip, 'netns', 'delete', name)
        self._ip('link', 'add', 'cable', 'netns', names[0], 'type', 'veth',
                 'peer', 'name', 'cable', 'netns', names[1])
        self.first, self.second = (
            Machine(name, address, self.folder)
            for name, address in zip(names, (FIRST, _SECOND)))
        for machine in (self.first, self.second):
            self._ip('-n', machine.name, 'address', 'add',
                     machine.address + '/24', 'dev', 'cable')
            for device in ('lo', 'cable'):
                self._ip('-n', machine.name, 'link', 'set', device, 'up')

    def _ip(self, *words: str) -> None:
        subprocess.run(['ip', *words], check=True)

    def cut(self) -> None:
        """Pull the cable."""
        self._ip('-n', self.second.name, 'link', 'set', 'cable', 'down')

    def move(self, machine: Machine, address: str) -> None:
        """Give a machine another address instead of the one it has."""
        for verb, each in (('delete', machine.address), ('add', address)):
            self._ip('-n', machine.name, 'address', verb, each + '/24',
                     'dev', 'cable')
        machine.address = address

    def mend(self) -> None:
        """Put the cable back."""
        self._ip('-n', self.second.name, 'link', 'set', 'cable', 'up')
