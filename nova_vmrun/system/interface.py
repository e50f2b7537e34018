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

"""The interface of the implementations for Linux and macOS."""

import abc
from collections.abc import Iterator
from collections.abc import Mapping
import errno
import os
import resource
import tempfile
from typing import BinaryIO


class System(abc.ABC):
    """The operating system of this host.

    :cvar name: as in sys.platform
    :cvar locale: environment variables with which programs print English and
        read paths as UTF-8
    :cvar program_umask: the umask to start programs with; None: our own
    :cvar allows_same_port: whether a port can be bound on one address while
        another program listens to it on another address
    :cvar longest_socket_path: largest length of the path of a Unix socket in
        bytes, without the final zero
    :cvar processor_file: a file that describes the processor; None: use
        processor()
    :cvar forks_safely: whether a process may fork after it has loaded many
        libraries
    :cvar temporary_folder: where to make folders for sockets; None: in TMPDIR
    """

    name: str
    locale: Mapping[str, str]
    program_umask: int | None = None
    allows_same_port: bool = False
    longest_socket_path: int
    forks_safely: bool = True
    processor_file: str | None = None
    temporary_folder: str | None = None

    @abc.abstractmethod
    def enforces_limit(self, kind: int) -> bool:
        """Return whether the kernel can enforce a limit on a resource.

        :param kind: one of resource.RLIMIT_*
        """

    @abc.abstractmethod
    def normalized(self, path: str) -> str:
        """Return a form of a path that is the same for all its spellings.

        :param path: an absolute path without symbolic links
        """

    @abc.abstractmethod
    def start_mark(self, pid: int) -> str | float | None:
        """Return a value that no later process with the same pid has.

        :returns: None if there is no such process, or only a zombie
        """

    @abc.abstractmethod
    def is_lock_holder(self, pid: int, started: int) -> bool:
        """Return whether a process is the one that holds a VMware lock.

        :param pid: from the lock
        :param started: start time from the lock, in the unit that VMware uses
            on this system
        """

    @abc.abstractmethod
    def lock_start_time(self, pid: int) -> int | None:
        """Return the start time of a process as in VMware's locks.

        :returns: None if there is no such process, or only a zombie
        """

    @abc.abstractmethod
    def share_blocks(self, source: str, target: str) -> None:
        """Copy a file by sharing its blocks.

        :param source: the file
        :param target: is created or replaced
        :raises OSError: the file system cannot share blocks, or ENOSPC
        """

    @abc.abstractmethod
    def punch_hole(self, fd: int, size: int) -> None:
        """Turn the beginning of a file into a hole, which takes no space.

        :param fd: of a file that is open for writing
        :param size: bytes, a multiple of the block size of the file system
        :raises OSError: the file system does not support it
        """

    def data(self, fd: int) -> Iterator[tuple[int, int]]:
        """Yield the offset and length of each part that is not a hole.

        If the file system cannot say what is a hole, everything is data.

        :param fd: of a file that is open for reading; its position changes
        """
        offset, size = 0, os.fstat(fd).st_size
        while offset < size:
            try:
                start = os.lseek(fd, offset, os.SEEK_DATA)
            except OSError as error:
                # Either the rest is a hole, or nothing is known about holes.
                if error.errno != errno.ENXIO:
                    yield offset, size - offset
                return
            offset = min(os.lseek(fd, start, os.SEEK_HOLE), size)
            yield start, offset - start

    def processor(self) -> tuple[str | None, str | None]:
        """Return the vendor and the model of the processor, if known."""
        return None, None

    def flush(self, fd: int) -> None:
        """Make a file, or the names in a folder, survive a power cut.

        :raises OSError: it may not survive
        """
        os.fsync(fd)

    def temporary_file(self) -> BinaryIO:
        """Return a new file without a name, in memory if possible."""
        return tempfile.TemporaryFile()

    def command_line(self, pid: int) -> list[str]:
        """Return the command line of a process.

        :returns: arguments; empty if they are unknown
        """
        import psutil
        try:
            return psutil.Process(pid).cmdline()
        except psutil.Error:
            return []

    def start_time(self, pid: int) -> float | None:
        """Return the start time of a process in seconds since 1970.

        :returns: None if there is no such process
        """
        # Commands that only read files start faster without this import.
        import psutil
        try:
            return psutil.Process(pid).create_time()
        except psutil.Error:
            return None

    def allowed_limits(self, wanted: Mapping[int, int]) -> dict[int, int]:
        """Return the resource limits that a program can be started with.

        Our own hard limit is kept if it is lower, because no program may raise
        it.

        :param wanted: limits by resource.RLIMIT_*
        """
        allowed = {}
        for kind, number in wanted.items():
            if self.enforces_limit(kind):
                hard = resource.getrlimit(kind)[1]
                allowed[kind] = (number if hard == resource.RLIM_INFINITY
                                 else min(number, hard))
        return allowed
