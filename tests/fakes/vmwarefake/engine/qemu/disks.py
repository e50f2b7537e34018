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

QEMU neither saves nor migrates a machine that has a VMDK open itself, so a
qemu-nbd opens each, and QEMU gets it as a plain disk by a Unix socket. A
server serves one client and ends with it: when QEMU is gone, so are they.
"""

import signal

from vmwarefake.engine import base
from vmwarefake.engine.qemu import options as qemu_options
from vmwarefake.engine.qemu import sockets as qemu_sockets
from vmwarefake import process

_START = 60         # seconds
_FLUSH = 120        # seconds that a server may take to write what it holds


class Servers(object):
    """The disk servers of one VM.

    :param machine: base.Machine.
    :param sockets: qemu_sockets.Folder.
    """

    def __init__(self, machine, sockets):
        self._machine = machine
        self._sockets = sockets

    def start(self, exports):
        """Serve these disks.

        :raises base.EngineError: when one cannot be opened; those that were
            started before it are stopped.
        """
        program = qemu_options.program('qemu-nbd', 'qemu-utils')
        try:
            for export in exports:
                self._start(program, export)
        except base.EngineError:
            self.stop(exports)
            raise

    def _start(self, program, export):
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

    def stop(self, exports):
        """End the servers, after they have written what they hold."""
        for identity in self._identities(exports):
            process.kill_and_wait(identity, signal.SIGTERM, _FLUSH)
        self.wait_gone(exports, 0)
        for export in exports:
            self._sockets.remove(export.name)

    def wait_gone(self, exports, timeout=_FLUSH):
        """Wait for servers whose client has gone; kill what still lives.

        :param timeout: in seconds, for each.
        """
        for identity in self._identities(exports):
            if not process.wait_gone(identity, timeout):
                process.kill_and_wait(identity)

    def _identities(self, exports):
        records = [process.read_record(self._machine.helper_record(e.name))
                   for e in exports]
        return [identity for identity in records if identity]
