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

"""Unix sockets in a folder whose path may be longer than a socket's name."""

import os
import socket
import time

from vmwarefake.engine import base
from vmwarefake import process

_LONGEST = 100
_POLL = 0.005
_LISTENING = 0.5


class Folder(object):
    """Where a VM has its sockets.

    A socket's name has 108 bytes at most. In a deeper folder it is named
    through a descriptor of the folder, /proc/self/fd/N, which whoever binds
    or connects must have open under that number: pass :attr:`pass_fds` on.

    :param path: an existing folder.
    """

    def __init__(self, path):
        self._path = path
        self.pass_fds = ()
        if len(os.fsencode(path)) + len('/disk-scsi0-15.sock') > _LONGEST:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            self.pass_fds = (fd,)
            self._path = '/proc/self/fd/%d' % fd

    def address(self, name):
        return os.path.join(self._path, name + '.sock')

    def close(self):
        for fd in self.pass_fds:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def exists(self, name):
        return os.path.exists(self.address(name))

    def remove(self, name):
        if self.exists(name):
            os.unlink(self.address(name))

    def connect(self, name, timeout):
        """Return a socket connected to ``name``.

        :param timeout: in seconds, for connecting and later for each read.
        :raises OSError: when nobody answers there.
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
                # A name comes a moment before its server listens.
                if (not isinstance(e, ConnectionRefusedError)
                        or time.monotonic() > end):
                    raise
            time.sleep(_POLL)


def wait_for_server(folder, name, pid, timeout, said):
    """Wait until a process that was just started listens.

    :param pid: of that process, a child of ours.
    :param timeout: in seconds.
    :param said: a function that returns what the process has printed.
    :raises base.EngineError: when it ends, or takes too long.
    """
    end = time.monotonic() + timeout
    while not folder.exists(name):
        if process.reap(pid) is not None:
            raise base.EngineError('msg.engine.died',
                                   said() or 'it ended and said nothing')
        if time.monotonic() > end:
            raise base.EngineError('msg.engine.timeout',
                                   'it does not listen: ' + said())
        time.sleep(_POLL)


def last_lines(path):
    """Return the end of what a process has printed to a file."""
    if not os.path.exists(path):
        return ''
    with open(path, errors='replace') as f:
        return ' '.join(f.read()[-1000:].split())
