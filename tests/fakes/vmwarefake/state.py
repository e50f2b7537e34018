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

"""The state folder: what the fakes remember between calls.

::

    calls.jsonl        every call
    faults.json        how often each fault has matched
    host.json          host networks and port forwardings
    vms/KEY/lock       held (flock) while a call works on that VM
    vms/KEY/pid        the main process, written by that process itself
    vms/KEY/vm.json    path, phase, paused, guest variables, ...
    vms/KEY/config.vmx the running configuration
    vms/KEY/guest/     the guest's file system
    vms/KEY/run/       belongs to the engine

KEY is made from the vmx's real path. Whatever is written is replaced in one
step, so a tool killed at any moment leaves files that the next can read.
"""

import contextlib
import errno
import fcntl
import json
import os
import time
import zlib

from vmwarefake import files
from vmwarefake import process


def read_json(path, default):
    try:
        with open(path, encoding='utf-8') as f:
            return json.load(f)
    except (OSError, ValueError):
        return default


def write_json(path, value):
    files.step()
    temporary = '%s.%d.tmp' % (path, os.getpid())
    with open(temporary, 'w', encoding='utf-8') as f:
        json.dump(value, f, indent=1, sort_keys=True)
    os.rename(temporary, path)


def remove_tree(path):
    """Remove a folder with all in it; one that is not there is fine."""
    if os.path.isdir(path):
        import shutil       # costs a tenth of a short call
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def flock(path, wait=True):
    """Hold an exclusive lock on a file, made if missing.

    Yields True, or False when ``wait`` is false and another holds it. Its
    folder may be pruned by others meanwhile: then both are made anew.
    """
    fd = _open_locked(path, wait)
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def _open_locked(path, wait):
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
            pass            # pruned between open and lock: once more
        except OSError as e:
            if e.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(fd)
                raise
            os.close(fd)
            return None
        os.close(fd)


class State(object):
    """The folder as a whole."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, 'vms'), exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def record(self, vmx):
        """Return the :class:`Record` of a VM, known or not."""
        real = os.path.realpath(vmx)
        raw = os.fsencode(real)
        key = '%08x%08x' % (zlib.crc32(raw), zlib.adler32(raw[::-1]))
        return Record(self.path(os.path.join('vms', key)), real)

    def records(self):
        """Return the records of all VMs that were ever powered on."""
        found = []
        for key in sorted(os.listdir(self.path('vms'))):
            record = Record(self.path(os.path.join('vms', key)), None)
            record.load()
            if record.vmx:
                found.append(record)
        return found

    @contextlib.contextmanager
    def shared(self, name, default):
        """Change one of the JSON files that all VMs share, under its lock."""
        with flock(self.path(name + '.lock')):
            value = read_json(self.path(name), default)
            yield value
            write_json(self.path(name), value)


class Record(object):
    """What is remembered of one VM.

    :ivar vmx: its real path.
    :ivar data: a dict that JSON can hold; :meth:`save` keeps it.
    """

    def __init__(self, folder, vmx):
        self.folder = folder
        self.vmx = vmx
        self.data = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def run_dir(self):
        return self.path('run')

    @property
    def pid_record(self):
        return self.path('pid')

    @property
    def config_path(self):
        return self.path('config.vmx')

    def load(self):
        self.data = read_json(self.path('vm.json'), {})
        self.vmx = self.data.get('vmx', self.vmx)
        return self

    def save(self):
        os.makedirs(self.folder, exist_ok=True)
        self.data['vmx'] = self.vmx
        write_json(self.path('vm.json'), self.data)

    def lock(self, wait=True):
        """A context manager: this VM is worked on by one call at a time."""
        return flock(self.path('lock'), wait)

    def process(self):
        """Return the identity of the main process if it lives, else None."""
        identity = process.read_record(self.pid_record)
        return identity if identity and identity.alive() else None

    def begin(self, given):
        """Note that a power-on begins; returns when that is on disk."""
        self.clear_run()
        os.makedirs(self.run_dir)
        self.data = {'given': given, 'phase': 'starting',
                     'started': time.time()}
        self.save()

    def clear_run(self):
        for name in ('pid', 'config.vmx'):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        remove_tree(self.run_dir)

    def forget(self):
        """Remove all of it; call with the lock held."""
        remove_tree(self.folder)
