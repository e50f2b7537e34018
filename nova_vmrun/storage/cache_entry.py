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

"""The folder of one image in the cache; image_cache.py lists its files.

Before a file gets its final name, its size, time and content id are recorded
to detect later writes: a base disk that another program has written to would
break every disk linked to it, now and in future.
"""

from collections.abc import Collection
from collections.abc import Iterable
import os
import secrets
from typing import Any

from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout
from nova_vmrun.storage import linked

_DISK = '.vmdk'
_DELTA = '-delta.vmdk'
_USED = '.used'
# VMware's lock of a running server; it remains after a power cut.
_LOCK = '.lck'
_FACTS = layout.IMAGE
_WORK = 'work-'
_MAX_FACTS = 16 << 20
# Represents all base disks of an image, which come from the first one.
DISKS = 'disks'
# Keys of the facts file.
_FILES, _VERIFIED = 'files', 'vouched'


class Entry:
    """The files of one image; its user holds the lock of the image.

    :param folder: of the image; it exists
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        # A random name, because a program that outlived an earlier process
        # may still write to the work folder of that process.
        self._work = self.path(_WORK + secrets.token_hex(4))
        self._facts = self.path(_FACTS)

    def path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def work(self, name: str) -> str:
        """Return a path for a file that is not complete yet."""
        return os.path.join(self._work, name)

    def start_work(self) -> None:
        """Create an empty work folder."""
        self._remove_work()
        os.mkdir(self._work, mode=0o700)

    def _remove_work(self) -> None:
        for folder in self.unfinished():
            files.remove_tree(folder)

    # Files

    def disks(self) -> list[str]:
        """Return the names of all base disks."""
        return [name for name in self._names()
                if name.endswith(_DISK) and not name.endswith(_DELTA)]

    def plain_files(self) -> list[str]:
        """Return the names of images that are stored without conversion."""
        return [name for name in self._names()
                if not name.endswith((_DISK, _USED, _LOCK)) and
                not name.startswith((_FACTS, _WORK, '.'))]

    def unfinished(self) -> list[str]:
        """Return the paths of work folders."""
        return [self.path(name) for name in self._names()
                if name.startswith(_WORK)]

    def _names(self) -> list[str]:
        return sorted(os.listdir(self._folder))

    def intact_disks(self) -> list[str]:
        """Return the names of the base disks that are not damaged."""
        return [name for name in self.disks()
                if self.find_damage(name) is None]

    # Facts

    @property
    def facts(self) -> dict[str, Any]:
        """What inspection found: virtual_size in bytes, adapter, ova_disk.

        Empty if the image has not been inspected yet.
        """
        return {name: value for name, value in self._read().items()
                if name not in (_FILES, _VERIFIED)}

    def refuse_another_disk(self, image_id: str, chosen: str | None) -> None:
        """Refuse an OVA if another disk of it is in the cache.

        :param chosen: the disk of the OVA that is wanted; None: the only one
        :raises ImageRefused: the property was changed after it was used
        """
        cached = self.facts.get('ova_disk')
        if cached != chosen:
            raise exception.ImageRefused(
                image_id, 'Its property vmrun_ova_disk was changed from %s to '
                '%s after it was used.' % (cached, chosen),
                'Upload the OVA once more for the other disk.')

    def save_facts(self, **facts: object) -> None:
        self._write(dict(self._read(), **facts))

    def _read(self) -> dict[str, Any]:
        try:
            content = jsonutils.loads(strange_files.read(
                self._facts, _MAX_FACTS))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, content: dict[str, Any]) -> None:
        files.write_atomically(self._facts, jsonutils.dumps(content))

    def publish(self, part: str, name: str) -> None:
        """Make a finished file read-only and give it its final name.

        :param part: the file, in the work folder
        :param name: its final name
        :raises InvalidVmdk: a disk is not of the expected type
        """
        if name.endswith(_DISK):
            _require_monolithic_sparse(part, name)
        os.chmod(part, 0o400)
        content = self._read()
        recorded = dict(content.get(_FILES, {}), **{name: _measure(part)})
        self._write(dict(content, **{_FILES: recorded}))
        files.publish(part, self.path(name))
        self.touch(name)

    def find_damage(self, name: str) -> str | None:
        """Return a sentence about how a file has changed, or None.

        Compare it with what was recorded when it was published.
        """
        recorded = self._read().get(_FILES, {}).get(name)
        try:
            actual = _measure(self.path(name))
        except FileNotFoundError:
            return 'It is missing.'
        except exception.InvalidVmdk as error:
            return 'It cannot be read: %s' % error.brief
        if recorded is None:
            return 'Its origin is unknown.'
        for key, what in _MEASURED:
            if recorded.get(key) != actual.get(key):
                return '%s is %s and was %s.' % (what, actual.get(key),
                                                 recorded.get(key))
        return None

    def find_delta_damage(self, delta: str, disk: str) -> str | None:
        """Return why the empty child of a disk is unusable, or None."""
        damage = self.find_damage(delta)
        if damage is None:
            parent = linked.read_descriptor(self.path(delta)).parent_cid
            if parent != linked.read_descriptor(self.path(disk)).cid:
                damage = 'It is the child of another disk.'
        return damage

    # Signatures

    def is_verified(self, what: str, certificates: Collection[str]) -> bool:
        """Return whether the signature of some content was verified.

        :param what: a file name, or a word for all base disks
        :param certificates: ids of the trusted certificates that the signer's
            has to be issued by; if there are none, nothing has to be verified
        """
        return not certificates or (
            sorted(certificates) in self._verified(what))

    def mark_verified(self, what: str, certificates: Collection[str]) -> None:
        """Record that the signature of some content was verified.

        :param what: as for is_verified()
        :param certificates: as for is_verified(); none: it was not verified
        """
        if not self.is_verified(what, certificates):
            self._write_verified(what, [*self._verified(what),
                                        sorted(certificates)])

    def forget_verified(self, what: str) -> None:
        """Record that some content will be replaced."""
        self._write_verified(what, [])

    def _verified(self, what: str) -> list[list[str]]:
        verified: list[list[str]] = self._read().get(_VERIFIED, {}).get(
            what, [])
        return verified

    def _write_verified(self, what: str,
                        verified: Iterable[list[str]]) -> None:
        content = self._read()
        if verified != self._verified(what):
            self._write(dict(content, **{_VERIFIED: dict(
                content.get(_VERIFIED, {}), **{what: verified})}))

    # Use

    def touch(self, name: str) -> None:
        """Record that a file is being used now."""
        with open(self.path(name) + _USED, 'a') as file:
            os.utime(file.fileno())

    def last_use(self, name: str) -> float:
        """Return when a file was last used, in seconds since the epoch.

        Without a record of a use, return when the file was created.
        """
        for path in (self.path(name) + _USED, self.path(name)):
            try:
                return os.stat(path).st_mtime
            except FileNotFoundError:
                continue
        return 0

    # Removal

    def remove(self, name: str) -> None:
        """Remove a file, and together with a disk its empty child."""
        self.start_work()
        names = [name]
        if name.endswith(_DISK):
            names.insert(0, name.removesuffix(_DISK) + _DELTA)
        for each in (each + suffix for each in names
                     for suffix in ('', _USED, _LOCK)):
            if os.path.exists(self.path(each)):
                os.rename(self.path(each), self.work(each))
        files.sync_folder(self._folder)
        self._remove_work()

    def clean(self) -> None:
        """Remove unfinished files, and the folder if no others remain."""
        self._remove_work()
        files.remove_parts(self._folder)
        if not self.disks() and not self.plain_files():
            files.remove_tree(self._folder)


# Modification times are recorded in nanoseconds, as the file system has them;
# the content id changes whenever VMware writes to a disk.
_MEASURED = (('size', 'Its size in bytes'), ('cid', 'Its content id'),
             ('mtime_ns', 'Its modification time in nanoseconds'))


def _measure(path: str) -> dict[str, int | str]:
    status = os.stat(path)
    found: dict[str, int | str] = {'size': status.st_size,
                                   'mtime_ns': status.st_mtime_ns}
    if path.endswith(_DISK):
        linked.read_header(path)
        found['cid'] = linked.read_descriptor(path).cid
    return found


def _require_monolithic_sparse(part: str, name: str) -> None:
    descriptor = linked.read_descriptor(part)
    if descriptor.create_type != vmdk.MONOLITHIC_SPARSE:
        raise exception.InvalidVmdk(
            'The new disk %s is of type %s instead of %s.'
            % (name, descriptor.create_type, vmdk.MONOLITHIC_SPARSE))
