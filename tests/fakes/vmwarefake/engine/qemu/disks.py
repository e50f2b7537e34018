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

"""Servers of the disks.

QEMU cannot save a machine while it has a VMDK open. So a qemu-nbd opens each
VMDK and serves it to QEMU as a raw disk on a Unix socket. A server ends with
its only client, which is QEMU.
"""

from __future__ import annotations

import signal

from vmwarefake.engine import base
from vmwarefake.engine.qemu import options as qemu_options
from vmwarefake.engine.qemu import sockets as qemu_sockets
from vmwarefake import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake.engine.qemu import storage

_START = 60         # seconds
_FLUSH = 120        # seconds that a server may take to flush its data


class Servers:
    """The disk servers of one VM.

    """

    def __init__(self, machine: base.Machine,
                 sockets: qemu_sockets.Folder) -> None:
        self._machine = machine
        self._sockets = sockets

    def start(self, exports: list[storage.Export]) -> None:
        """Serve these disks.

        :raises base.EngineError: if one cannot be opened; no server is left.
        """
        program = qemu_options.program('qemu-nbd', 'qemu-utils')
        try:
            for export in exports:
                self._start(program, export)
        except base.EngineError:
            self.stop(exports)
            raise

    def _start(self, program: str, export: storage.Export) -> None:
        machine = self._machine
        self._sockets.remove(export.name)
        output = machine.run_file(export.name + '.log')
        argv = [program, '--format=vmdk', '--cache=writeback',
                '--discard=unmap', '--socket',
                self._sockets.address(export.name)]
        if export.throw_away:
            argv.append('--snapshot')
        pid = process.spawn(
            argv + ['--', export.path], machine.helper_record(export.name),
            output, machine.new_session, pass_fds=self._sockets.pass_fds)
        try:
            qemu_sockets.wait_for_server(
                self._sockets, export.name, pid, _START,
                lambda: qemu_sockets.last_lines(output))
        except base.EngineError as e:
            raise base.EngineError(
                'msg.disk.noBackEnd', 'Cannot open the disk \'%s\' of %s: %s'
                % (export.path, export.node, e))

    def stop(self, exports: list[storage.Export]) -> None:
        """Stop the servers after they have flushed their data."""
        for identity in self._identities(exports):
            process.kill_and_wait(identity, signal.SIGTERM, _FLUSH)
        self.wait_gone(exports, 0)
        for export in exports:
            self._sockets.remove(export.name)

    def wait_gone(self, exports: list[storage.Export],
                  timeout: float = _FLUSH) -> None:
        """Wait for servers whose client has ended; kill those that remain.

        :param timeout: in seconds, for each.
        """
        for identity in self._identities(exports):
            if not process.wait_gone(identity, timeout):
                process.kill_and_wait(identity)

    def _identities(self,
                    exports: list[storage.Export]) -> list[process.Identity]:
        records = [process.read_record(self._machine.helper_record(e.name))
                   for e in exports]
        return [identity for identity in records if identity]
