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

"""The implementation for Linux."""

import ctypes
import errno
import logging
import os
from typing import BinaryIO

from nova_vmrun.system import interface

LOG = logging.getLogger(__name__)

_BOOT_ID = '/proc/sys/kernel/random/boot_id'
# FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE of linux/falloc.h.
_PUNCH_HOLE = 0x02 | 0x01


class Linux(interface.System):

    name = 'linux'
    # VMware reads paths in the character set of the locale, which is ASCII for
    # plain C. LANGUAGE would take precedence over C.UTF-8.
    locale = {'LC_ALL': 'C.UTF-8', 'LANGUAGE': ''}
    longest_socket_path = 107
    processor_file = '/proc/cpuinfo'

    def enforces_limit(self, kind: int) -> bool:
        return True

    def normalized(self, path: str) -> str:
        return path

    def start_mark(self, pid: int) -> str | None:
        # Ticks since boot do not change when the clock is set.
        ticks = self.lock_start_time(pid)
        return None if ticks is None else '%s %d' % (boot_id(), ticks)

    def is_lock_holder(self, pid: int, started: int) -> bool:
        ticks = self.lock_start_time(pid)
        return _is_hidden(pid) if ticks is None else ticks == started

    def lock_start_time(self, pid: int) -> int | None:
        try:
            with open('/proc/%d/stat' % pid, 'rb') as file:
                # The second field, the name, may contain spaces and brackets.
                fields = file.read().rpartition(b')')[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in (b'Z', b'X') else int(fields[19])

    def command_line(self, pid: int) -> list[str]:
        # psutil reads two more files of each process.
        try:
            with open('/proc/%d/cmdline' % pid, 'rb') as file:
                words = file.read().rstrip(b'\0')
        except OSError:
            return []
        return os.fsdecode(words).split('\0') if words else []

    def share_blocks(self, source: str, target: str) -> None:
        with open(source, 'rb') as reader, open(target, 'wb') as writer:
            into, size = writer.fileno(), os.fstat(reader.fileno()).st_size
            for offset, left in self.data(reader.fileno()):
                os.lseek(reader.fileno(), offset, os.SEEK_SET)
                os.lseek(into, offset, os.SEEK_SET)
                while left > 0:
                    done = os.copy_file_range(reader.fileno(), into, left)
                    if not done:
                        raise OSError(errno.EIO, 'Some kernels copy nothing')
                    left -= done
            os.truncate(into, size)

    def punch_hole(self, fd: int, size: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.fallocate(fd, _PUNCH_HOLE, ctypes.c_long(0),
                          ctypes.c_long(size)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def temporary_file(self) -> BinaryIO:
        try:
            return open(os.memfd_create('nova-vmrun-output'), 'w+b')
        except OSError as error:
            LOG.debug('Cannot create a file in memory: %s', error)
            return super().temporary_file()


def boot_id() -> str:
    """Return an id that is different after each boot of the host."""
    with open(_BOOT_ID, encoding='ascii') as file:
        return file.read().strip()


def _is_hidden(pid: int) -> bool:
    """Return whether only the owner of a process can see it (hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not os.path.exists('/proc/%d' % pid)
    except OSError:
        return False
    return False
