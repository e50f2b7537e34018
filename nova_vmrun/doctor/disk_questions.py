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

"""Open questions about volumes whose content is not a file in a folder.

iSCSI volumes are such: with root their content is a device, and without root
a file that QEMU shows by FUSE.
"""

from collections.abc import Iterator
import contextlib
import os
import shutil

from nova_vmrun.aio import processes
from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import fuse
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import qemu_storage_daemon

_SECONDS = 10
_LOSETUP = 'losetup'


class DiskQuestions:
    """Open questions about volumes.

    :param vms: whose disks have been made
    """

    def __init__(self, vms: trial_vms.TrialVMs) -> None:
        self._vms = vms

    def all(self) -> list[steps.Question]:
        """Return the questions, in the order in which to ask them."""
        return [steps.Question('volume on a device', (50,), self._use_device),
                steps.Question('volume in a FUSE file', (51,),
                               self._use_fuse)]

    def _use_device(self) -> steps.Answer:
        with self._loop_device() as device:
            return self._start_with(
                'device', self._vms.make_volume('device', device))

    def _use_fuse(self) -> steps.Answer:
        descriptor = self._vms.make_volume('fuse')
        with self._mounted(self._vms.path(
                'volumes/' + volume_files.extent('fuse'))):
            return self._start_with('fuse', descriptor)

    def _start_with(self, name: str, descriptor: str) -> steps.Answer:
        """Start and stop a VM with a volume."""
        self._vms.write(name, trial_vms.volume_settings(descriptor))
        before = self._vms.moment(name)
        self._vms.start(name)
        self._vms.stop(name)
        return steps.Answer(True, evidence=self._vms.evidence(
            name, before, 'disk|scsi0:1'))

    @contextlib.contextmanager
    def _loop_device(self) -> Iterator[str]:
        """Make a device of a new file, and remove it afterwards.

        :raises NotAsked: this user or host cannot
        """
        if os.geteuid():
            raise steps.NotAsked('Only root may make a loop device.')
        program = shutil.which(_LOSETUP)
        if program is None:
            raise steps.NotAsked('no losetup here.')
        path = self._vms.path('device.raw')
        with open(path, 'wb') as file:
            file.truncate(trial_vms.VOLUME_SIZE)
        result = self._vms.recorder.run(program, '--find', '--show', path,
                                        timeout=_SECONDS)
        device = result.stdout.strip()
        if result.exit_code or not device:
            raise steps.NotAsked('This host cannot make a loop device: %s'
                                 % result.details())
        try:
            yield device
        finally:
            self._vms.recorder.run(program, '--detach', device,
                                   timeout=_SECONDS)

    @contextlib.contextmanager
    def _mounted(self, path: str) -> Iterator[None]:
        """Show the content of a new file in another one by FUSE.

        :param path: of the other one
        :raises NotAsked: this user or host cannot
        """
        program = shutil.which(qemu_storage_daemon.NAME)
        if program is None:
            raise steps.NotAsked('no %s here.' % qemu_storage_daemon.NAME)
        content = self._vms.path('fuse.raw')
        os.rename(path, content)
        with open(path, 'wb'):
            # QEMU mounts on an empty file.
            pass
        files = qemu_storage_daemon.Files(
            path, '', self._vms.path('fuse.pid'), self._vms.path('fuse.qmp'))
        try:
            try:
                fuse.check()
                qemu_storage_daemon.QemuStorageDaemon(
                    self._vms.recorder, program, _SECONDS).start(
                        qemu_storage_daemon.RawFile(content), files)
            except exception.VmrunError as error:
                raise steps.NotAsked(str(error)) from error
            yield
        finally:
            self._end(files)

    def _end(self, files: qemu_storage_daemon.Files) -> None:
        """End a daemon and remove its mount."""
        processes.end(qemu_storage_daemon.pids(files), _SECONDS)
        if fuse.is_mounted(files.mount_point):
            fusermount.Fusermount(self._vms.recorder).unmount(
                files.mount_point, is_lazy=True)
