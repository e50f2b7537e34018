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

"""A user's own VM, as Workstation, Player and Fusion store it."""

import dataclasses
import glob
import os
import stat

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.machine import attached


@dataclasses.dataclass(frozen=True)
class Vm:
    """A VM.

    :ivar path: of its .vmx
    :ivar keys: content of its .vmx
    """

    path: str
    keys: vmx.Vmx

    @property
    def folder(self) -> str:
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def name(self) -> str:
        stem = os.path.basename(self.path).removesuffix('.vmx')
        return self.keys.get('displayName') or stem

    def disk_path(self, disk: attached.Attached) -> str:
        """Return the path of one of its disks."""
        return os.path.join(self.folder, disk.file)


def is_vm(path: str) -> bool:
    """Return whether a path is a .vmx or a folder, as a Fusion bundle is."""
    return os.path.isdir(path) or path.lower().endswith('.vmx')


def load(path: str) -> Vm:
    """Read a VM.

    :param path: a .vmx, or a folder with one in it
    :raises InvalidVmx: there is no .vmx, or it cannot be read
    """
    if os.path.isdir(path):
        found = glob.glob(os.path.join(glob.escape(path), '*.vmx'))
        if len(found) != 1:
            raise exception.InvalidVmx(
                'The folder %s is not the folder of one VM.' % path,
                'It has %d .vmx files.' % len(found), 'Name the .vmx.')
        path, = found
    try:
        return Vm(path, vmx.load(files.read(path)))
    except exception.InvalidVmx as error:
        raise exception.InvalidVmx('Cannot read %s.' % path, error.brief,
                                   error.resolution)


def find_owner(disk: str) -> tuple[Vm, attached.Attached] | None:
    """Find the VM in the folder of a disk that the disk belongs to.

    A .vmx that cannot be read is ignored.

    :param disk: path of a .vmdk
    :returns: the VM, and the disk as the VM has it
    """
    folder = os.path.dirname(os.path.abspath(disk))
    for path in sorted(glob.glob(os.path.join(glob.escape(folder),
                                              '*.vmx'))):
        try:
            vm = load(path)
        except (exception.InvalidVmx, OSError):
            continue
        for each in attached.every(vm.keys):
            if paths.canonical(vm.disk_path(each)) == paths.canonical(disk):
                return vm, each
    return None


def boot_disk(vm: Vm, node: str | None = None) -> attached.Attached:
    """Return the disk that a VM boots from.

    :param node: such as scsi0:1, if the user has chosen one
    :raises InvalidVmx: there is no such disk, or it is unclear which it is
    """
    disks = {disk.node: disk for disk in attached.every(vm.keys)}
    wanted = node or vm.keys.get('bios.hddOrder', '').split(',')[0].strip()
    if wanted in disks:
        return disks[wanted]
    if node or not disks:
        raise exception.InvalidVmx(
            '%s has no disk %s.' % (vm.path, node or 'at all'),
            'It has: %s.' % (', '.join(disks) or 'none'),
            'Name one of its disks with --disk.' if disks else
            'Name the .vmdk.')
    if len({disk.bus for disk in disks.values()}) > 1:
        raise exception.InvalidVmx(
            'It is unclear which disk %s boots from.' % vm.path,
            'It has disks on several buses: %s.' % ', '.join(
                '%s (%s)' % (disk.node, disk.file)
                for disk in disks.values()),
            'Name one with --disk.')
    return disks[min(disks, key=_position)]


def own_disk(vm: Vm, disk: attached.Attached) -> str:
    """Return the path of a disk after checking that it is beside its .vmx.

    A foreign .vmx must not select other files of the user.

    :raises InvalidVmx: the disk is missing, in another folder, or not a plain
        file
    """
    named = vm.disk_path(disk)
    path = os.path.join(vm.folder, os.path.basename(named))
    if paths.canonical(os.path.dirname(named)) != paths.canonical(vm.folder):
        raise _unusable(vm, 'Its disk %s is not in its folder.' % named,
                        'If that disk is yours, name it instead of the VM.')
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        raise _unusable(vm, 'Its disk %s is missing.' % path,
                        'Copy it to where it was, or correct the .vmx.')
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(vm, 'Its disk %s is not a plain file.' % path,
                        'If it is a symbolic link of your own, name the disk '
                        'instead of the VM.')
    return path


def _unusable(vm: Vm, details: str, advice: str) -> exception.InvalidVmx:
    return exception.InvalidVmx('Cannot use %s.' % vm.path, details, advice)


def _position(node: str) -> tuple[str, int]:
    controller, _, unit = node.partition(':')
    return controller, int(unit)
