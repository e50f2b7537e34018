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

"""A VM of the user's own, as Workstation, Player and Fusion leave it."""

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
    """A VM that was read.

    :ivar path: of its .vmx
    :ivar keys: a Vmx
    """

    path: str
    keys: vmx.Vmx

    @property
    def folder(self):
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def name(self):
        stem = os.path.basename(self.path).removesuffix('.vmx')
        return self.keys.get('displayName') or stem

    def disk_path(self, disk):
        """Returns the path of an attached.Attached."""
        return os.path.join(self.folder, disk.file)


def is_vm(path):
    """Tells whether a path is a .vmx, or a folder such as Fusion's bundles."""
    return os.path.isdir(path) or path.lower().endswith('.vmx')


def load(path):
    """Reads a VM.

    :param path: a .vmx, or a folder with one in it
    :raises InvalidVmx: there is none, or it cannot be read
    """
    if os.path.isdir(path):
        found = glob.glob(os.path.join(glob.escape(path), '*.vmx'))
        if len(found) != 1:
            raise exception.InvalidVmx(
                'The folder %s is not that of one VM.' % path,
                'It has %d .vmx files.' % len(found), 'Name the .vmx.')
        path, = found
    try:
        return Vm(path, vmx.load(files.read(path)))
    except exception.InvalidVmx as error:
        raise exception.InvalidVmx('%s cannot be read.' % path, error.brief,
                                   error.resolution)


def owner(disk):
    """Finds the VM that a disk lies beside and belongs to.

    :param disk: path of a .vmdk
    :returns: (Vm, attached.Attached), or (None, None); a .vmx that cannot be
        read is no reason to refuse the disk
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
    return None, None


def boot_disk(vm, node=None):
    """Returns the disk that a VM boots from, an attached.Attached.

    :param vm: a Vm
    :param node: such as scsi0:1, if the user has chosen one
    :raises InvalidVmx: there is no such disk, or no way to tell which it is
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
            'It cannot be told which disk %s boots from.' % vm.path,
            'It has disks on several buses: %s.' % ', '.join(
                '%s (%s)' % (disk.node, disk.file)
                for disk in disks.values()),
            'Name one with --disk.')
    return disks[min(disks, key=_position)]


def own_disk(vm, disk):
    """Returns the path of a disk that lies in the folder of its VM.

    A .vmx from elsewhere must not choose among the other files of the user.

    :param vm: a Vm
    :param disk: an attached.Attached of it
    :raises InvalidVmx: it is missing, in another folder, or no plain file
    """
    named = vm.disk_path(disk)
    path = os.path.join(vm.folder, os.path.basename(named))
    if paths.canonical(os.path.dirname(named)) != paths.canonical(vm.folder):
        raise _unusable(vm, 'Its disk %s is not in its folder.' % named,
                        'If that disk is yours, name it in place of the VM.')
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        raise _unusable(vm, 'Its disk %s is missing.' % path,
                        'Copy it to where it was, or correct the .vmx.')
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(vm, 'Its disk %s is no plain file.' % path,
                        'If it is a symbolic link of your own, name the disk '
                        'in place of the VM.')
    return path


def _unusable(vm, details, advice):
    return exception.InvalidVmx('%s cannot be used.' % vm.path, details,
                                advice)


def _position(node):
    controller, _, unit = node.partition(':')
    return controller, int(unit)
