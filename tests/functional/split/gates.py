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

"""Gates that stop a program or a connection until a test opens them."""

import os
import pathlib
import shutil
import socket
import threading

import fixtures

_QEMU_IMG = '''\
#!/bin/sh
gate="{folder}/$1"
if [ -e "$gate" ]; then
    : > "$gate.reached"
    while [ -e "$gate" ]; do sleep 0.05; done
fi
exec "{program}" "$@"
'''
_BYTES = 1 << 16


class QemuImg(fixtures.Fixture):
    """A qemu-img that can be stopped before it begins.

    :ivar path: of the program
    """

    def _setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self._gates = pathlib.Path(folder)
        self.path = os.path.join(folder, 'qemu-img')
        with open(self.path, 'w') as file:
            file.write(_QEMU_IMG.format(folder=folder,
                                        program=shutil.which('qemu-img')))
        os.chmod(self.path, 0o700)

    def close(self, verb):
        """Stop each call with a verb."""
        (self._gates / verb).touch()

    def is_reached(self, verb):
        return (self._gates / (verb + '.reached')).exists()

    def open(self, verb):
        (self._gates / verb).unlink()
        (self._gates / (verb + '.reached')).unlink()


class Proxy(fixtures.Fixture):
    """A TCP proxy that can stop in the middle of a transfer.

    :param port: port of the server on 127.0.0.1
    :ivar port: port of the proxy
    """

    FROM_SERVER, TO_SERVER = 'from server', 'to server'

    def __init__(self, port):
        self._server = port
        self._held = None
        self._reached = threading.Event()
        self._open = threading.Event()

    def _setUp(self):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self.addCleanup(self._listener.close)
        self.addCleanup(self._open.set)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self, direction, after):
        """Stop transfers in a direction.

        :param after: bytes of a connection that pass first
        """
        self._reached.clear()
        self._open.clear()
        self._held = direction, after

    def is_reached(self):
        return self._reached.is_set()

    def open(self):
        self._held = None
        self._open.set()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(('127.0.0.1', self._server))
            for ends in ((client, server, self.TO_SERVER),
                         (server, client, self.FROM_SERVER)):
                threading.Thread(target=self._pass_on, args=ends,
                                 daemon=True).start()

    def _pass_on(self, source, target, direction):
        passed = 0
        try:
            while data := source.recv(_BYTES):
                passed += len(data)
                self._wait_if_held(direction, passed)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # The process at one end was killed.
            source.close()
            target.close()

    def _wait_if_held(self, direction, passed):
        held = self._held
        if held and direction == held[0] and passed > held[1]:
            self._reached.set()
            self._open.wait()
