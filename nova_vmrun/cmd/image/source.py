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

"""What a user names on the command line, and what lies around it."""

import contextlib
import dataclasses
import os

from nova_vmrun.catalog import properties as props
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.cmd.image import properties
from nova_vmrun.cmd.image import vm as vms
from nova_vmrun import exception
from nova_vmrun.formats import ovf
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import ova
from nova_vmrun.inspection import sniff


@dataclasses.dataclass(frozen=True)
class Source:
    """A file that may become an image.

    :ivar path: of the file; of the boot disk if a VM was named
    :ivar kind: a sniff.GlanceFormat
    :ivar name: that an image of it would have
    :ivar vm: the Vm that the disk belongs to, or None
    :ivar properties: dict of what the VM or the OVF in an OVA says
    :ivar told_by: path of what says so, or None
    :ivar members: names in an OVA to (offset, length) in bytes
    """

    path: str
    kind: sniff.GlanceFormat
    name: str
    vm: vms.Vm | None = None
    properties: dict = dataclasses.field(default_factory=dict)
    told_by: str | None = None
    members: dict = dataclasses.field(default_factory=dict)

    @property
    def is_vmdk(self):
        return self.kind[:2] == ('vmdk', 'bare')

    def disk(self):
        """Returns the disk_files.DiskFiles of a VMDK, which is checked."""
        return disk_files.follow(self.path)


def find(path: str, node: str | None = None, disk_format: str | None = None,
         ova_disk: str | None = None) -> Source:
    """Looks at what a user has named.

    :param path: a disk image, an OVA, a .vmx, or the folder of a VM
    :param node: the disk of the VM, such as scsi0:1; None: that it boots from
    :param disk_format: what Glance shall be told; None: what the file is
    :param ova_disk: the disk of an OVA, as vmrun_ova_disk names it
    :returns: a Source
    :raises InvalidInput: a VM that cannot be read, or has no such disk
    :raises ImageRefused: a file of no known kind, or an OVA that is none
    """
    if not os.path.exists(path):
        raise exception.InvalidInput(
            'There is no %s.' % path, 'The file was looked for in %s.'
            % os.getcwd(), 'Correct the name.')
    if vms.is_vm(path):
        vm = vms.load(path)
        disk = vms.boot_disk(vm, node)
        path = vms.own_disk(vm, disk)
        return _of_vm(path, sniff.sniff(path, disk_format), vm, disk)
    if node is not None:
        raise exception.InvalidInput(
            '%s has no disk %s.' % (path, node), 'It is no VM.',
            'Name a .vmx, or leave --disk out.')
    kind = sniff.sniff(path, disk_format)
    if disk_format:
        container = (kind.container_format if disk_format == kind.disk_format
                     else 'bare')
        kind = sniff.GlanceFormat(disk_format, container, kind.disk_type)
    if kind.container_format == inspector.OVA:
        return _of_ova(path, kind, ova_disk)
    vm, disk = vms.owner(path)
    if vm is not None:
        return _of_vm(path, kind, vm, disk)
    return Source(path, kind, _stem(path))


def _of_vm(path, kind, vm, disk):
    return Source(path, kind, vm.name, vm,
                  properties.of_vm(vm.keys, disk.bus), vm.path)


def _of_ova(path: str, kind: sniff.GlanceFormat, disk: str | None) -> Source:
    package = ova.read(path, os.path.basename(path))
    disk_id = None
    with contextlib.suppress(exception.ImageRefused):
        # What is wrong with it is told with all other reasons.
        disk_id = ova.find_disk(package, '', disk).id
    keys, bus = ovf.hardware(package.envelope, disk_id)
    found = properties.of_vm(keys, bus)
    if disk is not None:
        found[props.names('ova_disk')[0]] = disk
    return Source(path, kind, _stem(path), properties=found, told_by=path,
                  members=package.members)


def _stem(path):
    return os.path.splitext(os.path.basename(path))[0]
