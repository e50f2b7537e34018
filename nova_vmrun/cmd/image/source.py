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

"""The file that a user names on the command line, and what belongs to it."""

from collections.abc import Mapping
import contextlib
import dataclasses
import os

from nova_vmrun.catalog import properties as props
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.cmd.image import properties
from nova_vmrun.cmd.image import vm as vms
from nova_vmrun import exception
from nova_vmrun.formats import ovf
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import ova
from nova_vmrun.inspection import sniff
from nova_vmrun.machine import attached


@dataclasses.dataclass(frozen=True)
class Source:
    """A file that may become an image.

    :ivar path: of the file; of the boot disk if a VM was named
    :ivar kind: the formats to declare to Glance
    :ivar name: name for an image of it
    :ivar vm: the VM that the disk belongs to, or None
    :ivar properties: image properties from the VM or from the OVF in an OVA
    :ivar told_by: path of the file that the properties are from, or None
    :ivar members: where each member of an OVA is, by name
    """

    path: str
    kind: sniff.GlanceFormat
    name: str
    vm: vms.Vm | None = None
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    told_by: str | None = None
    members: Mapping[str, file_slice.Span] = dataclasses.field(
        default_factory=dict)

    @property
    def is_vmdk(self) -> bool:
        return self.kind[:2] == ('vmdk', 'bare')

    def disk(self) -> disk_files.DiskFiles:
        """Find and check all files of a VMDK."""
        return disk_files.follow(self.path)


def find(path: str, node: str | None = None, disk_format: str | None = None,
         ova_disk: str | None = None) -> Source:
    """Find out what the file is that a user has named.

    :param path: a disk image, an OVA, a .vmx, or the folder of a VM
    :param node: the disk of the VM, such as scsi0:1; None: its boot disk
    :param disk_format: format to declare to Glance; None: detect it
    :param ova_disk: the disk of an OVA, as in vmrun_ova_disk
    :raises InvalidInput: a VM cannot be read, or has no such disk
    :raises ImageRefused: the format of the file is unknown
    """
    if not os.path.exists(path):
        raise exception.InvalidInput(
            '%s does not exist.' % path, 'The current folder is %s.'
            % os.getcwd(), 'Correct the name.')
    if vms.is_vm(path):
        vm = vms.load(path)
        disk = vms.boot_disk(vm, node)
        path = vms.own_disk(vm, disk)
        return _from_vm(path, sniff.sniff(path, disk_format), vm, disk)
    if node is not None:
        raise exception.InvalidInput(
            '%s has no disk %s.' % (path, node), 'It is not a VM.',
            'Name a .vmx, or omit --disk.')
    kind = sniff.sniff(path, disk_format)
    if disk_format:
        container = (kind.container_format if disk_format == kind.disk_format
                     else 'bare')
        kind = sniff.GlanceFormat(disk_format, container, kind.disk_type)
    if kind.container_format == inspector.OVA:
        return _from_ova(path, kind, ova_disk)
    owner = vms.find_owner(path)
    if owner is not None:
        return _from_vm(path, kind, *owner)
    return Source(path, kind, _stem(path))


def _from_vm(path: str, kind: sniff.GlanceFormat, vm: vms.Vm,
             disk: attached.Attached) -> Source:
    return Source(path, kind, vm.name, vm,
                  properties.from_vm(vm.keys, disk.bus), vm.path)


def _from_ova(path: str, kind: sniff.GlanceFormat,
              disk: str | None) -> Source:
    package = ova.read(path, os.path.basename(path))
    disk_id = None
    with contextlib.suppress(exception.ImageRefused):
        # The inspection of the image reports what is wrong with it.
        disk_id = ova.find_disk(package, '', disk).id
    keys, bus = ovf.hardware(package.envelope, disk_id)
    found = properties.from_vm(keys, bus)
    if disk is not None:
        found[props.names('ova_disk')[0]] = disk
    return Source(path, kind, _stem(path), properties=found, told_by=path,
                  members=package.members)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
