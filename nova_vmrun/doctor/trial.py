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

"""Try what the driver relies on, with tiny VMs in a temporary folder.

No other VM is touched. What was tried and what VMware's tools answered goes
into a report, in which each step names the assumptions of
doc/source/unproven.rst that it settles.
"""

from collections.abc import Callable
from collections.abc import Mapping
import contextlib
import dataclasses
import os
import shutil
import socket
import tempfile
import time
import uuid

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmx
from nova_vmrun.formats import volume_files
from nova_vmrun.host import product
from nova_vmrun.storage import linked
from nova_vmrun import system
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager

OK, FAILED, SKIPPED = 'ok', 'failed', 'skipped'

_TIMEOUT = 60
_SOFT_TIMEOUT = 20
_LOOPBACK = '127.0.0.1'
# VNC's own numbers: protocol 3.8, and no authentication.
_RFB = b'RFB 003.008\n'
_WITHOUT_LOGIN = 1
_NAMES = ('first', 'second', 'third')
_VOLUME_SECTORS = 16 * units.Mi // 512
_SERIAL = 'serial.log'
_GUESTINFO = 'guestinfo.nova-vmrun'
_SNAPSHOT = 'nova-vmrun-try'


class _Failure(Exception):
    """A step did not have the result that the driver relies on."""


@dataclasses.dataclass(frozen=True)
class Call:
    """A program that was run.

    :ivar exit_code: None: it was killed or could not be started
    """

    argv: tuple[str, ...]
    exit_code: int | None
    out: str
    err: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that was tried.

    :ivar claims: numbers of the assumptions in doc/source/unproven.rst
    :ivar outcome: OK, FAILED or SKIPPED
    :ivar text: why it failed or was skipped
    """

    name: str
    claims: tuple[int, ...]
    outcome: str
    text: str
    seconds: float


class _Recorder(process.Runner):
    """Runs programs and remembers what they said."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        super().__init__(env)
        self.calls: list[Call] = []

    def run(self, *argv: object, timeout: float, kill_group: bool = True,
            limits: Mapping[int, int] | None = None,
            until: Callable[[], bool] | None = None) -> process.Result:
        words = tuple(map(str, argv))
        began = time.monotonic()
        try:
            result = super().run(*argv, timeout=timeout, limits=limits,
                                 kill_group=kill_group, until=until)
        except exception.VmrunError as error:
            self.calls.append(Call(words, None, '', str(error),
                                   time.monotonic() - began))
            raise
        self.calls.append(Call(words, result.exit_code, result.stdout,
                               result.stderr, time.monotonic() - began))
        return result


class Trial:
    """One trial.

    :param found: the product
    :param environment: variables to start its programs with
    :param qemu_img_path: path or name of qemu-img
    :param tell: called with each step when it is done

    :ivar folder: of the VMs; it is removed at the end
    :ivar steps: that were done
    """

    def __init__(self, found: product.Product,
                 environment: Mapping[str, str], qemu_img_path: str,
                 tell: Callable[[Step], None]) -> None:
        self._product = found
        self._runner = _Recorder(environment)
        self._qemu_img_path = qemu_img_path
        self._tell = tell
        self.folder = ''
        self.steps: list[Step] = []

    @property
    def calls(self) -> list[Call]:
        """Every program that was run."""
        return self._runner.calls

    def run(self) -> None:
        """Try everything, then stop the VMs and remove their files."""
        self.folder = os.path.realpath(tempfile.mkdtemp(
            prefix='nova-vmrun-try-', dir=system.here().temporary_folder))
        try:
            self._try_all()
        finally:
            for name in _NAMES:
                with contextlib.suppress(exception.VmrunError):
                    self._vmrun('stop', self._vmx(name), 'hard')
            shutil.rmtree(self.folder, ignore_errors=True)

    def _try_all(self) -> None:
        can_pause = self._product.can_pause
        can_snapshot = self._product.can_snapshot
        with socket.create_server((_LOOPBACK, 0)) as probe:
            self._port = probe.getsockname()[1]
        if not (self._try('make disks', (), self._make_disks) and
                self._try('start', (1, 3, 7, 16), self._start_first)):
            return
        self._try('start a second VM on the same base disk', (2,),
                  self._start_second)
        if self._try('start a VM with a volume', (38,), self._start_third):
            self._try('lock the volume', (39,), self._look_at_lock)
            self._try('snapshot of a VM with a volume', (41,),
                      self._snapshot_third, can_snapshot)
        self._try('VNC without a password', (10,), self._look_at_screen)
        self._try('read guestinfo', (), self._read_guestinfo)
        self._try('pause and unpause', (), self._pause, can_pause)
        self._try('snapshot and delete it', (), self._snapshot, can_snapshot)
        self._try('suspend and resume', (), self._suspend)
        self._try('soft stop', (), self._stop_soft)
        self._try('stop', (), self._stop)
        self._try('append to the console log', (14,), self._start_again)

    def _try(self, name: str, claims: tuple[int, ...],
             do: Callable[[], None], is_possible: bool = True) -> bool:
        """Do a step; return whether it had the expected result."""
        began = time.monotonic()
        outcome, text = OK, ''
        if not is_possible:
            outcome, text = SKIPPED, '%s cannot do it.' % self._product.name
        else:
            try:
                do()
            except (exception.VmrunError, _Failure, OSError) as error:
                outcome, text = FAILED, str(error)
        step = Step(name, claims, outcome, text, time.monotonic() - began)
        self.steps.append(step)
        self._tell(step)
        return outcome == OK

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _vmx(self, name: str) -> str:
        return self._path(os.path.join(name, name + '.vmx'))

    def _vmrun(self, *words: str, timeout: float = _TIMEOUT) -> str:
        result = noise.run(self._runner, self._product.vmrun, '-T',
                           self._product.kind, *words, timeout=timeout,
                           kill_group=words[0] != 'start')
        if messages.is_error(result):
            raise messages.refusal(result, 'vmrun %s failed.' % words[0])
        return result.stdout

    def _make_disks(self) -> None:
        if self._product.vdiskmanager is None:
            raise _Failure('vmware-vdiskmanager is not installed.')
        base, delta = self._path('base.vmdk'), self._path('delta.vmdk')
        vdiskmanager.VDiskManager(
            self._runner, self._product.vdiskmanager, _TIMEOUT).create(
                base, size_mb=16)
        qemu_img.QemuImg(self._runner, self._qemu_img_path,
                         _TIMEOUT).create_child(base, delta)
        os.chmod(base, 0o400)
        for name in _NAMES:
            os.mkdir(self._path(name), 0o700)
            linked.make_child(delta, base,
                              self._path(name + '/disk.vmdk'), 'lsilogic')

    def _write_vmx(self, name: str, keys: Mapping[str, str]) -> None:
        found = {
            '.encoding': 'UTF-8', 'config.version': '8',
            'virtualHW.version': str(self._product.hardware_version),
            'displayName': _SNAPSHOT + '-' + name,
            'guestOS': 'other5xlinux-64', 'memsize': '64', 'numvcpus': '1',
            'uuid.action': 'keep', 'msg.autoAnswer': 'TRUE',
            'floppy0.present': 'FALSE', 'scsi0.present': 'TRUE',
            'scsi0.virtualDev': 'lsilogic', 'scsi0:0.present': 'TRUE',
            'scsi0:0.fileName': 'disk.vmdk', 'pciBridge0.present': 'TRUE'}
        for number in (4, 5, 6, 7):
            bridge = 'pciBridge%d.' % number
            found.update({bridge + 'present': 'TRUE',
                          bridge + 'virtualDev': 'pcieRootPort',
                          bridge + 'functions': '8'})
        with open(self._vmx(name), 'w', encoding='utf-8') as file:
            file.write(vmx.dump({**found, **keys}))

    def _start_first(self) -> None:
        self._write_vmx('first', {
            'ethernet0.present': 'TRUE', 'ethernet0.virtualDev': 'vmxnet3',
            'ethernet0.connectionType': 'nat',
            'ethernet0.addressType': 'static',
            'ethernet0.address': 'fa:16:3e:00:00:01',
            'ethernet0.checkMACAddress': 'FALSE',
            'RemoteDisplay.vnc.enabled': 'TRUE',
            'RemoteDisplay.vnc.ip': _LOOPBACK,
            'RemoteDisplay.vnc.port': str(self._port),
            'serial0.present': 'TRUE', 'serial0.fileType': 'file',
            'serial0.fileName': _SERIAL,
            'answer.msg.serial.file.open': 'Append',
            _GUESTINFO: 'tried'})
        self._vmrun('start', self._vmx('first'), 'nogui')
        self._require_listed('first')

    def _start_second(self) -> None:
        self._write_vmx('second', {})
        self._vmrun('start', self._vmx('second'), 'nogui')
        self._require_listed('first')
        self._require_listed('second')
        self._vmrun('stop', self._vmx('second'), 'hard')
        self._require_listed('second', is_running=False)

    @property
    def _volume(self) -> str:
        """Path of the descriptor of a volume, made as Cinder's are."""
        return self._path('volumes/' + volume_files.descriptor('volume'))

    def _start_third(self) -> None:
        extent = volume_files.extent('volume')
        os.mkdir(os.path.dirname(self._volume), 0o700)
        with open(self._path('volumes/' + extent), 'wb') as file:
            file.truncate(_VOLUME_SECTORS * 512)
        with open(self._volume, 'w', encoding='utf-8') as text:
            text.write(flat.descriptor(flat.FlatDisk(
                extent, _VOLUME_SECTORS, str(uuid.uuid4()))))
        self._write_vmx('third', self._volume_keys)
        self._vmrun('start', self._vmx('third'), 'nogui')
        self._require_listed('third')

    @property
    def _volume_keys(self) -> Mapping[str, str]:
        return {'scsi0:1.present': 'TRUE', 'scsi0:1.fileName': self._volume,
                'scsi0:1.mode': 'independent-persistent'}

    def _look_at_lock(self) -> None:
        if not os.path.isdir(volume_files.lock_of(self._volume)):
            raise _Failure('There is no lock beside the volume.')
        self._write_vmx('second', self._volume_keys)
        with contextlib.suppress(exception.VmrunError):
            self._vmrun('start', self._vmx('second'), 'nogui')
        self._require_listed('second', is_running=False)

    def _snapshot_third(self) -> None:
        # VMware takes no snapshot of the memory of a VM with such a disk.
        self._vmrun('stop', self._vmx('third'), 'hard')
        self._vmrun('snapshot', self._vmx('third'), _SNAPSHOT)
        found = volume_files.children(
            'volume', os.listdir(os.path.dirname(self._volume)))
        self._vmrun('deleteSnapshot', self._vmx('third'), _SNAPSHOT)
        if found:
            raise _Failure('It made %s.' % ', '.join(found))

    def _require_listed(self, name: str, is_running: bool = True) -> None:
        output = self._vmrun('list')
        listed = self._vmx(name) in output.splitlines()
        if listed != is_running:
            raise _Failure('vmrun list %s the %s VM: %s' % (
                'lists' if listed else 'does not list', name, output))

    def _look_at_screen(self) -> None:
        with socket.create_connection((_LOOPBACK, self._port), 10) as screen:
            screen.settimeout(10)
            file = screen.makefile('rb')
            version = file.read(len(_RFB))
            screen.sendall(_RFB)
            kinds = list(file.read(ord(file.read(1) or b'\0')))
        if _WITHOUT_LOGIN not in kinds:
            raise _Failure('The server says %r and offers the security types '
                           '%s.' % (version, kinds))

    def _read_guestinfo(self) -> None:
        found = self._vmrun('readVariable', self._vmx('first'), 'guestVar',
                            _GUESTINFO.partition('.')[2]).strip()
        if found != 'tried':
            raise _Failure('It is %r.' % found)

    def _pause(self) -> None:
        self._vmrun('pause', self._vmx('first'))
        self._require_listed('first')
        self._vmrun('unpause', self._vmx('first'))

    def _snapshot(self) -> None:
        self._vmrun('snapshot', self._vmx('first'), _SNAPSHOT)
        if _SNAPSHOT not in self._vmrun('listSnapshots', self._vmx('first')):
            raise _Failure('It is not listed.')
        self._vmrun('deleteSnapshot', self._vmx('first'), _SNAPSHOT)

    def _suspend(self) -> None:
        self._vmrun('suspend', self._vmx('first'), 'hard')
        self._require_listed('first', is_running=False)
        self._vmrun('start', self._vmx('first'), 'nogui')
        self._require_listed('first')

    def _stop_soft(self) -> None:
        """Expect a refusal, or no answer, unless Tools run in the guest."""
        try:
            self._vmrun('stop', self._vmx('first'), 'soft',
                        timeout=_SOFT_TIMEOUT)
        except (exception.ToolsNotRunning, exception.ToolTimeout):
            self._require_listed('first')
        else:
            self._require_listed('first', is_running=False)

    def _stop(self) -> None:
        if self._vmx('first') not in self._vmrun('list').splitlines():
            self._vmrun('start', self._vmx('first'), 'nogui')
        self._vmrun('stop', self._vmx('first'), 'hard')
        self._require_listed('first', is_running=False)

    def _start_again(self) -> None:
        path = self._path('first/' + _SERIAL)
        # The disk is empty, so that only the firmware could write.
        with open(path, 'ab') as file:
            file.write(b'written by nova-vmrun\n')
        with open(path, 'rb') as file:
            before = file.read()
        self._vmrun('start', self._vmx('first'), 'nogui')
        with open(path, 'rb') as file:
            if not file.read().startswith(before):
                raise _Failure('The file was truncated.')
