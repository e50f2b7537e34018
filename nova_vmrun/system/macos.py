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

"""The implementation for macOS.

This module can be imported on Linux, so that tests can run it there: functions
that only macOS has are looked up when they are called.
"""

import ctypes
import errno
import fcntl
import os
import resource
import struct
import unicodedata

from nova_vmrun.system import interface

# From sys/fcntl.h. Python only has the first one, and only on macOS.
_FULL_FLUSH = 51
_PUNCH_HOLE = 99
# struct fpunchhole: flags, reserved, offset, length.
_HOLE = '=IIqq'
# Locks and psutil read the same value from the kernel, but newer versions of
# psutil adjust it when the clock is set.
_TOLERANCE_US = 5 * 10 ** 6


class MacOS(interface.System):

    name = 'darwin'
    # There is no C.UTF-8.
    locale = {'LC_ALL': 'en_US.UTF-8', 'LANGUAGE': ''}
    # Fusion's helpers cannot read files that vmrun creates with umask 077.
    # Other users have no access to the folder of the server.
    program_umask = 0o022
    allows_same_port = True
    longest_socket_path = 103
    # System libraries that were used before a fork may crash after it.
    forks_safely = False
    # TMPDIR has 49 characters on macOS.
    temporary_folder = '/tmp'

    def enforces_limit(self, kind: int) -> bool:
        # Any value is refused with "current limit exceeds maximum limit".
        return kind != resource.RLIMIT_AS

    def normalized(self, path: str) -> str:
        return unicodedata.normalize('NFD', path).casefold()

    def start_mark(self, pid: int) -> float | None:
        import psutil
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return self.start_time(pid)

    def is_lock_holder(self, pid: int, started: int) -> bool:
        now = self.lock_start_time(pid)
        return now is not None and abs(now - started) <= _TOLERANCE_US

    def lock_start_time(self, pid: int) -> int | None:
        seconds = self.start_mark(pid)
        return None if seconds is None else round(seconds * 10 ** 6)

    def share_blocks(self, source: str, target: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, 'clonefile'):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        # clonefile() does not replace an existing file.
        if os.path.lexists(target):
            os.remove(target)
        if libc.clonefile(os.fsencode(source), os.fsencode(target), 0):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        # The source may be read-only, and its mode is cloned too.
        os.chmod(target, 0o600)

    def punch_hole(self, fd: int, size: int) -> None:
        fcntl.fcntl(fd, _PUNCH_HOLE, struct.pack(_HOLE, 0, 0, 0, size))

    def processor(self) -> tuple[str | None, str | None]:
        model = _sysctl('machdep.cpu.brand_string')
        if model and model.startswith('Apple'):
            return 'Apple', model
        return _sysctl('machdep.cpu.vendor'), model

    def flush(self, fd: int) -> None:
        try:
            # fsync() leaves the data in the cache of the disk.
            fcntl.fcntl(fd, _FULL_FLUSH)
        except OSError:
            # Not every file system supports it.
            os.fsync(fd)


def _sysctl(name: str) -> str | None:
    """Return a string variable of the macOS kernel, or None."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, 'sysctlbyname'):
        return None
    value = ctypes.create_string_buffer(256)
    size = ctypes.c_size_t(len(value))
    if libc.sysctlbyname(name.encode('ascii'), value, ctypes.byref(size),
                         None, ctypes.c_size_t(0)):
        return None
    return os.fsdecode(value.value)
