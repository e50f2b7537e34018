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

"""Unix sockets in folders with long paths."""

from __future__ import annotations

import os
import socket
import time

from vmwarefake.engine import base
from vmwarefake import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_LONGEST = 100
_POLL = 0.005
_LISTENING = 0.5


class Folder:
    """The folder of a VM's sockets.

    The name of a socket has at most 108 bytes. In a folder with a longer path
    the name starts with /proc/self/fd/N, a descriptor of the folder. Pass
    :attr:`pass_fds` to processes that bind or connect.

    :param path: an existing folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.pass_fds: tuple[int, ...] = ()
        if len(os.fsencode(path)) + len('/disk-scsi0-15.sock') > _LONGEST:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            self.pass_fds = (fd,)
            self._path = '/proc/self/fd/%d' % fd

    def address(self, name: str) -> str:
        return os.path.join(self._path, name + '.sock')

    def close(self) -> None:
        for fd in self.pass_fds:
            os.close(fd)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def exists(self, name: str) -> bool:
        return os.path.exists(self.address(name))

    def remove(self, name: str) -> None:
        if self.exists(name):
            os.unlink(self.address(name))

    def connect(self, name: str, timeout: float) -> socket.socket:
        """Return a socket connected to ``name``.

        :param timeout: in seconds, for connecting and later for each read.
        :raises OSError: if no process listens there.
        """
        end = time.monotonic() + _LISTENING
        while True:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout)
            try:
                sock.connect(self.address(name))
                return sock
            except OSError as e:
                sock.close()
                # The name appears a moment before its server listens.
                if (not isinstance(e, ConnectionRefusedError)
                        or time.monotonic() > end):
                    raise
            time.sleep(_POLL)


def wait_for_server(folder: Folder, name: str, pid: int, timeout: float,
                    said: abc.Callable[[], str]) -> None:
    """Wait until a new process listens.

    :param pid: a child of this process.
    :param timeout: in seconds.
    :param said: returns the output of the process.
    :raises base.EngineError: if it ends or takes too long.
    """
    end = time.monotonic() + timeout
    while not folder.exists(name):
        if process.reap(pid) is not None:
            raise base.EngineError('msg.engine.died',
                                   said() or 'it ended without output')
        if time.monotonic() > end:
            raise base.EngineError('msg.engine.timeout',
                                   'it does not listen: ' + said())
        time.sleep(_POLL)


def last_lines(path: str, start: int = 0) -> str:
    """Return the end of the output of a process in a file.

    :param start: the size of the file in bytes when the process started, so
        that the output of an earlier one does not count.
    """
    if not os.path.exists(path):
        return ''
    with open(path, 'rb') as f:
        f.seek(start)
        return ' '.join(f.read()[-1000:].decode(errors='replace').split())
