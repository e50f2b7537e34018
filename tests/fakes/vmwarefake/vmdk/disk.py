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

"""A virtual disk and the chain of its parents."""

from __future__ import annotations

import os

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import descriptor as descriptors
from vmwarefake.vmdk import sparse

MAX_LINKS = 255
_MAX_DESCRIPTOR = 64 * 1024


class Disk:
    """A link of a chain.

    :ivar path: absolute path of the file that the vmx names.
    :ivar embedded: whether the descriptor is inside a sparse extent.
    """

    def __init__(self, path: str, descriptor: descriptors.Descriptor,
                 embedded: bool) -> None:
        self.path = path
        self.descriptor = descriptor
        self.embedded = embedded

    @property
    def directory(self) -> str:
        return os.path.dirname(self.path)

    @property
    def capacity(self) -> int:
        """The capacity in sectors."""
        return self.descriptor.sectors

    @property
    def is_child(self) -> bool:
        return self.descriptor.parent_cid != descriptors.NO_PARENT

    @property
    def is_sparse(self) -> bool:
        return any(e.kind == 'SPARSE' for e in self.descriptor.extents)

    def parent_path(self) -> str | None:
        """Return the path of the parent, None without a parent."""
        if not self.is_child:
            return None
        hint = self.descriptor.parent_hint or ''
        return os.path.normpath(os.path.join(self.directory, hint))

    def extent_path(self, extent: descriptors.Extent) -> str:
        if self.embedded:
            return self.path
        return os.path.normpath(os.path.join(self.directory,
                                             extent.filename or ''))

    def files(self) -> list[str]:
        """Return the paths of all files of this link, :attr:`path` first."""
        found = [self.path]
        for extent in self.descriptor.extents:
            if extent.filename is not None:
                path = self.extent_path(extent)
                if path not in found:
                    found.append(path)
        return found

    def save(self) -> None:
        """Write the descriptor back."""
        text = self.descriptor.text()
        if not self.embedded:
            files.replace(self.path,
                          text.encode('utf-8', 'surrogateescape'))
            return
        files.step()
        with sparse.SparseExtent(self.path, writable=True) as extent:
            extent.rewrite_descriptor(text)

    def renew_cid(self, cid: str | None = None) -> None:
        """Set the content id to ``cid``, or to a new one."""
        self.descriptor.set_cid(cid or descriptors.new_cid())
        self.save()

    def check_extents(self) -> None:
        """Raise DiskError if a file of this link is missing or broken."""
        for extent in self.descriptor.extents:
            if extent.filename is None:
                continue
            path = self.extent_path(extent)
            if not os.path.exists(path):
                raise vmdk.DiskError(vmdk.NOT_FOUND, path)
            if extent.kind == 'SPARSE':
                self._check_sparse(path, extent)
            elif extent.kind in ('FLAT', 'VMFS'):
                self._check_flat(path, extent)

    @staticmethod
    def _check_sparse(path: str, extent: descriptors.Extent) -> None:
        with sparse.SparseExtent(path) as opened:
            if opened.header.unclean:
                raise vmdk.DiskError(vmdk.NEEDS_REPAIR, path)
            if opened.header.capacity != extent.sectors:
                raise vmdk.DiskError(vmdk.NOT_A_DISK, path,
                                     'header and descriptor differ in size')
            opened.directory()

    @staticmethod
    def _check_flat(path: str, extent: descriptors.Extent) -> None:
        needed = ((extent.offset or 0) + extent.sectors) * vmdk.SECTOR
        if os.path.isfile(path) and os.path.getsize(path) < needed:
            raise vmdk.DiskError(16007, path, 'shorter than described')

    def is_empty(self) -> bool:
        """Return whether this link itself has no data."""
        if not self.is_sparse:
            return False
        for extent in self.descriptor.extents:
            with sparse.SparseExtent(self.extent_path(extent)) as opened:
                if next(opened.grains(), None) is not None:
                    return False
        return True


def open_link(path: str) -> Disk:
    """Open a link.

    :raises vmdk.DiskError: if it is missing or not a virtual disk.
    """
    path = os.path.abspath(path)
    try:
        with open(path, 'rb') as f:
            start = f.read(4)
            if start == sparse.MAGIC:
                embedded, text = True, _embedded_text(path)
            else:
                embedded = False
                text = (start + f.read(_MAX_DESCRIPTOR)).decode(
                    'utf-8', 'surrogateescape')
    except (FileNotFoundError, NotADirectoryError):
        raise vmdk.DiskError(vmdk.NOT_FOUND, path)
    except IsADirectoryError:
        raise vmdk.DiskError(vmdk.NOT_A_DISK, path)
    except PermissionError:
        raise vmdk.DiskError(13, path)
    return Disk(path, descriptors.parse(text, path), embedded)


def _embedded_text(path: str) -> str:
    with sparse.SparseExtent(path) as extent:
        if not extent.header.descriptor_size:
            raise vmdk.DiskError(vmdk.NOT_A_DISK, path,
                                 'an extent with no descriptor')
        return extent.descriptor_text()


def open_chain(path: str) -> list[Disk]:
    """Open a disk and all its parents, and check the chain.

    :returns: the links, the leaf first.
    :raises vmdk.DiskError: for the first error.
    """
    chain = [open_link(path)]
    chain[0].check_extents()
    while chain[-1].is_child:
        child = chain[-1]
        chain.append(_open_parent(child))
        if chain[-1].descriptor.cid != child.descriptor.parent_cid:
            raise vmdk.DiskError(vmdk.CID_MISMATCH, child.path)
        if len(chain) > MAX_LINKS:
            raise vmdk.DiskError(16028, path)
    return chain


def _open_parent(child: Disk) -> Disk:
    try:
        parent = open_link(child.parent_path() or '')
        parent.check_extents()
    except vmdk.DiskError as e:
        raise vmdk.DiskError(vmdk.PARENT_UNOPENED, child.path, str(e))
    return parent


def children_in(folder: str, path: str) -> list[Disk]:
    """Return the disks in ``folder`` whose parent is ``path``."""
    found = []
    target = os.path.realpath(path)
    for name in sorted(os.listdir(folder)):
        if not name.endswith('.vmdk'):
            continue
        try:
            link = open_link(os.path.join(folder, name))
        except vmdk.DiskError:
            continue
        parent = link.parent_path()
        if parent and os.path.realpath(parent) == target:
            found.append(link)
    return found
