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

"""Read the facts about a host; gather_vmware.py reads those about VMware.

Whatever is read may hang: a file system on a network, a program, a device.
Each group of facts is therefore read in a thread of its own, with a time
limit.
"""

from collections.abc import Callable
import dataclasses
import os
import pwd
import shutil
import threading
import time
from typing import TypeVar

import psutil

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import gather_vmware
from nova_vmrun.doctor import options as doctor_options
from nova_vmrun import exception
from nova_vmrun.host import ports
from nova_vmrun.host import processor
from nova_vmrun.host import responsive
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_settings
from nova_vmrun import system
from nova_vmrun.tools import process

T = TypeVar('T')

# Seconds for a group of facts. vmrun may use up its own limit twice.
_SECONDS = 60.0
_PROGRAM_SECONDS = 10
_NOVNC = '/usr/share/novnc'
_NOVNC_PAGE = 'vnc_lite.html'
_LOOPBACK = '127.0.0.1'


class Gatherer:
    """Reads facts about this host.

    :param runner: runs programs
    :param root: root of the host's file system; tests replace it
    :param seconds: time limit of each group
    """

    def __init__(self, options: doctor_options.Options,
                 runner: process.Runner, root: str = '/',
                 seconds: float = _SECONDS) -> None:
        self._options = options
        self._runner = runner
        self._root = root
        self._seconds = seconds
        self._platform = system.here().name

    def gather(self) -> facts.Host:
        """Return everything that the checks need; this takes seconds."""
        vmware = gather_vmware.VmwareGatherer(
            self._options, self._runner, self._root)
        deadline = time.monotonic() + self._seconds
        found = start('VMware', vmware.product)(deadline)
        modules = start('Modules', vmware.modules)
        libraries = start('Libraries', vmware.libraries)
        processor_ = start('The processor', self.processor)
        user = start('The user', self.user)
        storage = start('The file system', self.storage)
        folders = start('The storage folders', self.storage_folders)
        networks = start('VMware\'s networks',
                         lambda: vmware.networks(found))
        programs = start('Programs', self.programs)
        ports_ = start('Ports', self.ports)
        clock = start('The clock', self.clock)
        return facts.Host(
            found, modules(deadline), libraries(deadline),
            processor_(deadline), user(deadline), storage(deadline),
            networks(deadline), programs(deadline), ports_(deadline),
            clock(deadline), folders(deadline))

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path)

    def _text(self, path: str) -> str:
        try:
            with open(self._path(path), encoding='utf-8',
                      errors='replace') as file:
                return file.read(4096)
        except OSError:
            return ''

    def processor(self) -> facts.Processor:
        """Read the features of the processor, and who uses them."""
        machine = os.uname()
        module = next((name for name in ('kvm_intel', 'kvm_amd')
                       if os.path.isdir(self._path('sys/module/' + name))), '')
        users = self._text('sys/module/%s/refcnt' % module).strip()
        at_load = self._text('sys/module/kvm/parameters/enable_virt_at_load')
        return facts.Processor(
            machine.machine, processor.read().flags,
            int(users) if module and users.isdigit() else 0,
            bool(module) and at_load.strip() == 'Y', module,
            'microsoft' in machine.release.lower())

    def user(self) -> facts.User:
        """Read who runs this, and whose the VMs are."""
        uid = os.geteuid()
        home = os.path.expanduser('~')
        own = os.path.join(home, '.vmware')
        folder = own if os.path.isdir(own) else home
        owner = None
        if self._options.instances and os.path.isdir(self._options.instances):
            owner = os.stat(self._options.instances).st_uid
        return facts.User(
            _user_name(uid), uid == 0, self._options.instances,
            _user_name(owner) if owner not in (None, uid) else None,
            None if os.access(folder, os.W_OK) else folder,
            self._platform == system.MACOS or bool(
                os.environ.get('DISPLAY') or
                os.environ.get('WAYLAND_DISPLAY')),
            self._options.show_gui, self._vmx_without_setuid())

    def _vmx_without_setuid(self) -> str | None:
        path = self._path('usr/lib/vmware/bin/vmware-vmx')
        try:
            status = os.stat(path)
        except OSError:
            return None
        return None if status.st_mode & 0o4000 else path

    def storage(self) -> facts.Storage:
        """Read the size and the type of the file system of the servers."""
        folder = self._options.folder
        usage = shutil.disk_usage(folder)
        mounted = _partition(folder)
        return facts.Storage(
            folder, mounted.fstype if mounted else '', usage.free,
            usage.total,
            bool(mounted and 'ro' in mounted.opts.split(',')),
            self._options.use_linked_clone)

    def storage_folders(self) -> facts.StorageFolders:
        """Look at each storage folder, without changing it."""
        settings, instances = (self._options.storage_folders,
                               self._options.instances)
        if not settings or instances is None:
            return facts.StorageFolders()
        known = folder_identity.known_of(instances).load()
        found = tuple(_storage_folder(each, known.get(each.name))
                      for each in settings)
        overlap = ''
        try:
            folder_settings.require_apart(
                [folder_settings.default(instances), *(
                    setting for setting, folder in zip(settings, found)
                    if folder.is_there)])
        except exception.InvalidConfiguration as error:
            overlap = '%s %s' % (error.brief, error.details)
        return facts.StorageFolders(found, overlap)

    def programs(self) -> facts.Programs:
        """Run qemu-img, and look for noVNC."""
        version, failure = None, ''
        try:
            result = self._runner.run(self._options.qemu_img_path, '--version',
                                      timeout=_PROGRAM_SECONDS)
            if result.exit_code == 0 and result.stdout:
                version = result.stdout.splitlines()[0]
            else:
                failure = result.details()
        except exception.VmrunError as error:
            failure = '%s %s' % (error.brief, error.details)
        folder = self._options.novnc or self._path(_NOVNC.lstrip('/'))
        has_novnc = os.path.isfile(os.path.join(folder, _NOVNC_PAGE))
        return facts.Programs(self._platform, version, failure,
                              folder if has_novnc else None)

    def ports(self) -> facts.Ports:
        """Try ports, and a connection of this host to itself."""
        first, last = self._options.vnc_range
        return facts.Ports(
            _loopback_failure(),
            {port: owner for port, owner in self._options.ports.items()
             if not _is_free(port)},
            (first, last),
            sum(map(_is_free, range(first, last + 1))))

    def clock(self) -> facts.Clock:
        """Compare the clock with files, and ask whether it is synchronized."""
        newest = os.stat(__file__).st_mtime
        synchronized = None
        if self._platform == 'linux' and shutil.which('timedatectl'):
            try:
                answer = self._runner.run(
                    'timedatectl', 'show', '--property', 'NTPSynchronized',
                    '--value', timeout=_PROGRAM_SECONDS).stdout.strip()
                synchronized = {'yes': True, 'no': False}.get(answer)
            except exception.VmrunError:
                synchronized = None
        return facts.Clock(max(0.0, newest - time.time()), synchronized)


def _storage_folder(setting: folder_settings.Setting,
                    identity: str | None) -> facts.StorageFolder:
    """Look at a storage folder.

    :param identity: by which the host knows it, if it has used it
    """
    is_known = identity is not None
    missing = facts.StorageFolder(setting.name, setting.path, is_known,
                                  is_there=False)

    def look() -> facts.StorageFolder:
        if not os.path.isdir(setting.path) or is_known and (
                folder_identity.read(setting.path) != identity):
            return missing
        usage = shutil.disk_usage(setting.path)
        mounted = _partition(setting.path)
        return facts.StorageFolder(
            setting.name, setting.path, is_known,
            is_writable=os.access(setting.path, os.W_OK | os.X_OK),
            type=mounted.fstype if mounted else '', free=usage.free,
            total=usage.total)

    try:
        return responsive.call(setting.path, look)
    except exception.FileSystemFailed:
        return dataclasses.replace(missing, hangs=True)
    except OSError:
        return missing


def start(name: str, read: Callable[[], T]
          ) -> Callable[[float], T | facts.NoAnswer]:
    """Start reading a group of facts.

    :returns: a function that waits for it, until a time of time.monotonic()
    """
    answers: list[T | facts.NoAnswer] = []

    def run() -> None:
        try:
            answers.append(read())
        except Exception as error:
            # A host is looked at because it is broken, in ways unforeseen.
            answers.append(facts.NoAnswer('%s cannot be looked at: %s: %s.' % (
                name, type(error).__name__, str(error).rstrip('.'))))

    # A thread that hangs must not keep the program from ending.
    thread = threading.Thread(target=run, name='look at ' + name, daemon=True)
    began = time.monotonic()
    thread.start()

    def wait(deadline: float) -> T | facts.NoAnswer:
        thread.join(max(0.0, deadline - time.monotonic()))
        return answers[0] if answers else facts.NoAnswer(
            '%s did not answer within %d seconds.'
            % (name, round(time.monotonic() - began)))
    return wait


def _user_name(uid: int | None) -> str:
    if uid is None:
        return 'nobody'
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return 'user %d' % uid


def _partition(folder: str) -> 'psutil._ntuples.sdiskpart | None':
    """Return the mounted file system that a folder is on, if known."""
    path = os.path.realpath(folder)
    return max((each for each in psutil.disk_partitions(all=True)
                if path == each.mountpoint or
                path.startswith(each.mountpoint.rstrip('/') + '/')),
               key=lambda each: len(each.mountpoint), default=None)


def _is_free(port: int) -> bool:
    try:
        ports.require_free(_LOOPBACK, port)
    except OSError:
        return False
    return True


def _loopback_failure() -> str:
    try:
        ports.require_reachable(_LOOPBACK)
    except OSError as error:
        return error.strerror or 'no answer'
    return ''
