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

"""Base disks: one for each image and root size, made once, never written to.

::

    _base/<image id>/
      image.json              what inspection found; a second size is checked
                              against it without another download. Also size,
                              time and content id of each file, and by which
                              certificates the content was checked.
      disk-20.vmdk            the image as a monolithicSparse VMDK of 20 GiB,
      disk-own.vmdk           or of the image's own size; mode 0400
      disk-20-delta.vmdk      an empty child of it, to be copied
      cd.iso, floppy.flp      the image as it is in Glance, for a drive
      *.used                  empty; when the file was used last
      work-0badcafe/          there while one is made; whatever a crash left
                              in it is removed by the next who makes one
    _base/<image id>.deleted  an image that is being removed
    _base/boots/              see boots.py

A linked disk cannot grow, so the size is part of the key. All is done under a
lock per image that other processes on this host respect too. A name without
``work-`` in its path is complete: it was put there by a rename.
"""

import contextlib
import dataclasses
import errno
import filecmp
import os

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_utils import units
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import cache_entry
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img as qemu_img_tool

LOG = logging.getLogger(__name__)

# The name of an ISO image.
CD = 'cd.iso'
FLOPPY = 'floppy.flp'

# All base disks of an image: each is made of the first.
_DISKS = 'disks'
_DELETED = '.deleted'


@dataclasses.dataclass(frozen=True)
class Base:
    """A base disk and its empty child.

    :ivar disk: path of the .vmdk
    :ivar delta: path of the empty child's .vmdk; None if the disk is to
        become the server's own
    :ivar adapter: ide or buslogic if the image was made for it, else None
    """

    disk: str
    delta: str | None
    adapter: str | None = None


class ImageCache:
    """The base disks of this host.

    :param layout: a nova_vmrun.server.layout.Layout
    :param qemu_img: a nova_vmrun.tools.qemu_img.QemuImg
    :param vdiskmanager: a nova_vmrun.tools.vdiskmanager.VDiskManager, or
        None if it is not installed
    :param create_types: VMDK create types that images may have
    :param users: a nova_vmrun.storage.base_disk_users.BaseDiskUsers
    """

    def __init__(self, layout, qemu_img, vdiskmanager, create_types, users):
        self._layout = layout
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._create_types = create_types
        self._users = users

    def base(self, image, root_gb, download, certificates=()):
        """Returns the base disk of an image for a root size.

        :param image: a nova_vmrun.inspection.inspector.Image
        :param root_gb: GiB of the flavor's root disk; 0 for the image's size
        :param download: called with a path, writes the image there. Called
            once for all servers that wait for the image.
        :param certificates: ids of those by which download checks the image,
            each time; if the image is there and was not checked by them, it
            is fetched once more
        :returns: a Base
        :raises ImageRefused: it must not be used
        :raises DiskTooSmall: root_gb is less than the image needs
        :raises DiskFull: on the file system of the instances
        :raises BaseDamaged: servers use a base that was written to
        """
        with self.locked(image.id) as entry:
            disk, delta = _disk(root_gb), _delta(root_gb)
            self._complete(entry, image, root_gb, download, certificates)
            if not entry.is_vouched(_DISKS, certificates):
                self._check(entry, image, disk, download)
                self._complete(entry, image, root_gb, download, certificates)
                entry.vouch(_DISKS, certificates)
            entry.touch(disk)
            return Base(entry.path(disk), entry.path(delta),
                        entry.facts.get('adapter'))

    def has_disk(self, image_id):
        """Tells whether a server of an image could start without Glance."""
        with self.locked(image_id) as entry:
            return bool(entry.facts and entry.intact_disks())

    def has_file(self, image_id, name):
        """Tells whether an image is there as it is in Glance."""
        with self.locked(image_id) as entry:
            return entry.trouble(name) is None

    def file(self, image_id, name, download, check, certificates=()):
        """Returns an image as it is, which many servers may read.

        :param image_id: its id in Glance
        :param name: of the file in the image's folder
        :param download: called with a path, writes the image there, once
        :param check: called with that path, raises ImageRefused if the image
            must not be used
        :param certificates: as for base
        :returns: path, of a file that must not be written to
        :raises DiskFull: on the file system of the instances
        """
        with self.locked(image_id) as entry:
            is_broken = self._is_broken(entry, image_id, name)
            if is_broken or not entry.is_vouched(name, certificates):
                entry.start_work()
                part = entry.work(name)
                download(part)
                check(part)
                if is_broken or not filecmp.cmp(part, entry.path(name),
                                                shallow=False):
                    entry.forget_vouched(name)
                    entry.publish(part, name)
                entry.vouch(name, certificates)
            entry.touch(name)
            return entry.path(name)

    def private(self, image, root_gb, download, folder):
        """Makes a disk of an image that the cache does not keep.

        :param image: a nova_vmrun.inspection.inspector.Image
        :param root_gb: GiB of the flavor's root disk; 0 for the image's size
        :param download: called with a path, writes the image there
        :param folder: where it is made; its owner removes it
        :returns: a Base without delta
        :raises ImageRefused: and others, as base does
        """
        with _disk_full_is_refused(folder):
            target = os.path.join(folder, 'disk.vmdk')
            content = self._convert(image, root_gb, download,
                                    os.path.join(folder, 'image'), target)
            return Base(target, None, content.adapter)

    @contextlib.contextmanager
    def locked(self, image_id, blocking=True):
        """Gives the cache_entry.Entry of an image, to one at a time.

        :param image_id: its id in Glance
        :param blocking: False: raise if somebody else has it
        :raises AcquireLockFailedException: of lockutils
        """
        folder = os.path.join(self._layout.cache, image_id)
        with self._lock(image_id, blocking):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            # VMware makes its lock folders beside the disks.
            files.make_writable(folder)
            entry = cache_entry.Entry(folder)
            try:
                with _disk_full_is_refused(folder):
                    yield entry
            finally:
                entry.clean()

    def _lock(self, image_id, blocking):
        return lockutils.lock('vmrun-image-%s' % image_id, external=True,
                              lock_path=self._layout.locks, blocking=blocking)

    def image_ids(self):
        """Returns the ids of all images in the cache."""
        return [entry.name for entry in os.scandir(self._layout.cache)
                if uuidutils.is_uuid_like(entry.name) and entry.is_dir()]

    def remove(self, image_id):
        """Removes an image; the caller has its lock."""
        folder = os.path.join(self._layout.cache, image_id)
        files.remove_tree(folder + _DELETED)
        os.rename(folder, folder + _DELETED)
        files.sync_folder(self._layout.cache)
        os.mkdir(folder, mode=0o700)
        files.remove_tree(folder + _DELETED)

    def finish_interrupted(self):
        """Removes what a crash kept from being made or removed.

        Images that another process is busy with are left to it.
        """
        for image_id in self.image_ids():
            with contextlib.suppress(lockutils.AcquireLockFailedException):
                with self.locked(image_id, blocking=False):
                    LOG.debug('Looked for leftovers of image %s', image_id)
        for entry in os.scandir(self._layout.cache):
            if (entry.name.endswith(_DELETED) and uuidutils.is_uuid_like(
                    entry.name.removesuffix(_DELETED))):
                files.remove_tree(entry.path)

    def leftovers(self):
        """Returns what a crash has left, as a list of paths."""
        found = [entry.path for entry in os.scandir(self._layout.cache)
                 if entry.name.endswith(_DELETED) and uuidutils.is_uuid_like(
                     entry.name.removesuffix(_DELETED))]
        for image_id in self.image_ids():
            entry = self._entry(image_id)
            with contextlib.suppress(lockutils.AcquireLockFailedException):
                with self._lock(image_id, blocking=False):
                    found += entry.unfinished()
        return found

    def unlocked_files(self, image_id):
        """Returns the complete files of an image that nobody is busy with.

        :returns: list of (name, path, last use in seconds since the epoch)
        """
        entry = self._entry(image_id)
        try:
            with self._lock(image_id, blocking=False):
                return [(name, entry.path(name), entry.last_use(name))
                        for name in entry.disks() + entry.others()]
        except (lockutils.AcquireLockFailedException, FileNotFoundError):
            return []

    def _entry(self, image_id):
        return cache_entry.Entry(os.path.join(self._layout.cache, image_id))

    def _check(self, entry, image, disk, download):
        """Compares an image that is checked by certificates with a base.

        What differs and is not in use is removed.

        :raises BaseDamaged: it is in use
        """
        LOG.info('Fetching image %s once more: what is in the cache was not '
                 'checked by these certificates', image.id)
        entry.start_work()
        checked = entry.work('checked.vmdk')
        self._convert(image, 0, download, entry.work('image'), checked)
        if self._qemu_img.have_same_content(entry.path(disk), checked):
            return
        trouble = 'Its content is not what the image has in Glance.'
        for name in entry.disks():
            self._refuse_if_used(entry, image.id, name, trouble)
        for name in entry.disks():
            LOG.error('%s is made again: %s', entry.path(name), trouble)
            entry.remove(name)

    def _complete(self, entry, image, root_gb, download, certificates):
        disk, delta = _disk(root_gb), _delta(root_gb)
        facts = entry.facts
        if facts:
            entry.refuse_another_disk(image.id, image.chosen_disk)
            _check_size(root_gb * units.Gi, facts['virtual_size'])
        if self._is_broken(entry, image.id, disk):
            sources = entry.intact_disks() if facts else []
            entry.start_work()
            if sources:
                self._copy_other_size(entry, sources, root_gb)
            else:
                self._convert_into(entry, image, root_gb, download)
                entry.vouch(_DISKS, certificates)
        if entry.delta_trouble(delta, disk):
            entry.start_work()
            self._qemu_img.create_child(entry.path(disk), entry.work(delta))
            entry.publish(entry.work(delta), delta)

    def _is_broken(self, entry, image_id, name):
        """Tells whether a file must be made, and removes a broken one.

        :raises BaseDamaged: servers would suffer from that
        """
        trouble = entry.trouble(name)
        if trouble is None:
            return False
        self._refuse_if_used(entry, image_id, name, trouble)
        if os.path.exists(entry.path(name)):
            LOG.warning('%s is made again: %s', entry.path(name), trouble)
            entry.remove(name)
        return True

    def _refuse_if_used(self, entry, image_id, name, trouble):
        path = entry.path(name)
        if os.path.exists(path):
            users = self._users_for_certain(image_id, name, path, trouble)
        else:
            users = self._users.known(image_id, name)
        if users:
            LOG.error('Base disk %s: %s Disks that refer to it: %s', path,
                      trouble, ', '.join(users))
            raise exception.BaseDamaged(
                'The base disk %s is not what it was, and %d disks of '
                'servers need it.' % (path, len(users)), trouble,
                'Restore it with its modification time from a backup. Or '
                'delete the servers that the log of nova-compute names; it '
                'is then made again.')

    def _users_for_certain(self, image_id, name, path, trouble):
        try:
            return self._users.of(image_id, name)
        except OSError as error:
            raise exception.BaseDamaged(
                'The base disk %s is not what it was, and whether servers '
                'need it is not known.' % path,
                '%s The system says: %s.' % (trouble, error),
                'Let the user of nova-compute read all files in the folders '
                'of servers.') from error

    def _convert_into(self, entry, image, root_gb, download):
        disk = _disk(root_gb)
        content = self._convert(image, root_gb, download,
                                entry.work('image'), entry.work(disk))
        entry.keep_facts(virtual_size=_whole_sectors(content.size),
                         adapter=content.adapter, ova_disk=image.chosen_disk)
        entry.forget_vouched(_DISKS)
        entry.publish(entry.work(disk), disk)

    def _convert(self, image, root_gb, download, source, target):
        """Fetches an image and makes a VMDK of it; the image is removed."""
        download(source)
        content = inspector.inspect(source, image, self._create_types)
        if content.unpacked_path:
            os.remove(source)
            source = content.unpacked_path
        size = _whole_sectors(content.size)
        _check_size(root_gb * units.Gi, size)
        LOG.info('Converting image %s from %s', image.id, content.format)
        file_system = space.of_instances(os.path.dirname(target))
        try:
            self._qemu_img.convert_to_vmdk(source, content.format, target,
                                           size, content.span,
                                           file_system.available)
        except exception.DiskFull as error:
            LOG.warning('Image %s cannot be converted: %s', image.id, error)
            with contextlib.suppress(FileNotFoundError):
                os.remove(target)
            raise file_system.disk_full(
                'Cannot convert the disk of image %s.' % image.id,
                'It may need %d MiB.' % (size // units.Mi)) from error
        except exception.ToolRefused as error:
            LOG.warning('Image %s cannot be converted: %s', image.id, error)
            raise exception.ImageRefused(
                image.id, 'qemu-img cannot read it as %s.' % content.format,
                'See whether "qemu-img check" finds it whole, and upload it '
                'again.')
        os.remove(source)
        # What it says of its size and what QEMU made of it may differ.
        size = _capacity(target)
        _check_size(root_gb * units.Gi, size)
        self._grow(target, root_gb)
        return dataclasses.replace(content, size=size)

    def _copy_other_size(self, entry, sources, root_gb):
        """Makes a base out of one of another size; Glance is not asked."""
        disk, image_size = _disk(root_gb), entry.facts['virtual_size']
        wanted = root_gb * units.Gi or image_size
        source = min(map(entry.path, sources), key=_capacity)
        target = entry.work(disk)
        if _capacity(source) <= wanted:
            linked.make_copy(source, target, 'lsilogic')
        else:
            # Nothing was ever written behind the image's own size.
            self._qemu_img.shrink_vmdk(source, image_size, target)
        self._grow(target, root_gb)
        entry.publish(target, disk)

    def _grow(self, disk, root_gb):
        wanted = root_gb * units.Gi
        if wanted <= _capacity(disk):
            return
        if self._vdiskmanager is None:
            raise exception.InvalidConfiguration(
                'A disk must be enlarged and vmware-vdiskmanager is not '
                'installed.',
                resolution='Set [vmrun] vdiskmanager_path, or use a flavor '
                           'with disk 0, which keeps the size of the image.')
        space.of_instances(os.path.dirname(disk)).require(
            qemu_img_tool.table_size(wanted),
            'Cannot enlarge a disk to %d GiB.' % root_gb)
        os.chmod(disk, 0o600)
        self._vdiskmanager.grow(disk, size_mb=wanted // units.Mi)


def _disk(root_gb):
    return 'disk-%s.vmdk' % (root_gb or 'own')


def _delta(root_gb):
    return 'disk-%s-delta.vmdk' % (root_gb or 'own')


def _whole_sectors(size):
    return -(-size // vmdk.SECTOR) * vmdk.SECTOR


def _check_size(wanted, image_size):
    if wanted and wanted < image_size:
        raise exception.DiskTooSmall(wanted, image_size)


def _capacity(disk):
    return linked.read_header(disk).capacity


@contextlib.contextmanager
def _disk_full_is_refused(folder):
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise exception.DiskFull(
            'There is no space left to prepare an image.',
            'The system says of %s: %s.' % (folder, error.strerror),
            'Free some space on the file system of the instances.')
