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

"""The VMs of a trial: tiny ones, in a temporary folder."""

from collections.abc import Mapping
import contextlib
import dataclasses
import os
import re
import signal
import uuid

from oslo_utils import units

from nova_vmrun.doctor import steps
from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import report
from nova_vmrun.formats import vmx
from nova_vmrun.formats import volume_files
from nova_vmrun.host import locks
from nova_vmrun.host import product
from nova_vmrun.storage import linked
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager

#: For programs, in seconds.
TIMEOUT = 60
#: What names of VMs and of their snapshots begin with.
PREFIX = 'nova-vmrun-try'
#: Size of a volume, in bytes.
VOLUME_SIZE = 16 * units.Mi

_LOG = 'vmware.log'
_MOST_EVIDENCE = 40
_LONGEST_LINE = 300
# A line of the log that repeats the .vmx.
_SETTING = re.compile(r'\bDICT\b')


@dataclasses.dataclass(frozen=True)
class Moment:
    """A VM's log and settings at one time.

    :ivar log_size: in bytes
    """

    log_size: int
    settings: Mapping[str, str]


def volume_settings(descriptor: str) -> Mapping[str, str]:
    """Return the settings of a VM's second disk, which is a volume.

    :param descriptor: path
    """
    return {'scsi0:1.present': 'TRUE', 'scsi0:1.fileName': descriptor,
            'scsi0:1.mode': 'independent-persistent'}


def _disk(extent: str, is_device: bool = False) -> flat.FlatDisk:
    return flat.FlatDisk(extent, VOLUME_SIZE // 512, str(uuid.uuid4()),
                         is_device=is_device)


class TrialVMs:
    """The VMs of a trial.

    :param found: the product
    :param recorder: runs VMware's programs
    :param folder: that all files are in
    """

    def __init__(self, found: product.Product, recorder: steps.Recorder,
                 folder: str) -> None:
        self.product = found
        self.recorder = recorder
        self.folder = folder
        self._base = self.path('base.vmdk')
        self._delta = self.path('delta.vmdk')
        self._names: list[str] = []

    def path(self, name: str) -> str:
        """Return the path of a file in the folder of the trial."""
        return os.path.join(self.folder, name)

    def vmx_path(self, name: str) -> str:
        """Return the path of a VM's .vmx."""
        return self.path(os.path.join(name, name + '.vmx'))

    def make_disks(self, qemu_img_path: str) -> None:
        """Make what the disks of all VMs are made of.

        :raises Failure: vmware-vdiskmanager is missing
        """
        if self.product.vdiskmanager is None:
            raise steps.Failure('vmware-vdiskmanager is not installed.')
        vdiskmanager.VDiskManager(
            self.recorder, self.product.vdiskmanager, TIMEOUT).create(
                self._base, size_mb=16)
        qemu_img.QemuImg(self.recorder, qemu_img_path, TIMEOUT).create_child(
            self._base, self._delta)
        os.chmod(self._base, 0o400)

    def make_volume(self, name: str, device: str | None = None,
                    content: bytes = b'') -> str:
        """Make a volume's files, as for Cinder.

        :param device: that has the content instead of a file
        :param content: of the first sectors of the file
        :returns: the path of the descriptor
        """
        folder = self.path('volumes')
        os.makedirs(folder, 0o700, exist_ok=True)
        extent = volume_files.extent(name)
        if device is None:
            with open(os.path.join(folder, extent), 'wb') as file:
                file.write(content)
                file.truncate(VOLUME_SIZE)
        path = os.path.join(folder, volume_files.descriptor(name))
        with open(path, 'w', encoding='utf-8') as text:
            text.write(flat.descriptor(_disk(device or extent,
                                             device is not None)))
        return path

    def check_volume(self, name: str) -> None:
        """Raise InvalidVmdk if VMware has made another disk of a volume.

        :param name: of a volume in a file
        """
        with open(self.path('volumes/' + volume_files.descriptor(name)),
                  'rb') as file:
            flat.check(file.read(), _disk(volume_files.extent(name)))

    def write(self, name: str, settings: Mapping[str, str]) -> None:
        """Write the .vmx of a VM that is off, and make its disk if need be.

        :param settings: in addition to those that every VM has
        """
        if name not in self._names:
            os.mkdir(self.path(name), 0o700)
            linked.make_child(self._delta, self._base,
                              self.path(name + '/disk.vmdk'), 'lsilogic')
            self._names.append(name)
        found = {
            '.encoding': 'UTF-8', 'config.version': '8',
            'virtualHW.version': str(self.product.hardware_version),
            'displayName': PREFIX + '-' + name,
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
        with open(self.vmx_path(name), 'w', encoding='utf-8') as file:
            file.write(vmx.dump({**found, **settings}))

    def vmrun(self, verb: str, *words: str, timeout: float = TIMEOUT) -> str:
        """Run vmrun and return its standard output.

        :raises VmrunError: it failed
        """
        result = noise.run(self.recorder, self.product.vmrun, '-T',
                           self.product.kind, verb, *words, timeout=timeout,
                           kill_group=verb != 'start')
        if messages.is_error(result):
            raise messages.refusal(result, 'vmrun %s failed.' % verb)
        return result.stdout

    def run(self, verb: str, name: str, *words: str,
            timeout: float = TIMEOUT) -> str:
        """Run vmrun on a VM and return its standard output.

        :raises VmrunError: it failed
        """
        return self.vmrun(verb, self.vmx_path(name), *words, timeout=timeout)

    def start(self, name: str) -> None:
        """Start a VM, which must be listed then."""
        self.run('start', name, 'nogui')
        self.require_listed(name)

    def stop(self, name: str) -> None:
        """Stop a VM hard; it must not be listed then."""
        self.run('stop', name, 'hard')
        self.require_listed(name, is_running=False)

    def is_listed(self, name: str) -> bool:
        """Return whether vmrun lists a VM as running."""
        return self.vmx_path(name) in self.vmrun('list').splitlines()

    def require_listed(self, name: str, is_running: bool = True) -> None:
        """Raise Failure unless vmrun lists a VM, or does not list it."""
        output = self.vmrun('list')
        listed = self.vmx_path(name) in output.splitlines()
        if listed != is_running:
            raise steps.Failure('vmrun list %s the %s VM: %s' % (
                'lists' if listed else 'does not list', name, output))

    def moment(self, name: str) -> Moment:
        """Return how much a VM's log has now, and its settings."""
        try:
            size = os.path.getsize(self._log(name))
        except FileNotFoundError:
            size = 0
        return Moment(size, self.settings(name))

    def settings(self, name: str) -> vmx.Vmx:
        """Return the settings in the .vmx of a VM.

        :raises InvalidVmx: VMware left something unreadable
        """
        with open(self.vmx_path(name), 'rb') as file:
            return vmx.load(file.read())

    def evidence(self, name: str, since: Moment,
                 topic: str) -> tuple[str, ...]:
        """Return what VMware has logged and changed in the .vmx.

        :param topic: a regular expression; lines and settings without a match
            are left out
        """
        pattern = re.compile(topic, re.IGNORECASE)
        lines = ['%s = "%s"' % (key, report.masked(key, value))
                 for key, value in self.settings(name).items()
                 if since.settings.get(key) != value and pattern.search(key)]
        with contextlib.suppress(FileNotFoundError):
            with open(self._log(name), encoding='utf-8',
                      errors='replace') as file:
                # Each start begins a new log.
                if os.fstat(file.fileno()).st_size >= since.log_size:
                    file.seek(since.log_size)
                # The name of the VM may have a match in its path.
                lines += [line.strip() for line in file
                          if not _SETTING.search(line) and pattern.search(
                              line.replace(self.path(name), ''))]
        return tuple(line[:_LONGEST_LINE] for line in lines[:_MOST_EVIDENCE])

    def _log(self, name: str) -> str:
        return self.path(os.path.join(name, _LOG))

    def end(self) -> None:
        """Stop all VMs, whatever state they are in."""
        for name in self._names:
            try:
                self.run('stop', name, 'hard')
            except exception.VmrunError:
                # It is off, or VMware has encrypted it and vmrun wants a
                # password.
                self._kill(name)

    def _kill(self, name: str) -> None:
        for holder in locks.holders(self.vmx_path(name) + '.lck'):
            if holder.pid is not None and locks.is_vm(holder.program):
                with contextlib.suppress(OSError):
                    os.kill(holder.pid, signal.SIGKILL)
