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

"""Image cache: one base disk per image and root size, never written to.

::

    _base/<image id>/
      image.json              what inspection found, to check another root
                              size against it without a download. Also size,
                              time and content id of each file, and the
                              certificates that the content was verified with.
      disk-20.vmdk            the image as a monolithicSparse VMDK of 20 GiB,
      disk-own.vmdk           or of the image's own size; mode 0400
      disk-20-delta.vmdk      an empty child of it, to be copied
      cd.iso, floppy.flp      the image as it is in Glance, for a drive
      *.used                  empty; its time is that of the last use
      work-0badcafe/          holds unfinished files; those left by a crash
                              are removed before the next are created
    _base/<image id>.deleted  an image that is being removed
    _base/boots/              see builds.py

A linked disk cannot grow, so there is a base disk for each size. A lock per
image, which other processes on this host use too, protects all of it. A file
outside of ``work-*`` is complete, because it was put there by a rename.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import dataclasses
import errno
import filecmp
import os
from typing import NamedTuple

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_utils import units
from oslo_utils import uuidutils

from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import cache_entry
from nova_vmrun.storage import damaged_bases
from nova_vmrun.storage import folder_locks
from nova_vmrun.storage import image_converter as converters
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img as qemu_img_tool
from nova_vmrun.tools import vdiskmanager as vdiskmanager_tool

LOG = logging.getLogger(__name__)

# The name of an ISO image.
CD = 'cd.iso'
FLOPPY = 'floppy.flp'

_DELETED = '.deleted'


class CachedFile(NamedTuple):
    """A file in the cache.

    :ivar name: file name
    :ivar path: absolute path
    :ivar last_use: seconds since the epoch
    """

    name: str
    path: str
    last_use: float


@dataclasses.dataclass(frozen=True)
class Base:
    """A disk made from an image.

    :ivar disk: path of the .vmdk
    :ivar delta: path of its empty child's .vmdk; None if the disk is for one
        server alone
    :ivar adapter: ide or buslogic if the image was made for it, else None
    """

    disk: str
    delta: str | None
    adapter: str | None = None


@dataclasses.dataclass(frozen=True)
class CachedBase(Base):
    """A base disk in the cache, which has an empty child to copy."""

    delta: str


class ImageCache:
    """The image cache of this host.

    :param vdiskmanager: None if it is not installed
    :param create_types: VMDK create types that images may have
    :param others: returns caches that an image can be copied from
    :param usage: finds the servers' disks that use a base disk
    """

    def __init__(self, layout: layouts.Layout, qemu_img: qemu_img_tool.QemuImg,
                 vdiskmanager: vdiskmanager_tool.VDiskManager | None,
                 create_types: Collection[str],
                 usage: base_disk_usage.BaseDiskUsage,
                 others: 'Callable[[], Iterable[ImageCache]]' = tuple
                 ) -> None:
        self._layout = layout
        self._qemu_img = qemu_img
        self._converter = converters.ImageConverter(
            qemu_img, vdiskmanager, create_types)
        self._damaged = damaged_bases.DamagedBases(usage)
        self._others = others

    def base(self, image: inspector.Image, root_gb: int,
             download: converters.Download,
             certificates: Collection[str] = ()) -> CachedBase:
        """Return the base disk of an image for a root size.

        :param root_gb: GiB of the flavor's root disk; 0: size of the image
        :param download: called once for all servers that wait for the image
        :param certificates: ids of the trusted certificates that download
            verifies the image with; a cached image that was not verified with
            them is downloaded again
        :raises ImageRefused: the image must not be used
        :raises DiskTooSmall: root_gb is less than the image needs
        :raises DiskFull: the file system of the instances is full
        :raises BaseDamaged: servers use a base disk that was written to
        """
        with self.locked(image.id) as entry:
            disk, delta = _disk(root_gb), _delta(root_gb)
            self._complete(entry, image, root_gb, download, certificates)
            if not entry.is_verified(cache_entry.DISKS, certificates):
                self._verify(entry, image, disk, download)
                self._complete(entry, image, root_gb, download, certificates)
                entry.mark_verified(cache_entry.DISKS, certificates)
            entry.touch(disk)
            return CachedBase(entry.path(disk), entry.path(delta),
                              entry.facts.get('adapter'))

    def has_disk(self, image_id: str) -> bool:
        """Return whether a server could boot from an image without Glance."""
        with self.locked(image_id) as entry:
            return bool(entry.facts and entry.intact_disks())

    def has_file(self, image_id: str, name: str) -> bool:
        """Return whether the cache has an image without conversion."""
        with self.locked(image_id) as entry:
            return entry.find_damage(name) is None

    def file(self, image_id: str, name: str, download: converters.Download,
             check: Callable[[str], object],
             certificates: Collection[str] = ()) -> str:
        """Return the path of an image without conversion, for any server.

        Nobody may write to the file.

        :param image_id: its id in Glance
        :param name: file name in the image's folder
        :param download: called once for all servers that wait for the image
        :param check: called with the path of the downloaded file; raises
            ImageRefused if the image must not be used
        :param certificates: as for base()
        :raises DiskFull: the file system of the instances is full
        """
        with self.locked(image_id) as entry:
            is_broken = self._damaged.remove_broken(entry, image_id, name)
            if is_broken or not entry.is_verified(name, certificates):
                entry.start_work()
                part = entry.work(name)
                download(part)
                check(part)
                if is_broken or not filecmp.cmp(part, entry.path(name),
                                                shallow=False):
                    entry.forget_verified(name)
                    entry.publish(part, name)
                entry.mark_verified(name, certificates)
            entry.touch(name)
            return entry.path(name)

    def private(self, image: inspector.Image, root_gb: int,
                download: converters.Download, folder: str) -> Base:
        """Create a disk from an image without adding it to the cache.

        :param root_gb: GiB of the flavor's root disk; 0: size of the image
        :param folder: where to create it; the caller removes the folder
        :returns: a Base without delta
        :raises ImageRefused: and others, as base()
        """
        with _translate_disk_full(folder):
            target = os.path.join(folder, 'disk.vmdk')
            content = self._converter.convert(image, root_gb, download,
                                              os.path.join(folder, 'image'),
                                              target)
            return Base(target, None, content.adapter)

    @contextlib.contextmanager
    def locked(self, image_id: str,
               blocking: bool = True) -> Iterator[cache_entry.Entry]:
        """Yield the entry of an image, to one caller at a time.

        :param image_id: its id in Glance
        :param blocking: False: raise if it is in use
        :raises AcquireLockFailedException: of lockutils
        """
        folder = os.path.join(self._layout.cache, image_id)
        with self._lock(image_id, blocking):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            # VMware creates its lock folders beside the disks.
            files.make_writable(folder)
            entry = cache_entry.Entry(folder)
            try:
                with _translate_disk_full(folder):
                    yield entry
            finally:
                entry.clean()

    def _lock(self, image_id: str, blocking: bool
              ) -> contextlib.AbstractContextManager[object]:
        return folder_locks.lock('vmrun-image-%s' % image_id,
                                 self._layout.locks, blocking)

    def image_ids(self) -> list[str]:
        """Return the ids of all images in the cache."""
        return [entry.name for entry in os.scandir(self._layout.cache)
                if uuidutils.is_uuid_like(entry.name) and entry.is_dir()]

    def remove(self, image_id: str) -> None:
        """Remove an image; the caller holds its lock."""
        folder = os.path.join(self._layout.cache, image_id)
        files.remove_tree(folder + _DELETED)
        os.rename(folder, folder + _DELETED)
        files.sync_folder(self._layout.cache)
        os.mkdir(folder, mode=0o700)
        files.remove_tree(folder + _DELETED)

    def finish_interrupted(self) -> None:
        """Remove what a crash kept from being completed or removed.

        Leave out images that another process is using.
        """
        for image_id in self.image_ids():
            with contextlib.suppress(lockutils.AcquireLockFailedException):
                with self.locked(image_id, blocking=False):
                    LOG.debug('Looked for leftovers of image %s', image_id)
        for path in self._deleted():
            files.remove_tree(path)

    def leftovers(self) -> list[str]:
        """Return the paths of what crashes have left."""
        found = self._deleted()
        for image_id in self.image_ids():
            entry = self._entry(image_id)
            with contextlib.suppress(lockutils.AcquireLockFailedException):
                with self._lock(image_id, blocking=False):
                    found += entry.unfinished()
        return found

    def _deleted(self) -> list[str]:
        return [entry.path for entry in os.scandir(self._layout.cache)
                if entry.name.endswith(_DELETED) and uuidutils.is_uuid_like(
                    entry.name.removesuffix(_DELETED))]

    def unlocked_files(self, image_id: str) -> list[CachedFile]:
        """Return the complete files of an image, or none if it is in use."""
        entry = self._entry(image_id)
        try:
            with self._lock(image_id, blocking=False):
                return [CachedFile(name, entry.path(name),
                                   entry.last_use(name))
                        for name in entry.disks() + entry.plain_files()]
        except (lockutils.AcquireLockFailedException, FileNotFoundError):
            return []

    def _entry(self, image_id: str) -> cache_entry.Entry:
        return cache_entry.Entry(os.path.join(self._layout.cache, image_id))

    def _verify(self, entry: cache_entry.Entry, image: inspector.Image,
                disk: str, download: converters.Download) -> None:
        """Download an image with a verified signature; compare the base disk.

        Remove all base disks if they differ.

        :raises BaseDamaged: they differ and are in use
        """
        LOG.info('Fetching image %s once more, because the cached image was '
                 'not verified with these certificates', image.id)
        entry.start_work()
        verified = entry.work('checked.vmdk')
        self._converter.convert(image, 0, download, entry.work('image'),
                                verified)
        if self._qemu_img.have_same_content(entry.path(disk), verified):
            return
        damage = 'Its content differs from the image in Glance.'
        for name in entry.disks():
            self._damaged.refuse_if_used(entry, image.id, name, damage)
        for name in entry.disks():
            LOG.error('Recreating %s: %s', entry.path(name), damage)
            entry.remove(name)

    def _complete(self, entry: cache_entry.Entry, image: inspector.Image,
                  root_gb: int, download: converters.Download,
                  certificates: Collection[str]) -> None:
        """Create the base disk and its empty child if they are missing."""
        disk, delta = _disk(root_gb), _delta(root_gb)
        facts = entry.facts
        if facts:
            entry.refuse_another_disk(image.id, image.chosen_disk)
            converters.check_size(root_gb * units.Gi, facts['virtual_size'])
        if self._damaged.remove_broken(entry, image.id, disk):
            sources = entry.intact_disks() if facts else []
            entry.start_work()
            if sources:
                self._copy_other_size(entry, sources, root_gb)
            elif self._copy_from_others(entry, image, root_gb, certificates):
                LOG.info('Copied image %s from the cache of another storage '
                         'folder', image.id)
            else:
                self._convert_into(entry, image, root_gb, download)
                entry.mark_verified(cache_entry.DISKS, certificates)
        if entry.find_delta_damage(delta, disk):
            entry.start_work()
            self._qemu_img.create_child(entry.path(disk), entry.work(delta))
            entry.publish(entry.work(delta), delta)

    def _convert_into(self, entry: cache_entry.Entry, image: inspector.Image,
                      root_gb: int, download: converters.Download) -> None:
        disk = _disk(root_gb)
        content = self._converter.convert(image, root_gb, download,
                                          entry.work('image'),
                                          entry.work(disk))
        entry.save_facts(
            virtual_size=converters.whole_sectors(content.size),
            adapter=content.adapter, ova_disk=image.chosen_disk)
        entry.forget_verified(cache_entry.DISKS)
        entry.publish(entry.work(disk), disk)

    def _copy_from_others(self, entry: cache_entry.Entry,
                          image: inspector.Image, root_gb: int,
                          certificates: Collection[str]) -> bool:
        """Copy a base disk from another cache, if one has the image."""
        for cache in self._others():
            with (contextlib.suppress(lockutils.AcquireLockFailedException),
                  cache.locked(image.id, blocking=False) as other):
                facts = other.facts
                sources = other.intact_disks() if facts else []
                if not sources or not other.is_verified(cache_entry.DISKS,
                                                        certificates):
                    continue
                other.refuse_another_disk(image.id, image.chosen_disk)
                converters.check_size(root_gb * units.Gi,
                                      facts['virtual_size'])
                self._copy_disk(
                    list(map(other.path, sources)), facts['virtual_size'],
                    root_gb, entry.work(_disk(root_gb)))
                entry.save_facts(**facts)
                entry.forget_verified(cache_entry.DISKS)
                entry.publish(entry.work(_disk(root_gb)), _disk(root_gb))
                entry.mark_verified(cache_entry.DISKS, certificates)
                return True
        return False

    def _copy_other_size(self, entry: cache_entry.Entry,
                         sources: Collection[str], root_gb: int) -> None:
        """Create a base disk from one of another size, without Glance."""
        disk = _disk(root_gb)
        self._copy_disk(list(map(entry.path, sources)),
                        entry.facts['virtual_size'], root_gb,
                        entry.work(disk))
        entry.publish(entry.work(disk), disk)

    def _copy_disk(self, sources: Collection[str], image_size: int,
                   root_gb: int, target: str) -> None:
        """Create a base disk from those of other sizes."""
        wanted = root_gb * units.Gi or image_size
        source = min(sources, key=converters.capacity)
        if converters.capacity(source) <= wanted:
            linked.make_copy(source, target, 'lsilogic')
        else:
            # Nothing was ever written beyond the size of the image.
            self._qemu_img.shrink_vmdk(source, image_size, target)
        self._converter.grow(target, root_gb)


def _disk(root_gb: int) -> str:
    return 'disk-%s.vmdk' % (root_gb or 'own')


def _delta(root_gb: int) -> str:
    return 'disk-%s-delta.vmdk' % (root_gb or 'own')


@contextlib.contextmanager
def _translate_disk_full(folder: str) -> Iterator[None]:
    """Turn ENOSPC into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise space.of_instances(folder).disk_full(
            'There is not enough space to prepare an image.',
            'Writing to %s failed: %s.' % (folder, error.strerror)
        ) from error
