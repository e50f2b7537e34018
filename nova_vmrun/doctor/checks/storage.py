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

"""Checks of the file system that holds the servers."""

from collections.abc import Iterable
import shlex

from oslo_utils import units

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.host import space

# A server with a small image, and what its guest writes at its first boot.
_LITTLE = 10 * units.Gi
_TOO_LITTLE = space.RESERVE + units.Gi

_WITHOUT_PERMISSIONS = frozenset({'vfat', 'msdos', 'exfat', 'fat32'})
_WITH_SHARED_BLOCKS = frozenset({'btrfs', 'xfs', 'apfs', 'bcachefs', 'ocfs2'})


def check_space(storage: facts.Storage) -> Iterable[finding.Finding]:
    """Check that servers have room."""
    topic = 'disk space'
    text = '%.1f of %.1f GiB are free in %s.' % (
        storage.free / units.Gi, storage.total / units.Gi, storage.folder)
    remedy = ('Free some space there (du -xh %s | sort -h | tail shows what '
              'is large), or set [DEFAULT] instances_path to a folder on '
              'another file system.' % shlex.quote(storage.folder))
    if storage.is_read_only:
        yield finding.wrong(
            topic, 'The file system of %s is mounted read-only.'
            % storage.folder,
            'Read "dmesg" for the reason, then: sudo mount -o remount,rw '
            '<mount point>')
    elif storage.free < _TOO_LITTLE:
        yield finding.wrong(topic, text + ' No server fits.', remedy)
    elif storage.free < _LITTLE:
        yield finding.warning(topic, text, remedy)
    else:
        yield finding.ok(topic, text)


def check_folders(storage: facts.StorageFolders
                  ) -> Iterable[finding.Finding]:
    """Check that nova-compute can use each of [vmrun] storage_folders."""
    for folder in storage.folders:
        yield _check_folder(folder)
    if storage.overlap:
        yield finding.wrong(
            'storage folders', storage.overlap,
            'Choose separate folders in [vmrun] storage_folders.')


def _check_folder(folder: facts.StorageFolder) -> finding.Finding:
    topic = 'storage folders'
    name = '%s (%s)' % (folder.name, folder.path)
    if folder.hangs:
        return finding.wrong(
            topic, '%s does not answer.' % name,
            'See whether its file server runs and can be reached. Servers '
            'with disks there cannot be used meanwhile.')
    if not folder.is_there and folder.is_known:
        return finding.warning(
            topic, '%s is not there. Servers with disks there cannot be used.'
            % name, 'Plug in its drive, or mount it at %s. If it is mounted '
            'elsewhere, correct [vmrun] storage_folders and restart '
            'nova-compute.' % folder.path)
    if not folder.is_there:
        return finding.wrong(
            topic, '%s does not exist, so nova-compute does not start.' % name,
            'Mount its drive, or create it: mkdir -p %s'
            % shlex.quote(folder.path))
    if folder.type.lower() in _WITHOUT_PERMISSIONS:
        return finding.wrong(
            topic, '%s is on %s, which has neither owners nor links, and on '
            'which large files fail.' % (name, folder.type),
            'Format the drive with ext4, XFS, Btrfs or APFS.')
    if not folder.is_writable:
        return finding.wrong(
            topic, 'This user cannot write to %s.' % name,
            'sudo chown $(id -u) %s, if the file system is not mounted '
            'read-only.' % shlex.quote(folder.path))
    text = '%s: %.1f of %.1f GiB are free%s.' % (
        name, folder.free / units.Gi, folder.total / units.Gi,
        '' if folder.is_known else
        '; nova-compute will use it after a restart')
    if folder.free < _TOO_LITTLE:
        return finding.warning(
            topic, text + ' No server fits.',
            'Free some space there, or move disks elsewhere with "nova-vmrun '
            'storage evict".')
    return finding.ok(topic, text)


def check_type(storage: facts.Storage) -> Iterable[finding.Finding]:
    """Check that the file system can hold disks, and copies them quickly."""
    topic = 'file system'
    kind = storage.type.lower()
    if kind in _WITHOUT_PERMISSIONS:
        yield finding.wrong(
            topic, '%s is on %s, which has neither owners nor links, and on '
            'which large files fail.' % (storage.folder, storage.type),
            'Set [DEFAULT] instances_path, or "nova-vmrun aio up '
            '--state-dir", to a folder on ext4, XFS, Btrfs or APFS.')
    elif kind in _WITH_SHARED_BLOCKS:
        yield finding.ok(topic, '%s can share blocks: copies of disks take '
                         'no time and no space.' % storage.type)
    elif not storage.uses_linked_clones:
        yield finding.warning(
            topic, '%s cannot share blocks, and linked clones are turned off: '
            'each server copies its whole image.'
            % (storage.type or 'This file system'),
            'Set [vmrun] use_linked_clone = True, or move the servers to XFS '
            'or Btrfs.')
    else:
        yield finding.ok(topic, '%s; servers share their images through '
                         'linked disks.' % (storage.type or 'Its type is '
                                            'unknown'))
