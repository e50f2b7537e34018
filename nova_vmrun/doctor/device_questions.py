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

"""Open questions about devices: disks, adapters, a TPM and serial ports.

Nobody has published what VMware does. The driver works with either answer,
but could do more with a yes.
"""

from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import os
import shutil
import socket
import time
import uuid

from nova_vmrun.aio import processes
from nova_vmrun.doctor import boot_sector
from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.formats import identity
from nova_vmrun.formats import volume_files
from nova_vmrun.tools import noise

_SECONDS = 10
# For a guest that boots, and for one that writes.
_BOOT_SECONDS, _WRITE_SECONDS = 15, 45
_NOTES = 'notes.log'
_SLOT = 'scsi0:2'
_ADAPTER = 'ethernet1'
_SOCKET = 'agent.sock'
# As the driver writes a serial port that has a socket.
_SERIAL = {'serial0.present': 'TRUE', 'serial0.fileType': 'pipe',
           'serial0.fileName': _SOCKET, 'serial0.startConnected': 'TRUE',
           'serial0.yieldOnMsrRead': 'TRUE',
           'serial0.pipe.endPoint': 'server', 'serial0.tryNoRxLoss': 'TRUE'}


class DeviceQuestions:
    """Open questions about devices.

    :param vms: whose disks have been made
    """

    def __init__(self, vms: trial_vms.TrialVMs) -> None:
        self._vms = vms

    def all(self) -> list[steps.Question]:
        """Return the questions, in the order in which to ask them."""
        return [
            steps.Question('add a disk to a running VM', (43,),
                           self._add_disk),
            steps.Question('add an adapter to a running VM', (44,),
                           self._add_adapter),
            steps.Question('add a TPM', (45,), self._add_tpm),
            steps.Question('two VMs on a LAN segment', (46,),
                           self._share_segment),
            steps.Question('start with an old socket of a serial port', (47,),
                           self._start_with_old_socket),
            steps.Question('socket of a serial port', (15, 48),
                           self._keep_socket),
            steps.Question('serial port that nobody reads', (49,),
                           self._read_nothing),
            steps.Question('guest that fills a serial port', (52,),
                           self._fill_port)]

    def _vmcli(self, name: str, *words: str) -> None:
        """Run vmcli on a VM.

        :raises Failure: it refused
        """
        result = noise.run(self._vms.recorder, _path_of_vmcli(self._vms),
                           self._vms.vmx_path(name), *words,
                           timeout=trial_vms.TIMEOUT)
        if result.exit_code:
            raise steps.Failure('vmcli %s %s failed: %s' % (
                *words[:2], result.details()))

    def _add_disk(self) -> steps.Answer:
        _path_of_vmcli(self._vms)
        disk = self._vms.make_volume('added')
        with self._running('disk-added') as (name, before):
            self._vmcli(name, 'Disk', 'SetBackingInfo', _SLOT, 'disk', disk,
                        'false')
            self._vmcli(name, 'Disk', 'SetPresent', _SLOT, 'true')
            is_locked = _wait_for_lock(disk)
            self._vmcli(name, 'Disk', 'query')
            self._vms.require_listed(name)
            return steps.Answer(
                is_locked,
                'The VM has locked the disk.' if is_locked else
                'vmcli reports success, but the VM does not lock the disk.',
                self._vms.evidence(name, before, 'scsi|hot|added'))

    def _add_adapter(self) -> steps.Answer:
        _path_of_vmcli(self._vms)
        with self._running('adapter-added') as (name, before):
            if self._connects(name):
                raise steps.NotAsked(
                    'vmrun connects even an adapter that a VM does not have, '
                    'so that it cannot tell whether one was added.')
            self._vmcli(name, 'Ethernet', 'SetVirtualDevice', _ADAPTER,
                        'vmxnet3')
            self._vmcli(name, 'Ethernet', 'SetConnectionType', _ADAPTER,
                        'nat')
            self._vmcli(name, 'Ethernet', 'SetPresent', _ADAPTER, 'true')
            is_there = self._connects(name)
            self._vmcli(name, 'Ethernet', 'query')
            self._vms.require_listed(name)
            return steps.Answer(
                is_there,
                'vmrun can connect it.' if is_there else
                'vmcli reports success, but vmrun cannot connect the adapter.',
                self._vms.evidence(name, before, 'ethernet|hot|vmxnet'))

    def _connects(self, name: str) -> bool:
        try:
            self._vms.run('connectNamedDevice', name, _ADAPTER)
        except exception.VmrunError:
            return False
        return True

    def _add_tpm(self) -> steps.Answer:
        settings = {'firmware': 'efi', 'managedvm.autoAddVTPM': 'software'}
        with self._running('tpm', settings) as (name, before):
            found = self._vms.settings(name)
            has_tpm = found.get_bool('vtpm.present')
            is_encrypted = 'encryption.keySafe' in found
            return steps.Answer(
                has_tpm,
                'The VM has got a TPM, and is %sencrypted.' % (
                    '' if is_encrypted else 'not ') if has_tpm else
                'The VM starts without a TPM.',
                self._vms.evidence(name, before, 'tpm|encrypt'))

    def _share_segment(self) -> steps.Answer:
        settings = {
            'ethernet0.present': 'TRUE', 'ethernet0.virtualDev': 'vmxnet3',
            'ethernet0.connectionType': 'pvn',
            'ethernet0.pvnID': identity.to_segment(str(uuid.uuid4())),
            'ethernet0.addressType': 'static',
            'ethernet0.address': 'fa:16:3e:00:00:02',
            'ethernet0.checkMACAddress': 'FALSE'}
        other = {**settings, 'ethernet0.address': 'fa:16:3e:00:00:03'}
        with (self._running('segment-1', settings) as (name, before),
              self._running('segment-2', other)):
            found = self._vms.settings(name)
            lost = [key for key in ('ethernet0.connectionType',
                                    'ethernet0.pvnID')
                    if found.get(key) != settings[key]]
            return steps.Answer(
                not lost,
                'VMware has changed %s.' % ' and '.join(lost) if lost else
                'Both VMs start. Whether they reach each other was not tried.',
                self._vms.evidence(name, before, 'ethernet0|pvn|vmnet'))

    def _start_with_old_socket(self) -> steps.Answer:
        name = 'serial'
        self._vms.write(name, _SERIAL)
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(self._vms.path(name + '/' + _SOCKET))
        before = self._vms.moment(name)
        self._vms.start(name)
        try:
            with self._connected(name):
                return steps.Answer(True, evidence=self._vms.evidence(
                    name, before, 'serial'))
        finally:
            self._vms.stop(name)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._vms.path(name + '/' + _SOCKET))

    def _keep_socket(self) -> steps.Answer:
        for _ in range(2):
            with self._running('serial', _SERIAL) as (name, before):
                with self._connected(name):
                    pass
                self._vms.run('suspend', name, 'hard')
                self._vms.start(name)
                with self._connected(name):
                    pass
                found = self._vms.evidence(name, before, 'serial')
        return steps.Answer(True, evidence=found)

    def _read_nothing(self) -> steps.Answer:
        with (self._running('serial', _SERIAL) as (name, before),
              self._connected(name)):
            self._vms.run('suspend', name, 'hard')
            self._vms.start(name)
            with self._connected(name):
                self._vms.stop(name)
                return steps.Answer(True, evidence=self._vms.evidence(
                    name, before, 'serial'))

    def _fill_port(self) -> steps.Answer:
        if self._vms.product.is_fake:
            raise steps.NotAsked('the guests of the fakes run no programs.')
        disk = self._vms.make_volume('boot', content=boot_sector.build())
        settings = {
            **_SERIAL, 'scsi0:0.fileName': disk,
            'scsi0:0.mode': 'independent-persistent',
            'serial1.present': 'TRUE', 'serial1.fileType': 'file',
            'serial1.fileName': _NOTES}
        with (self._running('writer', settings) as (name, before),
              self._connected(name)):
            notes = self._wait_for_note(name, boot_sector.START,
                                        _BOOT_SECONDS)
            if boot_sector.START not in notes:
                raise steps.NotAsked('the guest does not boot.')
            notes = self._wait_for_note(name, boot_sector.END, _WRITE_SECONDS)
            return steps.Answer(
                boot_sector.END in notes,
                'In %d seconds the guest has written %d of %d KiB.' % (
                    _WRITE_SECONDS, 4 * notes.count(boot_sector.PART),
                    4 * boot_sector.PARTS)
                if boot_sector.END not in notes else '',
                self._vms.evidence(name, before, 'serial'))

    def _wait_for_note(self, name: str, note: bytes, seconds: float) -> bytes:
        """Return what the guest has noted, once a note is among it."""
        deadline = time.monotonic() + seconds
        while True:
            with open(self._vms.path(name + '/' + _NOTES), 'rb') as file:
                found = file.read()
            if note in found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    @contextlib.contextmanager
    def _running(self, name: str, settings: Mapping[str, str] | None = None
                 ) -> Iterator[tuple[str, trial_vms.Moment]]:
        """Start a VM, and stop it afterwards.

        Give its name, and its log and settings before the start.
        """
        self._vms.write(name, settings or {})
        before = self._vms.moment(name)
        self._vms.start(name)
        try:
            yield name, before
        finally:
            # The answer is known; TrialVMs.end() stops what is left.
            with contextlib.suppress(exception.VmrunError, steps.Failure):
                if self._vms.is_listed(name):
                    self._vms.stop(name)

    @contextlib.contextmanager
    def _connected(self, name: str) -> Iterator[None]:
        """Connect to the socket of a VM's serial port, and read nothing.

        :raises Failure: nothing listens on it
        """
        path = self._vms.path(name + '/' + _SOCKET)
        deadline = time.monotonic() + _SECONDS
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_SECONDS)
            while True:
                try:
                    client.connect(path)
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise steps.Failure(
                            'Nothing listens on the socket of the serial '
                            'port: %s' % error) from error
                    time.sleep(0.1)
            yield


def _path_of_vmcli(vms: trial_vms.TrialVMs) -> str:
    """Return the vmcli beside vmrun; another one could be another product's.

    :raises NotAsked: there is none
    """
    path = shutil.which('vmcli', path=os.path.dirname(vms.product.vmrun))
    if path is None:
        raise steps.NotAsked('no vmcli here.')
    return path


def _wait_for_lock(descriptor: str) -> bool:
    """Return whether VMware locks a disk, which may take a moment."""
    return processes.wait_until(
        lambda: os.path.isdir(volume_files.lock_of(descriptor)), _SECONDS / 2)
