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

"""The macOS side.

Nothing here needs a Mac to be imported: what only macOS has is looked up when
it is called, so that tests take these decisions on Linux.
"""

import ctypes
import errno
import fcntl
import os
import resource
import struct
import unicodedata

from nova_vmrun.system import interface

# sys/fcntl.h. Python knows the first one, on macOS alone.
_FULL_FLUSH = 51
_PUNCH_HOLE = 99
# struct fpunchhole: flags, reserved, offset, length.
_HOLE = '=IIqq'
# Locks and psutil read the same number of the kernel, but newer versions of
# psutil move it when the clock is set.
_TOLERANCE_US = 5 * 10 ** 6


class MacOS(interface.System):

    name = 'darwin'
    # There is no C.UTF-8.
    locale = {'LC_ALL': 'en_US.UTF-8', 'LANGUAGE': ''}
    # Fusion's helpers cannot read what vmrun makes under a umask of 077. The
    # folder around it is closed to others.
    program_umask = 0o022
    binds_beside_others = True
    longest_socket_path = 103
    # TMPDIR has 49 characters there.
    temporary_folder = '/tmp'

    def keeps_limit(self, kind: int) -> bool:
        # "current limit exceeds maximum limit", whatever the number.
        return kind != resource.RLIMIT_AS

    def same_spelling(self, path: str) -> str:
        return unicodedata.normalize('NFD', path).casefold()

    def birth(self, pid: int) -> float | None:
        import psutil
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return self.time_of_birth(pid)

    def is_lock_holder(self, pid: int, born: int) -> bool:
        now = self.lock_birth(pid)
        return now is not None and abs(now - born) <= _TOLERANCE_US

    def lock_birth(self, pid: int) -> int | None:
        seconds = self.birth(pid)
        return None if seconds is None else round(seconds * 10 ** 6)

    def share_blocks(self, source: str, target: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, 'clonefile'):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        # It makes the target, and refuses to replace one.
        if os.path.lexists(target):
            os.remove(target)
        if libc.clonefile(os.fsencode(source), os.fsencode(target), 0):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        # The source may be read-only, and its mode is cloned too.
        os.chmod(target, 0o600)

    def give_back(self, fd: int, size: int) -> None:
        fcntl.fcntl(fd, _PUNCH_HOLE, struct.pack(_HOLE, 0, 0, 0, size))

    def processor(self) -> tuple[str | None, str | None]:
        model = _sysctl('machdep.cpu.brand_string')
        if model and model.startswith('Apple'):
            return 'Apple', model
        return _sysctl('machdep.cpu.vendor'), model

    def flush(self, fd: int) -> None:
        try:
            # fsync leaves what was written in the memory of the disk.
            fcntl.fcntl(fd, _FULL_FLUSH)
        except OSError:
            # Not every file system can.
            os.fsync(fd)


def _sysctl(name: str) -> str | None:
    """Returns a text that the kernel of macOS has by a name."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, 'sysctlbyname'):
        return None
    value = ctypes.create_string_buffer(256)
    size = ctypes.c_size_t(len(value))
    if libc.sysctlbyname(name.encode('ascii'), value, ctypes.byref(size),
                         None, ctypes.c_size_t(0)):
        return None
    return os.fsdecode(value.value)
