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

"""The state folder: what the fakes remember from one call to the next.

::

    calls.jsonl        every call
    faults.json        how often each fault has matched
    host.json          host networks and port forwardings
    vms/KEY/lock       locked (flock) while a call works on that VM
    vms/KEY/pid        main process, written by that process itself
    vms/KEY/vm.json    path, phase, paused, guest variables, ...
    vms/KEY/config.vmx the running configuration
    vms/KEY/guest/     the guest's file system
    vms/KEY/run/       belongs to the engine

KEY is derived from the real path of the vmx. Files are replaced atomically, so
a tool that is killed leaves files that the next one can read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
import zlib

from vmwarefake import files
from vmwarefake import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any


def read_json(path: str, default: Any) -> Any:
    try:
        with open(path, encoding='utf-8') as f:
            return json.load(f)
    except (OSError, ValueError):
        return default


def write_json(path: str, value: Any) -> None:
    files.step()
    temporary = '%s.%d.tmp' % (path, os.getpid())
    with open(temporary, 'w', encoding='utf-8') as f:
        json.dump(value, f, indent=1, sort_keys=True)
    os.rename(temporary, path)


def remove_tree(path: str) -> None:
    """Remove a folder and its content, if it exists."""
    if os.path.isdir(path):
        import shutil       # costs a tenth of a short call
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def flock(path: str, wait: bool = True) -> abc.Iterator[bool]:
    """Hold an exclusive lock on a file, made if missing.

    Yields whether it is held: with ``wait`` false another process may have
    it. If another process removes the folder, it is made again.
    """
    fd = _open_locked(path, wait)
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def _open_locked(path: str, wait: bool) -> int | None:
    while True:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd
        except FileNotFoundError:
            pass            # removed between open and lock: try again
        except OSError as e:
            if e.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(fd)
                raise
            os.close(fd)
            return None
        os.close(fd)


class State:
    """The folder as a whole."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.makedirs(os.path.join(folder, 'vms'), exist_ok=True)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def record(self, vmx: str) -> Record:
        """Return the record of a VM, which may be empty."""
        real = os.path.realpath(vmx)
        raw = os.fsencode(real)
        key = '%08x%08x' % (zlib.crc32(raw), zlib.adler32(raw[::-1]))
        return Record(self.path(os.path.join('vms', key)), real)

    def records(self) -> list[Record]:
        """Return the records of all VMs that have been powered on."""
        found = []
        for key in sorted(os.listdir(self.path('vms'))):
            record = Record(self.path(os.path.join('vms', key)), '')
            record.load()
            if record.vmx:
                found.append(record)
        return found

    @contextlib.contextmanager
    def shared(self, name: str, default: Any) -> abc.Iterator[Any]:
        """Change a JSON file that all VMs share, under its lock."""
        with flock(self.path(name + '.lock')):
            value = read_json(self.path(name), default)
            yield value
            write_json(self.path(name), value)


class Record:
    """What is remembered about one VM.

    :ivar vmx: real path; empty if nothing is recorded.
    :ivar data: content of vm.json, written by :meth:`save`.
    """

    def __init__(self, folder: str, vmx: str) -> None:
        self.folder = folder
        self.vmx = vmx
        self.data: dict[str, Any] = {}

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @property
    def run_dir(self) -> str:
        return self.path('run')

    @property
    def pid_record(self) -> str:
        return self.path('pid')

    @property
    def config_path(self) -> str:
        return self.path('config.vmx')

    def load(self) -> Record:
        self.data = read_json(self.path('vm.json'), {})
        self.vmx = self.data.get('vmx', self.vmx)
        return self

    def save(self) -> None:
        os.makedirs(self.folder, exist_ok=True)
        self.data['vmx'] = self.vmx
        write_json(self.path('vm.json'), self.data)

    def lock(self,
             wait: bool = True) -> contextlib.AbstractContextManager[bool]:
        """Return a context manager for the lock of this VM."""
        return flock(self.path('lock'), wait)

    def process(self) -> process.Identity | None:
        """Return the main process if it runs, else None."""
        identity = process.read_record(self.pid_record)
        return identity if identity and identity.alive() else None

    def begin(self, given: str) -> None:
        """Record on disk that a power-on begins."""
        self.clear_run()
        os.makedirs(self.run_dir)
        self.data = {'given': given, 'phase': 'starting',
                     'started': time.time()}
        self.save()

    def clear_run(self) -> None:
        for name in ('pid', 'config.vmx'):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        remove_tree(self.run_dir)

    def forget(self) -> None:
        """Remove the record; call with the lock held."""
        remove_tree(self.folder)
