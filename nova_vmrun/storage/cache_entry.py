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

"""The folder of one image in the cache; see image_cache.py for what is in it.

Each file is recorded before it gets its name, with what tells whether it was
written to since: a base that a program other than ours has opened for writing
would break every disk that is linked to it, and poison those to come.
"""

import os
import secrets

from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.server import layout
from nova_vmrun.storage import linked

_DISK = '.vmdk'
_DELTA = '-delta.vmdk'
_USED = '.used'
# VMware's, while a server runs; it stays if the power is cut.
_LOCK = '.lck'
_FACTS = layout.IMAGE
_WORK = 'work-'
_FILES, _VOUCHED = 'files', 'vouched'


class Entry:
    """The files of one image. Whoever uses it holds the image's lock.

    :param folder: of the image; it exists
    """

    def __init__(self, folder):
        self._folder = folder
        # A program that outlived the one who started it knows another name.
        self._work = self.path(_WORK + secrets.token_hex(4))
        self._facts = self.path(_FACTS)

    def path(self, name):
        return os.path.join(self._folder, name)

    def work(self, name):
        """Returns a path for a file that is not complete yet."""
        return os.path.join(self._work, name)

    def start_work(self):
        self._remove_work()
        os.mkdir(self._work, mode=0o700)

    def _remove_work(self):
        for folder in self.unfinished():
            files.remove_tree(folder)

    # What is there

    def disks(self):
        """Returns the names of all base disks."""
        return [name for name in self._names()
                if name.endswith(_DISK) and not name.endswith(_DELTA)]

    def others(self):
        """Returns the names of images that are kept as they are."""
        return [name for name in self._names()
                if not name.endswith((_DISK, _USED, _LOCK)) and
                not name.startswith((_FACTS, _WORK, '.'))]

    def unfinished(self):
        """Returns the paths of what is not complete."""
        return [self.path(name) for name in self._names()
                if name.startswith(_WORK)]

    def _names(self):
        return sorted(os.listdir(self._folder))

    def intact_disks(self):
        """Returns the names of the base disks that can be read from."""
        return [name for name in self.disks() if self.trouble(name) is None]

    # What is known

    @property
    def facts(self):
        """What inspection found, or {}.

        virtual_size in bytes, adapter, and ova_disk as it was chosen.
        """
        return {name: value for name, value in self._known().items()
                if name not in (_FILES, _VOUCHED)}

    def refuse_another_disk(self, image_id: str, chosen: str | None) -> None:
        """Refuses an OVA of which another disk is kept.

        :param chosen: which disk of the OVA the image is, None: the only one
        :raises ImageRefused: its property was changed after it was used
        """
        kept = self.facts.get('ova_disk')
        if kept != chosen:
            raise exception.ImageRefused(
                image_id, 'Its property vmrun_ova_disk was changed from %s to '
                '%s after it was used.' % (kept, chosen),
                'Upload the OVA once more for the other disk.')

    def keep_facts(self, **facts):
        self._keep(dict(self._known(), **facts))

    def _known(self):
        try:
            known = jsonutils.loads(files.read(self._facts))
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _keep(self, known):
        files.write_atomically(self._facts, jsonutils.dumps(known))

    def publish(self, part, name):
        """Makes a finished file read-only and gives it its name.

        :param part: the file, in the work folder
        :param name: its name
        :raises InvalidVmdk: a disk that is not as we make them
        """
        if name.endswith(_DISK):
            _require_monolithic_sparse(part, name)
        os.chmod(part, 0o400)
        known = self._known()
        recorded = dict(known.get(_FILES, {}), **{name: _measure(part)})
        self._keep(dict(known, **{_FILES: recorded}))
        files.publish(part, self.path(name))
        self.touch(name)

    def trouble(self, name):
        """Tells how a file differs from what it was when it was published.

        :returns: a sentence, or None if it is as it was
        """
        path = self.path(name)
        was = self._known().get(_FILES, {}).get(name)
        try:
            now = _measure(path)
        except FileNotFoundError:
            return 'It is missing.'
        except exception.InvalidVmdk as error:
            return 'It cannot be read: %s' % error.brief
        if was is None:
            return 'Nothing tells where it came from.'
        for key, what in _MEASURED:
            if was.get(key) != now.get(key):
                return '%s is %s and was %s.' % (what, now.get(key),
                                                 was.get(key))
        return None

    def delta_trouble(self, delta, disk):
        """Tells why an empty child cannot be used any more, or None."""
        trouble = self.trouble(delta)
        if trouble is None:
            parent = linked.read_descriptor(self.path(delta)).parent_cid
            if parent != linked.read_descriptor(self.path(disk)).cid:
                trouble = 'It is not a child of the disk that is there.'
        return trouble

    # Who vouches for it

    def is_vouched(self, what, certificates):
        """Tells whether content was compared with a signature.

        :param what: a file's name, or a word for all base disks
        :param certificates: ids of those that the signer's must lead to; none
            of them: nobody asks
        """
        return not certificates or sorted(certificates) in self._vouched(what)

    def vouch(self, what, certificates):
        """Remembers that content was compared with a signature.

        :param certificates: as for is_vouched; none: it was not
        """
        if not self.is_vouched(what, certificates):
            self._keep_vouched(what, [*self._vouched(what),
                                      sorted(certificates)])

    def forget_vouched(self, what):
        """Prepares for other content."""
        self._keep_vouched(what, [])

    def _vouched(self, what):
        return self._known().get(_VOUCHED, {}).get(what, [])

    def _keep_vouched(self, what, found):
        known = self._known()
        if found != self._vouched(what):
            self._keep(dict(known, **{
                _VOUCHED: dict(known.get(_VOUCHED, {}), **{what: found})}))

    # When it was used

    def touch(self, name):
        """Remembers that a file was used just now."""
        with open(self.path(name) + _USED, 'a') as file:
            os.utime(file.fileno())

    def last_use(self, name):
        """Returns when a file was used, in seconds since the epoch.

        A file that nobody remembers having used counts from when it was made.
        """
        for path in (self.path(name) + _USED, self.path(name)):
            try:
                return os.stat(path).st_mtime
            except FileNotFoundError:
                continue
        return 0

    # The end

    def remove(self, name):
        """Removes a file, and the empty child of a disk with it."""
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

    def clean(self):
        """Removes what is not complete, and the folder if nothing is."""
        self._remove_work()
        files.remove_parts(self._folder)
        if not self.disks() and not self.others():
            files.remove_tree(self._folder)


# The file's modification time is kept in whole nanoseconds, as the file
# system has it; a content id changes whenever VMware writes to a disk.
_MEASURED = (('size', 'Its size in bytes'), ('cid', 'Its content id'),
             ('mtime_ns', 'Its modification time in nanoseconds'))


def _measure(path):
    status = os.stat(path)
    found = {'size': status.st_size, 'mtime_ns': status.st_mtime_ns}
    if path.endswith(_DISK):
        linked.read_header(path)
        found['cid'] = linked.read_descriptor(path).cid
    return found


def _require_monolithic_sparse(part, name):
    descriptor = linked.read_descriptor(part)
    if descriptor.create_type != vmdk.MONOLITHIC_SPARSE:
        raise exception.InvalidVmdk(
            'The disk made as %s is of type %s instead of %s.'
            % (name, descriptor.create_type, vmdk.MONOLITHIC_SPARSE))
