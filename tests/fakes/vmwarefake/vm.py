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

"""One virtual machine: its files, its record, its engine."""

from __future__ import annotations

import contextlib
import os
import time

from vmwarefake import checkpoint
from vmwarefake import devices
from vmwarefake import dictionary
from vmwarefake import errors
from vmwarefake import files
from vmwarefake import locks
from vmwarefake import process
from vmwarefake import vmlog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake.engine import base as engines
    from vmwarefake import session as sessions

OFF = 'off'
RUNNING = 'running'
PAUSED = 'paused'
SUSPENDED = 'suspended'


class VM:
    """A VM that a command works on.

    :ivar given: the path on the command line; some error messages repeat it.
    :ivar vmx: the absolute path.
    :ivar config: the running configuration if the VM runs, else that of the
        file.
    """

    def __init__(self, session: sessions.Session, given: str) -> None:
        self.session = session
        self.given = given
        self.vmx = os.path.abspath(given)
        self.record = session.state.record(self.vmx).load()
        self.config = dictionary.Dictionary()
        self.log = vmlog.Log(self.vmx, self.config)
        self._engine: engines.Engine | None = None
        #: Whether the VM starts with a window and therefore without VNC.
        self.without_vnc = False

    @property
    def directory(self) -> str:
        return os.path.dirname(self.vmx)

    @property
    def base(self) -> str:
        """The file name without ``.vmx``; other files' names start with it."""
        return os.path.splitext(os.path.basename(self.vmx))[0]

    def path(self, name: str) -> str:
        """Resolve a file name from the vmx."""
        working = self.config.get('workingDir')
        folder = os.path.join(self.directory, working or '.')
        return os.path.normpath(os.path.join(folder, name))

    # -- opening ---------------------------------------------------------

    def open(self) -> VM:
        """Read the configuration.

        :raises errors.Refused: with the message of vmrun.
        """
        if not self.vmx.lower().endswith('.vmx'):
            raise errors.cannot_open(self.given, 'unknown file suffix')
        if not os.path.exists(self.vmx):
            raise errors.cannot_open(self.given,
                                     'The virtual machine cannot be found')
        if self.record.data.get('busy_until', 0) > time.time():
            raise self.unreadable()
        running = self.record.process() is not None
        try:
            self.config = dictionary.read(
                self.record.config_path if running else self.vmx)
        except FileNotFoundError:
            self.config = self._read_file()
        except (OSError, dictionary.Malformed):
            raise self.unreadable()
        self.log = vmlog.Log(self.vmx, self.config)
        self._check_password()
        return self

    def unreadable(self) -> errors.Refused:
        return errors.cannot_open(
            self.given, 'Cannot read the virtual machine configuration file')

    def _read_file(self) -> dictionary.Dictionary:
        try:
            return dictionary.read(self.vmx)
        except (OSError, dictionary.Malformed):
            raise self.unreadable()

    @property
    def encrypted(self) -> bool:
        return ('encryption.keySafe' in self.config
                or 'encryption.data' in self.config)

    def _check_password(self) -> None:
        if not self.encrypted:
            return
        given = self.session.vm_password
        if given is None:
            raise errors.vix(17004)
        if given != self.session.knobs['VM_PASSWORD']:
            raise errors.cannot_open(self.given, 'Incorrect password')

    # -- state -----------------------------------------------------------

    @property
    def state(self) -> str:
        """One of OFF, RUNNING, PAUSED, SUSPENDED."""
        if self.record.process():
            return PAUSED if self.record.data.get('paused') else RUNNING
        return SUSPENDED if self.config.get('checkpoint.vmState') else OFF

    @property
    def is_on(self) -> bool:
        return self.state in (RUNNING, PAUSED)

    @contextlib.contextmanager
    def locked(self) -> abc.Iterator[VM]:
        """Hold the lock of the VM.

        First clean up after calls that were killed and processes that ended.
        """
        with self.record.lock():
            self.record.load()
            if self.record.data.get('phase') in ('starting', 'on'):
                self._take_running_config()
                self.settle()
                if not self.record.process() and os.path.exists(self.vmx):
                    self.config = self._read_file()
            yield self

    def _take_running_config(self) -> None:
        """Use the running configuration, not the vmx on disk."""
        try:
            self.config = dictionary.read(self.record.config_path)
        except (OSError, dictionary.Malformed):
            pass                # keep the one that was read before
        self.log = vmlog.Log(self.vmx, self.config)

    def settle(self) -> None:
        """Finish what a killed call or an ended process left unfinished.

        Call with the lock held.
        """
        phase = self.record.data.get('phase')
        if self.record.process():
            if phase == 'starting':
                self.complete_power_on()
        elif phase == 'on':
            if self.engine.powered_itself_off():
                self.went_off(self.owner, soft=True)
            else:
                self._crashed()
        elif phase == 'starting':
            self._crashed()

    def died(self, identity: process.Identity, lines: list[str]) -> None:
        """Leave the files of a vmware-vmx that died at power-on.

        :param identity: the process.
        :param lines: the last lines it wrote to vmware.log.
        """
        self.log.begin(identity.pid, self.session.product)
        self.log('\n'.join(lines))
        self.lock_files(identity)
        self._crashed()

    def _crashed(self) -> None:
        """Leave locks and cleanShutdown = "FALSE", as a crash does."""
        self._clean_up('crashed')

    def _clean_up(self, phase: str) -> None:
        self.engine.stop_hard()
        self.record.clear_run()
        self.record.data = {'phase': phase,
                            'given': self.record.data.get('given')}
        if phase == 'off' and os.path.exists(self.vmx):
            self.record.data['uuid'] = self.config.get('uuid.bios')
        self.record.save()
        self._engine = None

    # -- the engine ------------------------------------------------------

    @property
    def engine(self) -> engines.Engine:
        if self._engine is None:
            from vmwarefake import engine
            from vmwarefake.engine import base as engines
            name = self.record.data.get('engine',
                                        self.session.knobs['ENGINE'])
            machine = engines.Machine(
                self.vmx, self.config, self.record.run_dir,
                self.record.pid_record, self.session.knobs, self.log)
            machine.new_session = not self.session.own_group
            machine.may_have_vnc = not self.without_vnc
            self._engine = engine.load(name)(machine)
        return self._engine

    @property
    def owner(self) -> process.Identity | None:
        """The process that holds the VM's locks."""
        return process.read_record(self.record.pid_record)

    def running_owner(self) -> process.Identity:
        """Return the process of a VM that was just seen to run."""
        owner = self.owner
        if owner is None:
            raise errors.vix(3006)
        return owner

    # -- writing ---------------------------------------------------------

    def save_config(self) -> None:
        """Write the configuration to the vmx, and to the record if it runs."""
        dictionary.write(self.vmx, self.config)
        if self.record.process():
            dictionary.write(self.record.config_path, self.config)

    # -- power -----------------------------------------------------------

    def began(self) -> None:
        """Record the running configuration before the engine starts."""
        self.record.begin(self.given)
        self.record.data['engine'] = self.session.knobs['ENGINE']
        self.record.save()
        dictionary.write(self.record.config_path, self.config)

    def complete_power_on(self) -> None:
        """Write the log, the locks and the phase of a VM that has started.

        Discard the state that it was resumed from, unless that belongs to a
        snapshot.
        """
        owner = self.running_owner()
        self.log.begin(owner.pid, self.session.product)
        self._log_power_on()
        self.lock_files(owner)
        self.record.data['phase'] = 'on'
        self.record.save()
        if self.config.get('checkpoint.vmState'):
            checkpoint.discard(self)
            self.save_config()

    def _log_power_on(self) -> None:
        switches = ' -s"RemoteDisplay.vnc.enabled=FALSE"' if (
            self.without_vnc) else ''
        lines = ['Command line: "vmware-vmx"%s "%s"' % (switches, self.vmx),
                 'DICT --- CONFIGURATION']
        lines += ['DICT %24s = "%s"' % (key, dictionary.escape(value))
                  for key, value in self.config.items()]
        lines += ['Transitioned vmx/execState/val to poweredOn',
                  'VMX: Powered on.']
        if not self.config.get('checkpoint.vmState'):
            from vmwarefake import efi
            lines += efi.boot_lines(self)
        self.log('\n'.join(lines))

    def lock_files(self, owner: process.Identity) -> None:
        """Take the locks of a running VM."""
        macos = self.session.product.host == 'macos'
        locks.acquire(self.vmx, owner, in_microseconds=macos)
        if self.uses_vmem():
            locks.acquire(self.vmem_path(), owner, in_microseconds=macos)
        if not self.config.true('disk.locking', True):
            return
        for path, shared in self._disk_locks():
            with contextlib.suppress(OSError):
                locks.acquire(path, owner, shared, macos)

    def _disk_locks(self) -> abc.Iterator[tuple[str, bool]]:
        from vmwarefake.vmdk import disk
        for drive in devices.disks(self.config, self.directory):
            for n, link in enumerate(disk.open_chain(drive.path)):
                yield link.path, n > 0

    def unlock_files(self, owner: process.Identity | None) -> None:
        """Release all locks of ``owner``, also on disks in other folders."""
        if owner is None:
            return
        targets = {self.vmx}
        with contextlib.suppress(OSError):
            for name in os.listdir(self.directory):
                if name.endswith('.lck'):
                    targets.add(os.path.join(self.directory, name[:-4]))
        from vmwarefake import vmdk
        with contextlib.suppress(vmdk.DiskError):
            targets.update(path for path, _ in self._disk_locks())
        for path in sorted(targets):
            locks.release(path, owner)

    def went_off(self, owner: process.Identity | None, soft: bool) -> None:
        """Clean up on disk after the VM has powered off.

        :param owner: the process whose locks to release.
        """
        self.config['cleanShutdown'] = 'TRUE'
        self.config['softPowerOff'] = 'TRUE' if soft else 'FALSE'
        self.finish(owner, 'Transitioned vmx/execState/val to poweredOff')

    def finish(self, owner: process.Identity | None, log_line: str) -> None:
        """Write the vmx, release the locks, and forget the process."""
        if os.path.isdir(self.directory):
            if os.path.exists(self.vmx):
                dictionary.write(self.vmx, self.config)
            files.remove(self.vmem_path())
            self.log(log_line + '\nVMX exit (0).')
            self.unlock_files(owner)
        self._clean_up('off')

    def vmem_path(self) -> str:
        """Return the path of the file for guest memory, named by the uuid."""
        name = self.config.get('uuid.bios', '').replace(' ', '')
        return os.path.join(self.directory, '%s.vmem' % name)

    def uses_vmem(self) -> bool:
        return (self.config.true('mainMem.useNamedFile', True)
                and self.config.get('mainMem.backing', '') != 'swap')

    def adopt(self) -> None:
        """Settle a VM of which only the record is known; hold the lock."""
        self.record.load()
        if self.record.data.get('phase') in ('starting', 'on'):
            self._take_running_config()
            self.settle()

    def set_paused(self, paused: bool) -> None:
        self.record.data['paused'] = paused
        self.record.save()
        self.log('VMX: %s.' % ('Paused' if paused else 'Unpaused'))

    def restarted(self) -> None:
        """Record a reset: Tools start again, and guest variables are lost."""
        self.record.data['started'] = time.time()
        for volatile in ('guest_variables', 'processes', 'tools_iso'):
            self.record.data.pop(volatile, None)
        self.record.save()
