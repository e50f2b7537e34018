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

"""The files of a VMDK that a user owns, all of them.

Workstation and Fusion keep a disk in many files: extents of 2 GB, a
descriptor with a -flat file, and a chain of parents below a snapshot or a
linked clone. The user's own files are trusted as far as they must be: extents
lie beside their descriptor, where VMware puts them, and all are plain files,
so that a VM from elsewhere cannot send /dev/sda or a key to Glance. QEMU opens
extents by what is in them, so that is checked as well.
"""

import dataclasses
import os
import re
import stat

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import disk_tables
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import inspector

# VMware's own limit, disk.maxNumLinks.
_MAX_LINKS = 255
_MAX_DESCRIPTOR = 1 << 20
_NO_FILE, _SPARSE, _FLAT = 'ZERO', 'SPARSE', ('FLAT', 'VMFS')
# Of ESX; QEMU would open one without its magic as a SPARSE one.
_ESX = {'VMFSSPARSE': inspector.ESX_SPARSE,
        'SESPARSE': inspector.ESX_SE_SPARSE}


@dataclasses.dataclass(frozen=True)
class Link:
    """One disk of a chain.

    :ivar path: the .vmdk that is named to tools
    :ivar descriptor: a vmdk.Descriptor
    :ivar size: bytes that the guest sees
    :ivar files: paths of all of its files
    """

    path: str
    descriptor: vmdk.Descriptor
    size: int
    files: tuple


@dataclasses.dataclass(frozen=True)
class DiskFiles:
    """A disk with all that its content lies in.

    :ivar links: the disk, its parent, and so on to the base
    """

    links: tuple

    @property
    def chain(self):
        return [link.path for link in self.links]

    @property
    def files(self):
        return [path for link in self.links for path in link.files]

    @property
    def size(self):
        """Bytes that the guest sees."""
        return self.links[0].size

    @property
    def create_type(self):
        return self.links[0].descriptor.create_type

    @property
    def is_one_file(self):
        return len(self.files) == 1

    @property
    def adapter_by_vmware(self):
        """ide or buslogic, if the disk was made for one of these.

        A child is made by copying its parent's words, so the base knows best.
        """
        return self.links[-1].descriptor.adapter_by_vmware

    @property
    def allocated(self):
        """Bytes that all files take on the file system."""
        return sum(os.stat(path).st_blocks * 512 for path in self.files)

    def marks(self):
        """Returns what changes with every write."""
        found = [os.stat(path) for path in self.files]
        return [(each.st_ino, each.st_size, each.st_mtime_ns)
                for each in found]


def follow(path):
    """Finds all files of a disk.

    :param path: its .vmdk; the only one that may be a symbolic link
    :returns: a DiskFiles
    :raises InvalidVmdk: it is encrypted, not whole, or cannot be read, or one
        of its files is no plain file or is not where VMware puts it
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
                path, '%s was written to after %s was made from it.'
                % (parent.path, links[-1].path),
                'Restore the parent from a backup: what the guest would see '
                'is no longer a disk.')
        links.append(parent)


def _read(path):
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
        raise _broken(path, 'Its descriptor tells of no content.')
    if header is not None:
        _require_whole(path, path, vmdk.Extent(
            '', header.capacity // vmdk.SECTOR, _SPARSE, ''))
        return Link(path, descriptor, header.capacity, (path,))
    sectors = sum(extent.sectors for extent in descriptor.extents)
    return Link(path, descriptor, sectors * vmdk.SECTOR,
                (path, *_extents(path, descriptor)))


def _read_text(path):
    """Returns the vmdk.Header, None for a descriptor alone, and the text."""
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


def _extents(path, descriptor):
    folder = os.path.dirname(path)
    missing = []
    for extent in descriptor.extents:
        if extent.kind == _NO_FILE:
            continue
        file = os.path.join(folder, extent.name)
        if os.path.basename(extent.name) != extent.name:
            raise _broken(
                path, 'It keeps content in %s, which is not in its own '
                'folder.' % extent.name,
                'VMware never does so. A disk that stands for a physical one '
                'must be copied with VMware or qemu-img first.')
        if os.path.lexists(file):
            _require_plain(path, file)
            _require_extent(path, file, extent)
            _require_whole(path, file, extent)
            yield file
        else:
            missing.append(file)
    if missing:
        raise _broken(path, 'Missing: %s.' % ', '.join(missing),
                      'Copy them to the folder of the disk; all files of a '
                      'disk belong together.')


def _parent(disk, link):
    hint = link.descriptor.parent_hint or ''
    folder = os.path.dirname(link.path)
    # The path may be that of the computer on which the VM was made.
    for name in (hint, re.split(r'[/\\]', hint)[-1]):
        path = os.path.join(folder, name)
        if name and os.path.lexists(path):
            return os.path.normpath(path)
    raise _broken(disk, 'Its parent %s is missing.' % (hint or '(unnamed)'),
                  'Copy the folder of the parent to where it was, or make a '
                  'full clone of the VM, and try again.')


def _require_plain(disk, path):
    """Refuses what leads elsewhere: VMware makes no symbolic links."""
    try:
        is_plain = stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        is_plain = False
    if not is_plain:
        raise _broken(disk, '%s is no plain file.' % path,
                      'If it is a symbolic link of your own, put the file '
                      'there in its place.')


def _require_extent(disk, path, extent):
    """Refuses an extent that QEMU would not open as what it is said to be.

    One without capacity is a disk of its own to QEMU: it reads the descriptor
    in it, and opens whatever that names.
    """
    with file_slice.open_slice(path) as file:
        head = file.read(vmdk.HEADER_SIZE)
        if extent.kind == _SPARSE:
            is_one = _is_sparse(file, head, extent.sectors * vmdk.SECTOR)
        elif extent.kind in _ESX:
            is_one = head.startswith(_ESX[extent.kind])
        else:
            is_one = extent.kind in _FLAT
    if not is_one:
        raise _broken(disk, 'The file %s is no %s extent of %d sectors.'
                      % (path, extent.kind, extent.sectors))


def _is_sparse(file, head, size):
    """Tells whether a file is so much of a disk, and nothing else."""
    try:
        header = vmdk.parse_header(head)
        file.seek(header.descriptor_offset)
        text = header.descriptor_offset and vmdk.decode_descriptor(
            file.read(header.descriptor_size))
    except exception.InvalidVmdk:
        return False
    # qemu-img leaves room for a descriptor, and writes none.
    return header.capacity == size > 0 and not text


def _require_whole(disk, path, extent):
    """Refuses a disk that tools would read zeros from where a file ended."""
    with file_slice.open_slice(path) as file:
        if extent.kind == _SPARSE:
            is_whole = disk_tables.is_complete('vmdk', file,
                                               extent.sectors * vmdk.SECTOR)
        else:
            is_whole = extent.kind not in _FLAT or file_slice.size(file) >= (
                extent.offset + extent.sectors) * vmdk.SECTOR
    if not is_whole:
        raise _broken(disk, 'The file %s is cut off, or its tables are '
                      'damaged.' % path)


def _broken(disk, details, advice='See what became of its files, or restore '
                                  'them from a backup.'):
    return exception.InvalidVmdk(
        'The disk %s cannot be read.' % disk, details, advice)
