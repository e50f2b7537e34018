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

"""The storage folders of this host, each with an image cache of its own.

The first one is [DEFAULT] instances_path, which is always there. The others
are on drives that can be unplugged and on servers that can hang, so whoever
uses one calls require() first, which looks at it in a bounded time.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import dataclasses
import os
import shutil
from typing import TypeVar

from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import resources
from nova_vmrun.host import responsive
from nova_vmrun.host import space
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds as builds_module
from nova_vmrun.storage import file_systems
from nova_vmrun.storage import folder_choice
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folder_settings
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import server_folders

LOG = logging.getLogger(__name__)

_T = TypeVar('_T')


@dataclasses.dataclass(frozen=True)
class Space:
    """The file system of a storage folder.

    :ivar device: its number
    :ivar total: bytes
    :ivar used: bytes
    :ivar free: bytes
    """

    device: int
    total: int
    used: int
    free: int


class StorageFolder:
    """A folder for disks of servers and for the base disks of their images.

    :param known: remembers its id; None for [DEFAULT] instances_path, which
        needs none

    :ivar name: in nova.conf
    :ivar path: absolute path
    :ivar tags: what flavors and images can ask for
    :ivar cache: its image cache
    :ivar users: the disks in it that are linked to base disks
    :ivar builds: the builds in progress whose disks it takes
    """

    def __init__(self, setting: folder_settings.Setting,
                 layout: layouts.Layout, cache: image_cache.ImageCache,
                 users: base_disk_usage.BaseDiskUsage,
                 builds: builds_module.Builds,
                 known: folder_identity.KnownFolders | None = None) -> None:
        self.name = setting.name
        self.path = layout.root
        self.tags = setting.tags
        self.layout = layout
        self.cache = cache
        self.users = users
        self.builds = builds
        self._known = known
        self._is_prepared = False

    @property
    def is_default(self) -> bool:
        """Whether it is [DEFAULT] instances_path."""
        return self._known is None

    @property
    def identity(self) -> str | None:
        """Its id; None if it was never there, and for the default one."""
        return None if self._known is None else self._known.load().get(
            self.name)

    def check(self) -> None:
        """Raise an error if it cannot hold VMs, unless it is not there.

        Adopt a new folder.

        :raises InvalidConfiguration: it does not exist, cannot be written to,
            or its file system lacks what disks need
        """
        if self._known is None:
            return
        if self.identity is not None:
            try:
                self.require()
            except exception.StorageFolderMissing as error:
                LOG.error('%s', error)
                return
        self.call(lambda: file_systems.require_for_vms(self.name, self.path))
        self.require()

    def require(self) -> None:
        """Raise an error if it is not there.

        :raises StorageFolderMissing: its drive is unplugged, or it hangs
        """
        if self._known is None:
            return
        try:
            found = self.call(self._adopt)
        except (exception.FileSystemFailed, OSError) as error:
            raise self._missing(str(error)) from error
        if found is None:
            raise self._missing(
                'The file %s of that folder is not in %s.'
                % (folder_identity.FILE, self.path))

    def _adopt(self) -> str | None:
        assert self._known is not None
        found = folder_identity.adopt(self.path, self.name, self._known)
        if found is not None and not self._is_prepared:
            self.layout.prepare('the storage folder %s' % self.name)
            self._is_prepared = True
        return found

    def _missing(self, details: str) -> exception.StorageFolderMissing:
        return exception.StorageFolderMissing(
            'The storage folder %s is not there.' % self.name, details,
            'Plug in its drive, or mount it at %s.' % self.path)

    def is_there(self) -> bool:
        """Return whether require() would raise no error."""
        try:
            self.require()
        except exception.StorageFolderMissing as error:
            LOG.debug('%s', error)
            return False
        return True

    def call(self, function: Callable[[], _T]) -> _T:
        """Return what a function returns that uses the folder.

        :raises FileSystemFailed: the folder hangs
        """
        return (function() if self.is_default else
                responsive.call(self.path, function))

    def space(self) -> Space:
        """Return how large and how full its file system is.

        :raises FileSystemFailed: the folder hangs
        """
        def measure() -> Space:
            usage = shutil.disk_usage(self.path)
            return Space(os.stat(self.path).st_dev, usage.total, usage.used,
                         usage.free)

        return self.call(measure)


@dataclasses.dataclass(frozen=True)
class Reserved:
    """A storage folder with space for the disks of one server.

    :ivar private: a folder on the same file system that no other build uses
    """

    folder: StorageFolder
    private: str


class StorageFolders:
    """All storage folders of this host.

    :param default: [DEFAULT] instances_path
    :param others: in the order of nova.conf
    :param regex: [vmrun] storage_folder_regex
    :param ratio: how much of the disks there may be for each free byte
    :raises InvalidConfiguration: the regular expression matches no folder
    """

    def __init__(self, default: StorageFolder,
                 others: Sequence[StorageFolder] = (),
                 regex: str | None = None, ratio: float = 1.0) -> None:
        self.default = default
        self.others = others
        self._ratio = ratio
        names = [folder.name for folder in self.all]
        self._selected = folder_settings.selected(names, regex)

    @property
    def all(self) -> list[StorageFolder]:
        return [self.default, *self.others]

    @property
    def selected(self) -> list[StorageFolder]:
        """The folders that new disks may go to, there or not."""
        return [folder for folder in self.all
                if folder.name in self._selected]

    def check(self) -> None:
        """Raise an error if the folders cannot be used, except missing ones.

        :raises InvalidConfiguration: two overlap, or one cannot hold VMs
        """
        for folder in self.others:
            folder.check()
        folder_settings.require_apart([
            folder_settings.Setting(folder.name, folder.path, folder.tags)
            for folder in self.all if folder.is_there()])

    def there(self) -> list[StorageFolder]:
        """Return the folders that are there."""
        return [folder for folder in self.all if folder.is_there()]

    def find(self, identity: str) -> StorageFolder | None:
        """Return the folder with an id, which may not be there."""
        return next((folder for folder in self.others
                     if folder.identity == identity), None)

    def require(self, identity: str) -> StorageFolder:
        """Return the folder with an id.

        :raises StorageFolderMissing: it is not there, or nova.conf no longer
            names it
        """
        folder = self.find(identity)
        if folder is None:
            raise exception.StorageFolderMissing(
                'The storage folder with the id %s is not there.' % identity,
                'No folder of [vmrun] storage_folders has this id.',
                'Add the folder to the option again.')
        folder.require()
        return folder

    def named(self, name: str) -> StorageFolder:
        """Return a folder that is there by its name in nova.conf.

        :raises InvalidInput: nova.conf names no such folder
        :raises StorageFolderMissing: it is not there
        """
        for folder in self.all:
            if folder.name == name:
                folder.require()
                return folder
        raise exception.InvalidInput(
            'There is no storage folder %r.' % name, 'The folders are: %s.'
            % ', '.join(folder.name for folder in self.all),
            'Choose one of them.')

    def spaces(self) -> list[tuple[StorageFolder, Space]]:
        """Return the folders that new disks may go to, with their space.

        Leave out folders that are not there.
        """
        found = []
        for folder in self.selected:
            try:
                folder.require()
                found.append((folder, folder.space()))
            except (exception.HostError, OSError) as error:
                LOG.warning('No new disks go to the storage folder %s: %s',
                            folder.name, error)
        return found

    def require_tag(self, tag: str | None) -> None:
        """Raise an error if a tag would let no server be built.

        :raises InvalidConfiguration: no folder that new disks may go to has it
        """
        if tag and all(tag not in folder.tags for folder in self.selected):
            raise exception.InvalidConfiguration(
                '[vmrun] default_storage_tag is %r, and no storage folder '
                'has this tag.' % tag, 'The tags are: %s.' % ', '.join(sorted(
                    {each for folder in self.selected
                     for each in folder.tags})),
                'Correct it, or give the tag to a folder in [vmrun] '
                'storage_folders.')

    def file_systems(self) -> list[resources.FileSystem]:
        """Return the file systems that new disks may go to, each only once.

        Leave out folders that are not there.
        """
        found: dict[int, resources.FileSystem] = {}
        for folder, measured in self.spaces():
            former = found.get(measured.device)
            found[measured.device] = resources.FileSystem(
                measured.total, measured.used, measured.free,
                [*(former.disk_folders if former else []),
                 *self._disk_folders(folder)])
        return list(found.values())

    def _disk_folders(self, folder: StorageFolder) -> list[str]:
        if folder.is_default:
            return [path for _uuid, path in folder.layout.folders()]
        return folder.call(lambda: [
            path for _uuid, path in server_folders.find(folder.path)])

    @contextlib.contextmanager
    def begin(self, wishes: Sequence[folder_choice.Wish],
              returned: Mapping[str, int] | None = None
              ) -> Iterator[list[Reserved]]:
        """Begin a build, and reserve the space that it may need.

        :param wishes: at least one
        :param returned: bytes that a rebuild frees first, by names of folders
        :raises NoStorageFolder: no folder has a tag, or enough space
        """
        with contextlib.ExitStack() as stack:
            with self._choosing():
                chosen = self._choose(wishes, returned or {})
                reserved: dict[str, Reserved] = {}
                for folder in chosen:
                    if folder.name not in reserved:
                        size = sum(wish.size for each, wish in
                                   zip(chosen, wishes) if each is folder)
                        reserved[folder.name] = Reserved(
                            folder, stack.enter_context(folder.builds.begin(
                                size if self.others else 0)))
                if self.default.name not in reserved:
                    # Its cache has the images in the drives of all servers.
                    stack.enter_context(self.default.builds.begin())
            yield [reserved[folder.name] for folder in chosen]

    @contextlib.contextmanager
    def begin_move(self, folder: StorageFolder, size: int,
                   brief: str) -> Iterator[None]:
        """Reserve space for disks that move to a folder.

        :param size: bytes that the copies need
        :param brief: what cannot be done without the space
        :raises DiskFull: there is not enough
        """
        with contextlib.ExitStack() as stack:
            with self._choosing():
                measured = folder.space()
                reserved = sum(
                    each.builds.reserved() for each in self.there()
                    if each.space().device == measured.device)
                space.FileSystem(
                    'The storage folder %s' % folder.name,
                    max(measured.free - reserved, 0),
                    advice='Free some space there, or choose another folder.'
                ).require(size, brief)
                stack.enter_context(folder.builds.begin(size))
            yield

    def _choosing(self) -> contextlib.AbstractContextManager[object]:
        if not self.others:
            return contextlib.nullcontext()
        return lockutils.lock('vmrun-storage', external=True,
                              lock_path=self.default.layout.locks)

    def _choose(self, wishes: Sequence[folder_choice.Wish],
                returned: Mapping[str, int]) -> list[StorageFolder]:
        if not self.others:
            # Nova has already counted the space, and VMs share the rest.
            folder_choice.choose(
                [folder_choice.Candidate(self.default.name, self.default.tags,
                                         0, 0)],
                [dataclasses.replace(wish, size=0) for wish in wishes])
            return [self.default] * len(wishes)
        spaces = self.spaces()
        reserved: dict[int, int] = {}
        for folder, found in spaces:
            reserved[found.device] = reserved.get(found.device, 0) + (
                folder.builds.reserved() - returned.get(folder.name, 0))
        chosen = folder_choice.choose(
            [folder_choice.Candidate(
                folder.name, folder.tags, found.device,
                int(max(found.free - space.RESERVE, 0) * self._ratio) -
                reserved[found.device])
             for folder, found in spaces], wishes)
        return [next(folder for folder, _space in spaces
                     if folder.name == each.name) for each in chosen]
