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

"""What each side of the room has to answer."""

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
    :cvar locale: variables that make programs print English and take paths
        as UTF-8
    :cvar program_umask: the umask that programs are started with; None: ours
    :cvar binds_beside_others: whether a port can be bound at one address
        while somebody else listens to it at another
    :cvar longest_socket_path: bytes of the path of a Unix socket, without the
        zero at its end
    :cvar processor_file: a file that tells all of the processor; None: only
        processor() tells something
    :cvar temporary_folder: where folders with sockets are made; None: where
        TMPDIR says
    """

    name: str
    locale: Mapping[str, str]
    program_umask: int | None = None
    binds_beside_others: bool = False
    longest_socket_path: int
    processor_file: str | None = None
    temporary_folder: str | None = None

    @abc.abstractmethod
    def keeps_limit(self, kind: int) -> bool:
        """Whether the kernel can be told to keep a limit of resources.

        :param kind: one of resource.RLIMIT_*
        """

    @abc.abstractmethod
    def same_spelling(self, path: str) -> str:
        """Returns what is equal for all spellings of one file's path.

        :param path: an absolute path without symbolic links
        """

    @abc.abstractmethod
    def birth(self, pid: int) -> str | float | None:
        """Returns when a process was born: what no later one of its pid has.

        :returns: None if there is no such process; a zombie is none
        """

    @abc.abstractmethod
    def is_lock_holder(self, pid: int, born: int) -> bool:
        """Whether a process is the one that made a VMware lock.

        :param pid: from the lock
        :param born: from the lock, in VMware's unit for this system
        """

    @abc.abstractmethod
    def lock_birth(self, pid: int) -> int | None:
        """Returns when a process was born, as VMware's locks tell it.

        :returns: None if there is no such process; a zombie is none
        """

    @abc.abstractmethod
    def share_blocks(self, source: str, target: str) -> None:
        """Copies a file without its content, where the file system can.

        :param source: the file
        :param target: replaced if it is there
        :raises OSError: it cannot; ENOSPC if that is why
        """

    @abc.abstractmethod
    def give_back(self, fd: int, size: int) -> None:
        """Makes the beginning of a file a hole that takes no space.

        :param fd: a file that is open for writing
        :param size: bytes, whole blocks of the file system
        :raises OSError: the file system cannot
        """

    def data(self, fd: int) -> Iterator[tuple[int, int]]:
        """Yield the offset and length of each part that is not a hole.

        What the file system does not know to be a hole counts as data.

        :param fd: a file that is open for reading; moves its position
        """
        offset, size = 0, os.fstat(fd).st_size
        while offset < size:
            try:
                start = os.lseek(fd, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    # The rest of the file is a hole.
                    return
                raise
            offset = min(os.lseek(fd, start, os.SEEK_HOLE), size)
            yield start, offset - start

    def processor(self) -> tuple[str | None, str | None]:
        """Returns the maker and the model of the processor, if known."""
        return None, None

    def flush(self, fd: int) -> None:
        """Lets a file, or the names in a folder, survive a power cut.

        :raises OSError: it may not survive
        """
        os.fsync(fd)

    def file_in_memory(self) -> BinaryIO:
        """Makes a file without a name, in memory where that can be."""
        return tempfile.TemporaryFile()

    def command_line(self, pid: int) -> list[str]:
        """Returns the words of a process's command.

        :returns: an empty list if they are not known
        """
        import psutil
        try:
            return psutil.Process(pid).cmdline()
        except psutil.Error:
            return []

    def time_of_birth(self, pid: int) -> float | None:
        """Returns when a process was born, in seconds since 1970.

        :returns: None if there is no such process
        """
        # Commands that only read files do without it, and start faster.
        import psutil
        try:
            return psutil.Process(pid).create_time()
        except psutil.Error:
            return None

    def allowed_limits(self, wanted: Mapping[int, int]) -> dict[int, int]:
        """Returns which limits of resources a program can be given.

        A lower hard limit of our own is kept: no program may raise it.

        :param wanted: numbers, by resource.RLIMIT_*
        """
        allowed = {}
        for kind, number in wanted.items():
            if self.keeps_limit(kind):
                hard = resource.getrlimit(kind)[1]
                allowed[kind] = (number if hard == resource.RLIM_INFINITY
                                 else min(number, hard))
        return allowed
