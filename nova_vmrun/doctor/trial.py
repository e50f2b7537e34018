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
import os
import shutil
import socket
import tempfile
import time

from nova_vmrun.doctor import device_questions
from nova_vmrun.doctor import disk_questions
from nova_vmrun.doctor import refusal_questions
from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import product
from nova_vmrun import system

_SOFT_TIMEOUT = 20
_LOOPBACK = '127.0.0.1'
# VNC's own numbers: protocol 3.8, and no authentication.
_RFB = b'RFB 003.008\n'
_WITHOUT_LOGIN = 1
_SERIAL = 'serial.log'
_GUESTINFO = 'guestinfo.nova-vmrun'
_SNAPSHOT = trial_vms.PREFIX


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
                 tell: Callable[[steps.Step], None]) -> None:
        self._product = found
        self._recorder = steps.Recorder(environment)
        self._qemu_img_path = qemu_img_path
        self._tell = tell
        self.folder = ''
        self.steps: list[steps.Step] = []

    @property
    def calls(self) -> list[steps.Call]:
        """Every program that was run."""
        return self._recorder.calls

    def run(self) -> None:
        """Try everything, then stop the VMs and remove their files."""
        self.folder = os.path.realpath(tempfile.mkdtemp(
            prefix=trial_vms.PREFIX + '-',
            dir=system.here().temporary_folder))
        self._recorder.folder = self.folder
        self._vms = trial_vms.TrialVMs(self._product, self._recorder,
                                       self.folder)
        try:
            if self._try_all():
                self._ask_all()
        finally:
            self._recorder.step = ''
            self._vms.end()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _try_all(self) -> bool:
        """Try what the driver relies on; return whether VMs start at all."""
        can_pause = self._product.can_pause
        can_snapshot = self._product.can_snapshot
        with socket.create_server((_LOOPBACK, 0)) as probe:
            self._port = probe.getsockname()[1]
        if not (self._try('make disks', (), self._make_disks) and
                self._try('start', (1, 3, 7, 16), self._start_first)):
            return False
        self._try('start a second VM on the same base disk', (2,),
                  self._start_second)
        if self._try('start a VM with a volume', (38,), self._start_third):
            self._try('lock the volume', (39,), self._look_at_lock)
            self._try('snapshot of a VM with a volume', (41,),
                      self._snapshot_third, can_snapshot)
            self._try('descriptor of the volume after its use', (40,),
                      lambda: self._vms.check_volume('volume'))
        self._try('VNC without a password',
                  (10, 11) if self._product.kind == product.PLAYER else (10,),
                  self._look_at_screen)
        self._try('read guestinfo', (), self._read_guestinfo)
        self._try('disconnect and connect an adapter', (42,),
                  self._disconnect)
        self._try('pause and unpause', (), self._pause, can_pause)
        self._try('snapshot and delete it', (), self._snapshot, can_snapshot)
        self._try('suspend and resume', (), self._suspend)
        self._try('soft stop', (), self._stop_soft)
        self._try('stop', (), self._stop)
        self._try('append to the console log', (14,), self._start_again)
        return True

    def _ask_all(self) -> None:
        for question in (
                *device_questions.DeviceQuestions(self._vms).all(),
                *disk_questions.DiskQuestions(self._vms).all(),
                *refusal_questions.RefusalQuestions(self._vms).all()):
            self._ask(question)

    def _try(self, name: str, claims: tuple[int, ...],
             do: Callable[[], None], is_possible: bool = True) -> bool:
        """Do a step; return whether it had the expected result."""
        began = self._begin(name)
        outcome, text = steps.Outcome.OK, ''
        if not is_possible:
            outcome = steps.Outcome.NOT_ASKED
            text = '%s cannot do it.' % self._product.name
        else:
            try:
                do()
            except (exception.VmrunError, steps.Failure, OSError) as error:
                outcome, text = steps.Outcome.FAILED, str(error)
        self._finish(steps.Step(name, claims, outcome, text,
                                time.monotonic() - began))
        return outcome is steps.Outcome.OK

    def _ask(self, question: steps.Question) -> None:
        began = self._begin(question.name)
        answer = steps.Answer(False)
        try:
            answer = question.ask()
            outcome = (steps.Outcome.YES if answer.is_yes
                       else steps.Outcome.NO)
            text = answer.text
        except (steps.NotAsked, OSError) as error:
            outcome, text = steps.Outcome.NOT_ASKED, str(error)
        except (exception.VmrunError, steps.Failure) as error:
            outcome, text = steps.Outcome.NO, str(error)
        self._finish(steps.Step(question.name, question.claims, outcome, text,
                                time.monotonic() - began, answer.evidence))

    def _begin(self, name: str) -> float:
        self._recorder.step = name
        return time.monotonic()

    def _finish(self, step: steps.Step) -> None:
        self.steps.append(step)
        self._tell(step)

    def _make_disks(self) -> None:
        self._vms.make_disks(self._qemu_img_path)

    def _start_first(self) -> None:
        self._vms.write('first', {
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
        self._vms.start('first')

    def _start_second(self) -> None:
        self._vms.write('second', {})
        self._vms.start('second')
        self._vms.require_listed('first')
        self._vms.stop('second')

    def _start_third(self) -> None:
        self._volume = self._vms.make_volume('volume')
        self._vms.write('third', trial_vms.volume_settings(self._volume))
        self._vms.start('third')

    def _look_at_lock(self) -> None:
        if not os.path.isdir(volume_files.lock_of(self._volume)):
            raise steps.Failure('There is no lock beside the volume.')
        self._vms.write('second', trial_vms.volume_settings(self._volume))
        with contextlib.suppress(exception.VmrunError):
            self._vms.run('start', 'second', 'nogui')
        self._vms.require_listed('second', is_running=False)

    def _snapshot_third(self) -> None:
        # VMware takes no snapshot of the memory of a VM with such a disk.
        self._vms.run('stop', 'third', 'hard')
        self._vms.run('snapshot', 'third', _SNAPSHOT)
        found = volume_files.children(
            'volume', os.listdir(os.path.dirname(self._volume)))
        self._vms.run('deleteSnapshot', 'third', _SNAPSHOT)
        if found:
            raise steps.Failure('It made %s.' % ', '.join(found))

    def _look_at_screen(self) -> None:
        with socket.create_connection((_LOOPBACK, self._port), 10) as screen:
            screen.settimeout(10)
            file = screen.makefile('rb')
            version = file.read(len(_RFB))
            screen.sendall(_RFB)
            kinds = list(file.read(ord(file.read(1) or b'\0')))
        if _WITHOUT_LOGIN not in kinds:
            raise steps.Failure('The server says %r and offers the security '
                                'types %s.' % (version, kinds))

    def _read_guestinfo(self) -> None:
        found = self._vms.run('readVariable', 'first', 'guestVar',
                              _GUESTINFO.partition('.')[2]).strip()
        if found != 'tried':
            raise steps.Failure('It is %r.' % found)

    def _disconnect(self) -> None:
        self._vms.run('disconnectNamedDevice', 'first', 'ethernet0')
        # Connecting an adapter that is connected must do no harm.
        for _ in range(2):
            self._vms.run('connectNamedDevice', 'first', 'ethernet0')
        self._vms.require_listed('first')

    def _pause(self) -> None:
        self._vms.run('pause', 'first')
        self._vms.require_listed('first')
        self._vms.run('unpause', 'first')

    def _snapshot(self) -> None:
        self._vms.run('snapshot', 'first', _SNAPSHOT)
        if _SNAPSHOT not in self._vms.run('listSnapshots', 'first'):
            raise steps.Failure('It is not listed.')
        self._vms.run('deleteSnapshot', 'first', _SNAPSHOT)

    def _suspend(self) -> None:
        self._vms.run('suspend', 'first', 'hard')
        self._vms.require_listed('first', is_running=False)
        self._vms.start('first')

    def _stop_soft(self) -> None:
        """Expect a refusal, or no answer, unless Tools run in the guest."""
        try:
            self._vms.run('stop', 'first', 'soft', timeout=_SOFT_TIMEOUT)
        except (exception.ToolsNotRunning, exception.ToolTimeout):
            self._vms.require_listed('first')
        else:
            self._vms.require_listed('first', is_running=False)

    def _stop(self) -> None:
        if not self._vms.is_listed('first'):
            self._vms.start('first')
        self._vms.stop('first')

    def _start_again(self) -> None:
        path = self._vms.path('first/' + _SERIAL)
        # The disk is empty, so that only the firmware could write.
        with open(path, 'ab') as file:
            file.write(b'written by nova-vmrun\n')
        with open(path, 'rb') as file:
            before = file.read()
        self._vms.run('start', 'first', 'nogui')
        with open(path, 'rb') as file:
            if not file.read().startswith(before):
                raise steps.Failure('The file was truncated.')
