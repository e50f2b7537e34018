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
                              against it without another download
      disk-20.vmdk            the image as a monolithicSparse VMDK of 20 GiB,
      disk-own.vmdk           or of the image's own size; mode 0400
      disk-20-delta.vmdk      an empty child of it, to be copied
      cd.iso, floppy.flp      the image as it is in Glance, for a drive
      work/                   there while one is made; whatever a crash left
                              in it is removed by the next who makes one

A linked disk cannot grow, so the size is part of the key. All is done under a
lock per image that other processes on this host respect too. A name without
``work`` in its path is complete: it was put there by a rename.
"""

import contextlib
import dataclasses
import errno
import os

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import inspection
from nova_vmrun.host import linked

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Base:
    """A base disk and its empty child.

    :ivar disk: path of the .vmdk
    :ivar delta: path of the empty child's .vmdk
    :ivar adapter: ide or buslogic if the image was made for it, else None
    """

    disk: str
    delta: str
    adapter: str | None = None


class ImageCache:
    """The base disks of this host.

    :param layout: a nova_vmrun.host.layout.Layout
    :param qemu_img: a nova_vmrun.tools.qemu_img.QemuImg
    :param vdiskmanager: a nova_vmrun.tools.vdiskmanager.VDiskManager, or
        None if it is not installed
    :param create_types: VMDK create types that images may have
    """

    def __init__(self, layout, qemu_img, vdiskmanager, create_types):
        self._layout = layout
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._create_types = create_types

    def base(self, image, root_gb, download):
        """Returns the base disk of an image for a root size.

        :param image: a nova_vmrun.host.inspection.Image
        :param root_gb: GiB of the flavor's root disk; 0 for the image's size
        :param download: called with a path, writes the image there. Called
            once for all servers that wait for the image.
        :returns: a Base
        :raises ImageRefused: it must not be used
        :raises DiskTooSmall: root_gb is less than the image needs
        :raises DiskFull: on the file system of the instances
        """
        with self._locked(image.id) as entry:
            self._complete(entry, image, root_gb, download)
            return Base(entry.disk(root_gb), entry.delta(root_gb),
                        entry.facts.get('adapter'))

    def file(self, image_id, name, download, check):
        """Returns an image as it is, which many servers may read.

        :param image_id: its id in Glance
        :param name: of the file in the image's folder
        :param download: called with a path, writes the image there, once
        :param check: called with that path, raises ImageRefused if the image
            must not be used
        :returns: path, of a file that must not be written to
        :raises DiskFull: on the file system of the instances
        """
        with self._locked(image_id) as entry:
            path = entry.file(name)
            if not os.path.exists(path):
                entry.start_work()
                part = entry.work(name)
                download(part)
                check(part)
                os.chmod(part, 0o400)
                files.publish(part, path)
            return path

    @contextlib.contextmanager
    def _locked(self, image_id):
        folder = os.path.join(self._layout.cache, image_id)
        with lockutils.lock('vmrun-image-%s' % image_id, external=True,
                            lock_path=self._layout.locks):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            entry = _Entry(folder)
            try:
                with _disk_full_is_refused(folder):
                    yield entry
            finally:
                entry.clean()

    def _complete(self, entry, image, root_gb, download):
        if entry.facts:
            _check_size(root_gb * units.Gi, entry.facts['virtual_size'])
        if not os.path.exists(entry.disk(root_gb)):
            entry.start_work()
            if entry.facts and entry.sizes():
                self._copy_other_size(entry, root_gb)
            else:
                self._convert(entry, image, root_gb, download)
        if not os.path.exists(entry.delta(root_gb)):
            entry.start_work()
            self._make_delta(entry, root_gb)

    def _convert(self, entry, image, root_gb, download):
        source = entry.work('image')
        download(source)
        content = inspection.inspect(source, image, self._create_types)
        size = -(-content.size // vmdk.SECTOR) * vmdk.SECTOR
        _check_size(root_gb * units.Gi, size)
        LOG.info('Converting image %s from %s', image.id, content.format)
        target = entry.work(os.path.basename(entry.disk(root_gb)))
        try:
            self._qemu_img.convert_to_vmdk(source, content.format, target,
                                           content.span)
        except exception.DiskFull:
            raise
        except exception.ToolRefused as error:
            LOG.warning('Image %s cannot be converted: %s', image.id, error)
            raise exception.ImageRefused(
                image.id, 'qemu-img cannot read it as %s.' % content.format,
                'See whether "qemu-img check" finds it whole, and upload it '
                'again.')
        os.remove(source)
        self._grow(target, root_gb)
        entry.keep_facts(virtual_size=size, adapter=content.adapter)
        _publish(target, entry.disk(root_gb))

    def _copy_other_size(self, entry, root_gb):
        """Makes a base out of one of another size; Glance is not asked."""
        wanted = root_gb * units.Gi or entry.facts['virtual_size']
        source = min(entry.sizes(), key=_capacity)
        target = entry.work(os.path.basename(entry.disk(root_gb)))
        if _capacity(source) <= wanted:
            linked.make_copy(source, target, 'lsilogic')
        else:
            # Nothing was ever written behind the image's own size.
            self._qemu_img.shrink_vmdk(
                source, entry.facts['virtual_size'], target)
        self._grow(target, root_gb)
        _publish(target, entry.disk(root_gb))

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
        os.chmod(disk, 0o600)
        self._vdiskmanager.grow(disk, size_mb=wanted // units.Mi)

    def _make_delta(self, entry, root_gb):
        delta = entry.delta(root_gb)
        part = entry.work(os.path.basename(delta))
        self._qemu_img.create_child(entry.disk(root_gb), part)
        _publish(part, delta)


class _Entry:
    """The folder of one image."""

    def __init__(self, folder):
        self._folder = folder
        self._work = os.path.join(folder, 'work')
        self._facts = os.path.join(folder, 'image.json')

    def disk(self, root_gb):
        return os.path.join(self._folder,
                            'disk-%s.vmdk' % (root_gb or 'own'))

    def delta(self, root_gb):
        return os.path.join(self._folder,
                            'disk-%s-delta.vmdk' % (root_gb or 'own'))

    def file(self, name):
        return os.path.join(self._folder, name)

    def sizes(self):
        """Returns the paths of all base disks of the image."""
        return [os.path.join(self._folder, name)
                for name in os.listdir(self._folder)
                if name.endswith('.vmdk') and
                not name.endswith('-delta.vmdk')]

    @property
    def facts(self):
        """What inspection found: virtual_size in bytes and adapter, or {}."""
        try:
            return jsonutils.loads(files.read(self._facts))
        except FileNotFoundError:
            return {}

    def keep_facts(self, **facts):
        files.write_atomically(self._facts, jsonutils.dumps(facts))

    def start_work(self):
        files.remove_tree(self._work)
        os.mkdir(self._work, mode=0o700)

    def work(self, name):
        return os.path.join(self._work, name)

    def clean(self):
        """Removes what is not complete, and the folder if nothing is."""
        files.remove_tree(self._work)
        if set(os.listdir(self._folder)) <= {os.path.basename(self._facts)}:
            files.remove_tree(self._folder)


def _capacity(disk):
    return linked.read_header(disk).capacity


def _check_size(wanted, image_size):
    if wanted and wanted < image_size:
        raise exception.DiskTooSmall(wanted, image_size)


def _publish(part, path):
    """Makes a finished disk read-only and gives it its name."""
    descriptor = linked.read_descriptor(part)
    if descriptor.create_type != vmdk.MONOLITHIC_SPARSE:
        raise exception.InvalidVmdk(
            'The disk made as %s is of type %s instead of %s.'
            % (path, descriptor.create_type, vmdk.MONOLITHIC_SPARSE))
    os.chmod(part, 0o400)
    files.publish(part, path)


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
