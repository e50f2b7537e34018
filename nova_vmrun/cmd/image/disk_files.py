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

"""Find all files of a user's VMDK.

Workstation and Fusion store a disk in many files: extents of 2 GB, a
descriptor with a -flat file, and a chain of parents below a snapshot or a
linked clone. The user's own files are trusted only as far as necessary:
extents have to be beside their descriptor, where VMware puts them, and all
have to be plain files, so that a foreign VM cannot send /dev/sda or a key to
Glance. QEMU opens an extent by its content, so that is checked, too.
"""

from collections.abc import Iterator
import dataclasses
import os
import re
import stat

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import space
from nova_vmrun.inspection import disk_tables
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import inspector

# VMware's own limit, disk.maxNumLinks.
_MAX_LINKS = 255
_MAX_DESCRIPTOR = 1 << 20
_NO_FILE, _SPARSE, _FLAT = 'ZERO', 'SPARSE', ('FLAT', 'VMFS')
# Types of ESX; without their magic, QEMU would open them as SPARSE.
_ESX = {'VMFSSPARSE': inspector.ESX_SPARSE,
        'SESPARSE': inspector.ESX_SE_SPARSE}


@dataclasses.dataclass(frozen=True)
class Link:
    """One disk of a chain.

    :ivar path: the .vmdk to pass to tools
    :ivar descriptor: its parsed descriptor
    :ivar size: bytes as the guest sees them
    :ivar files: paths of all of its files
    """

    path: str
    descriptor: vmdk.Descriptor
    size: int
    files: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class DiskFiles:
    """A disk with all of its files.

    :ivar links: the disk, its parent, and so on to the base
    """

    links: tuple[Link, ...]

    @property
    def chain(self) -> list[str]:
        return [link.path for link in self.links]

    @property
    def files(self) -> list[str]:
        return [path for link in self.links for path in link.files]

    @property
    def size(self) -> int:
        """Bytes as the guest sees them."""
        return self.links[0].size

    @property
    def create_type(self) -> str:
        return self.links[0].descriptor.create_type

    @property
    def is_one_file(self) -> bool:
        return len(self.files) == 1

    @property
    def adapter_by_vmware(self) -> str | None:
        """ide or buslogic, if the disk was made for one of these.

        VMware copies this from parent to child, so the base knows best.
        """
        return self.links[-1].descriptor.adapter_by_vmware

    @property
    def allocated(self) -> int:
        """Bytes that all files take on the file system."""
        return sum(map(space.allocated, self.files))


def follow(path: str) -> DiskFiles:
    """Find all files of a disk.

    :param path: its .vmdk; only this file may be a symbolic link
    :raises InvalidVmdk: the disk is encrypted, incomplete or unreadable, or
        one of its files is not a plain file or not where VMware puts it
    """
    _require_plain(path, os.path.realpath(path))
    links = [_read(os.path.abspath(path))]
    while True:
        child = links[-1].descriptor
        if child.parent_cid == vmdk.NO_PARENT and child.parent_hint is None:
            return DiskFiles(tuple(links))
        file = _parent(path, links[-1])
        _require_plain(path, file)
        parent = _read(file)
        if parent.path in [link.path for link in links] or (
                len(links) == _MAX_LINKS):
            raise _broken(path, 'Its files refer to each other in a circle.')
        if parent.descriptor.cid != child.parent_cid:
            raise _broken(
                path, '%s was written to after %s was created from it.'
                % (parent.path, links[-1].path),
                'Restore the parent from a backup: the disk no longer has '
                'meaningful content.')
        links.append(parent)


def _read(path: str) -> Link:
    header, text = _read_text(path)
    try:
        descriptor = vmdk.parse_descriptor(text)
    except exception.InvalidVmdk as error:
        raise _broken(path, error.brief)
    if any(name.startswith(('encryption.', 'keysafe'))
           for name in descriptor.fields):
        raise _broken(path, 'It is encrypted.',
                      'Remove the encryption in the settings of the VM, and '
                      'try again.')
    if not descriptor.extents:
        raise _broken(path, 'Its descriptor lists no extents.')
    if header is not None:
        _require_complete(path, path, vmdk.Extent(
            '', header.capacity // vmdk.SECTOR, _SPARSE, ''))
        return Link(path, descriptor, header.capacity, (path,))
    sectors = sum(extent.sectors for extent in descriptor.extents)
    return Link(path, descriptor, sectors * vmdk.SECTOR,
                (path, *_extents(path, descriptor)))


def _read_text(path: str) -> tuple[vmdk.Header | None, str]:
    """Return the header, None for a plain descriptor, and the descriptor."""
    try:
        with file_slice.open_slice(path) as file:
            head = file.read(vmdk.MARK_WITHIN)
            if vmdk.is_descriptor(head):
                file.seek(0)
                return None, vmdk.decode_descriptor(
                    file.read(_MAX_DESCRIPTOR))
            header = vmdk.parse_header(head)
            if not header.descriptor_offset or not header.capacity:
                raise _broken(
                    path, 'It is one of the extents of a disk.',
                    'Name the .vmdk without -s001 (or the .vmx) instead.')
            file.seek(header.descriptor_offset)
            return header, vmdk.decode_descriptor(
                file.read(header.descriptor_size))
    except exception.InvalidVmdk as error:
        if error.details:
            raise
        raise _broken(path, error.brief)


def _extents(path: str, descriptor: vmdk.Descriptor) -> Iterator[str]:
    folder = os.path.dirname(path)
    missing = []
    for extent in descriptor.extents:
        if extent.kind == _NO_FILE:
            continue
        file = os.path.join(folder, extent.name)
        if os.path.basename(extent.name) != extent.name:
            raise _broken(
                path, 'It has content in %s, which is not in its own folder.'
                % extent.name,
                'VMware never does this for virtual disks. If the disk is a '
                'physical one, copy it with VMware or qemu-img first.')
        if os.path.lexists(file):
            _require_plain(path, file)
            _require_extent(path, file, extent)
            _require_complete(path, file, extent)
            yield file
        else:
            missing.append(file)
    if missing:
        raise _broken(path, 'Missing: %s.' % ', '.join(missing),
                      'Copy them to the folder of the disk; all files of a '
                      'disk belong together.')


def _parent(disk: str, link: Link) -> str:
    hint = link.descriptor.parent_hint or ''
    folder = os.path.dirname(link.path)
    # The path may be one of the computer that the VM was created on.
    for name in (hint, re.split(r'[/\\]', hint)[-1]):
        path = os.path.join(folder, name)
        if name and os.path.lexists(path):
            return os.path.normpath(path)
    raise _broken(disk, 'Its parent %s is missing.' % (hint or '(unnamed)'),
                  'Copy the folder of the parent to where it was, or make a '
                  'full clone of the VM, and try again.')


def _require_plain(disk: str, path: str) -> None:
    """Refuse symbolic links and the like, which VMware does not create."""
    try:
        is_plain = stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        is_plain = False
    if not is_plain:
        raise _broken(disk, '%s is not a plain file.' % path,
                      'If it is a symbolic link of your own, replace it with '
                      'the file.')


def _require_extent(disk: str, path: str, extent: vmdk.Extent) -> None:
    """Refuse an extent that QEMU would not open as the declared type.

    QEMU treats an extent without capacity as a disk of its own: it reads the
    embedded descriptor and opens whatever files that names.
    """
    with file_slice.open_slice(path) as file:
        head = file.read(vmdk.HEADER_SIZE)
        if extent.kind == _SPARSE:
            is_valid = _is_sparse(file, head, extent.sectors * vmdk.SECTOR)
        elif extent.kind in _ESX:
            is_valid = head.startswith(_ESX[extent.kind])
        else:
            is_valid = extent.kind in _FLAT
    if not is_valid:
        raise _broken(disk, 'The file %s is not a %s extent of %d '
                      'sectors.' % (path, extent.kind, extent.sectors))


def _is_sparse(file: file_slice.Reader, head: bytes, size: int) -> bool:
    """Return whether a file is a sparse extent of a size, and nothing else."""
    try:
        header = vmdk.parse_header(head)
        file.seek(header.descriptor_offset)
        text = header.descriptor_offset and vmdk.decode_descriptor(
            file.read(header.descriptor_size))
    except exception.InvalidVmdk:
        return False
    # qemu-img leaves space for a descriptor and writes none.
    return header.capacity == size > 0 and not text


def _require_complete(disk: str, path: str, extent: vmdk.Extent) -> None:
    """Refuse a truncated file; tools would read zeros behind its end."""
    with file_slice.open_slice(path) as file:
        if extent.kind == _SPARSE:
            is_complete = disk_tables.is_complete(
                'vmdk', file, extent.sectors * vmdk.SECTOR)
        else:
            end = (extent.offset + extent.sectors) * vmdk.SECTOR
            is_complete = (extent.kind not in _FLAT or
                           file_slice.size(file) >= end)
    if not is_complete:
        raise _broken(disk, 'The file %s is truncated, or its tables are '
                      'damaged.' % path)


def _broken(disk: str, details: str, advice: str = 'Find out what happened to '
            'its files, or restore them from a backup.'
            ) -> exception.InvalidVmdk:
    return exception.InvalidVmdk(
        'Cannot read the disk %s.' % disk, details, advice)
