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

"""The process of a plain VM: VNC, serial ports and a guest that obeys.

Run as ``python -I -S .../guest/machine.py RUN_DIR VMX``. It reads
RUN_DIR/machine.json, writes RUN_DIR/ready.json once VNC listens (or cannot),
and then does what RUN_DIR/command says at each SIGUSR1. It ends when told
to, or when its pid record is gone with the state folder.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import stat
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))

from vmwarefake.guest import agent          # noqa: E402
from vmwarefake.guest import rfb            # noqa: E402
from vmwarefake.guest import screen         # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WATCH = 1          # seconds between looks at the pid record


def write_json(path: str, value: Any) -> None:
    temporary = path + '.tmp'
    with open(temporary, 'w', encoding='utf-8') as f:
        json.dump(value, f)
    os.rename(temporary, path)


class Machine:
    """The machine; it has one thread."""

    def __init__(self, run_dir: str, vmx: str) -> None:
        self._run_dir = run_dir
        with open(self._file('machine.json'), encoding='utf-8') as f:
            self._plan = json.load(f)
        self._selector = selectors.DefaultSelector()
        self._vmx = vmx
        self._clients: dict[socket.socket, rfb.Client | None] = {}
        self._paused = False
        self._boots = self._plan.get('boots', 0)
        self._typed = self._plan.get('typed', '')
        self._born = time.monotonic() - self._plan.get('uptime', 0)
        self._screen = screen.Screen()
        self._ended = False
        self._agent = self._new_agent(self._plan.get('frozen', False))

    def _file(self, name: str) -> str:
        return os.path.join(self._run_dir, name)

    # -- life ------------------------------------------------------------

    def run(self) -> None:
        self._catch_signals()
        vnc = self._listen_vnc()
        self._listen_pipes()
        if not self._plan.get('resumed'):
            self._boot()
        self._draw()
        write_json(self._file('ready.json'), vnc)
        while not self._ended:
            self._step()

    def _catch_signals(self) -> None:
        reader, wake = os.pipe()
        for fd in (reader, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGUSR1, lambda *args: None)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._selector.register(reader, selectors.EVENT_READ,
                                self._signalled)

    def _step(self) -> None:
        ready = self._selector.select(_WATCH)
        for key, events in ready:
            if key.fd in self._selector.get_map():
                key.data(key.fileobj, events)
        if not ready and not os.path.exists(self._plan['record']):
            self._ended = True

    def _signalled(self, reader: int, events: int) -> None:
        os.read(reader, 64)
        try:
            with open(self._file('command'), encoding='utf-8') as f:
                number, _, command = f.read().strip().partition(' ')
        except OSError:
            return
        answer = getattr(self, '_do_' + command)()
        write_json(self._file('answer.json'), [int(number), answer])

    # -- commands of the tools -----------------------------------------

    def _do_pause(self) -> None:
        self._paused = True
        return self._draw()

    def _do_unpause(self) -> None:
        self._paused = False
        return self._draw()

    def _do_reset(self) -> None:
        self._typed = ''
        self._born = time.monotonic()
        self._boot()
        return self._draw()

    def _do_shut_down(self) -> None:
        self._print(['reboot: Power down'])
        write_json(self._file('powered-off.json'), True)
        self._ended = True

    def _do_state(self) -> dict[str, Any]:
        """Return what a suspend saves and a resume restores."""
        return {'uptime': time.monotonic() - self._born,
                'boots': self._boots, 'typed': self._typed,
                'frozen': self._agent.frozen}

    # -- the guest -------------------------------------------------------

    def _boot(self) -> None:
        self._boots += 1
        self._agent = self._new_agent()
        self._print(self._plan['console'])

    def _print(self, lines: list[str]) -> None:
        data = ''.join(line + '\r\n' for line in lines).encode()
        for path in self._plan['serial_files']:
            with open(path, 'ab') as f:
                f.write(data)
        for client in list(self._clients):
            if self._clients[client] is None:
                self._send_pipe(client, data)

    def _draw(self) -> None:
        self._screen.lines = [
            self._plan['name'], os.path.basename(self._vmx),
            'paused' if self._paused else 'running',
            'boot %d' % self._boots, '> ' + self._typed[-40:]]
        for client, viewer in list(self._clients.items()):
            if viewer is not None:
                viewer.changed()
                self._flush(client)

    def _key(self, keysym: int) -> None:
        if not self._paused and 32 <= keysym < 127:
            self._typed += chr(keysym)
            self._draw()
        elif keysym == 0xff0d and not self._paused:
            self._typed = ''
            self._draw()

    # -- VNC -------------------------------------------------------------

    def _listen_vnc(self) -> dict[str, Any]:
        vnc = self._plan.get('vnc')
        if not vnc:
            return {'vnc': None}
        family = socket.AF_INET6 if ':' in vnc['ip'] else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((vnc['ip'], vnc['port']))
            server.listen(16)
        except (OSError, OverflowError) as e:
            server.close()
            return {'vnc': None, 'error': str(e)}
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ,
                                self._accept_viewer)
        return {'vnc': '%s:%d' % (vnc['ip'], vnc['port'])}

    def _accept_viewer(self, server: socket.socket, events: int) -> None:
        password = self._plan['vnc']['password']
        viewer = rfb.Client(
            None if password is None else bytes.fromhex(password),
            self._screen.pixels, self._plan['name'], self._key)
        client = self._accept(server, viewer)
        if client:
            self._flush(client)

    def _accept(self, server: socket.socket,
                viewer: rfb.Client | None) -> socket.socket | None:
        try:
            client = server.accept()[0]
        except OSError:
            return None
        client.setblocking(False)
        self._clients[client] = viewer
        self._selector.register(client, selectors.EVENT_READ, self._serve)
        return client

    def _serve(self, client: socket.socket, events: int) -> None:
        viewer = self._clients[client]
        if events & selectors.EVENT_READ:
            try:
                data = client.recv(65536)
            except BlockingIOError:
                data = None
            except OSError:
                data = b''
            if data == b'':
                return self._drop(client)
            if data and viewer is not None:
                try:
                    viewer.receive(data)
                except (rfb.Closed, ValueError):
                    self._flush(client)
                    return self._drop(client)
            elif data and not self._paused:
                self._send_pipe(client, data)           # a terminal echoes
        self._flush(client)

    def _flush(self, client: socket.socket) -> None:
        viewer = self._clients.get(client)
        if viewer is None:
            return
        try:
            while viewer.out:
                sent = client.send(viewer.out)
                del viewer.out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            return self._drop(client)
        wanted = selectors.EVENT_READ
        if viewer.out:
            wanted |= selectors.EVENT_WRITE
        self._selector.modify(client, wanted, self._serve)

    def _drop(self, client: socket.socket) -> None:
        if client in self._clients:
            del self._clients[client]
            self._selector.unregister(client)
            client.close()

    # -- serial ports on pipes -------------------------------------------

    def _listen_pipes(self) -> None:
        pipes = dict.fromkeys(self._plan['serial_pipes'],
                              self._accept_terminal)
        if self._plan['agent_pipe']:
            pipes[self._plan['agent_pipe']] = self._accept_host
        for path, accept in pipes.items():
            try:
                if stat.S_ISSOCK(os.lstat(path).st_mode):
                    os.unlink(path)
            except OSError:
                pass            # there is none
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                server.bind(path)
                server.listen(4)
            except OSError:
                server.close()
                continue
            server.setblocking(False)
            self._selector.register(server, selectors.EVENT_READ, accept)

    def _accept_terminal(self, server: socket.socket, events: int) -> None:
        client = self._accept(server, None)
        if client:
            text = ''.join(line + '\r\n' for line in self._plan['console'])
            self._send_pipe(client, text.encode())

    # -- the guest agent -------------------------------------------------

    def _new_agent(self, frozen: bool = False) -> agent.Agent:
        return agent.Agent(self._plan['agent'], frozen, self._record,
                           self._do_shut_down)

    def _record(self, command: str, arguments: dict[str, Any]) -> None:
        with open(self._plan['agent_log'], 'a', encoding='utf-8') as f:
            f.write(json.dumps([command, arguments]) + '\n')

    def _accept_host(self, server: socket.socket, events: int) -> None:
        try:
            host = server.accept()[0]
        except OSError:
            return
        host.setblocking(False)
        self._selector.register(host, selectors.EVENT_READ, self._serve_host)

    def _serve_host(self, host: socket.socket, events: int) -> None:
        try:
            data = host.recv(65536)
            if data and not self._paused:
                host.send(self._agent.receive(data))
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if not data:
            self._selector.unregister(host)
            host.close()

    def _send_pipe(self, client: socket.socket, data: bytes) -> None:
        try:
            client.send(data)
        except BlockingIOError:
            pass                # a serial line loses data that nobody reads
        except OSError:
            self._drop(client)


if __name__ == '__main__':
    Machine(sys.argv[1], sys.argv[2]).run()
