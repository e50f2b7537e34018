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

"""Files that an operator has put into the folder, to be made volumes."""

import os
import stat
from typing import Any, TypedDict

from cinder import context
from cinder import exception as cinder_exception
from cinder import objects
from cinder.volume import volume_utils
from oslo_utils import units

from nova_vmrun.cinder import disk as disks
from nova_vmrun.cinder import errors
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from nova_vmrun.formats import volume_files

_NAME = 'source-name'

_Reference = dict[str, str]


class _Manageable(TypedDict):
    """What Cinder lists about a file; sizes in GiB."""

    reference: _Reference
    size: int
    safe_to_manage: bool
    reason_not_safe: str | None
    cinder_id: str | None
    extra_info: str | None


class ManageableFiles:
    """The part of the driver that makes volumes of files.

    A file is referred to by its name in the folder of the back end.
    """

    host: str
    _folder: folders.Folder
    _store: stores.Store

    def manage_existing(self, volume: disks.CinderVolume,
                        existing_ref: _Reference) -> None:
        """Rename a file to be that of a volume; add zeros to a whole GiB."""
        file, size = self._file(existing_ref)
        # Cinder says 0 GiB until this returns.
        with errors.as_cinder():
            self._store.adopt(disks.of_volume(volume, _whole_gib(size)), file)

    def manage_existing_get_size(self, volume: disks.CinderVolume,
                                 existing_ref: _Reference) -> int:
        """Return the size of a file, rounded up to whole GiB."""
        return _whole_gib(self._file(existing_ref)[1])

    def unmanage(self, volume: disks.CinderVolume) -> None:
        """Do nothing: the files of the volume stay where they are."""

    def get_manageable_volumes(
            self, cinder_volumes: list[disks.CinderVolume], marker: str,
            limit: int, offset: int, sort_keys: list[str],
            sort_dirs: list[str]) -> list[_Manageable]:
        """Return the files that are volumes, or could become one."""
        known = self._known_files()
        entries: list[_Manageable] = []
        for file in os.listdir(self._folder.path):
            if volume_files.name_of(file) is None:
                continue
            try:
                _file, size = self._file({_NAME: file}, is_listing=True)
                reason = 'already managed' if file in known else None
            except cinder_exception.ManageExistingInvalidReference as error:
                size, reason = 0, error.kwargs['reason']
            entries.append({
                'reference': {_NAME: file}, 'size': _whole_gib(size),
                'safe_to_manage': reason is None, 'reason_not_safe': reason,
                'cinder_id': known.get(file), 'extra_info': None})
        listed: list[_Manageable] = volume_utils.paginate_entries_list(
            entries, marker, limit, offset, sort_keys, sort_dirs)
        return listed

    def _known_files(self) -> dict[str, str]:
        """Return the files that Cinder knows, with the ids of their owners."""
        admin = context.get_admin_context()
        return {volume_files.extent(each.name): str(each.id) for each in (
            *objects.VolumeList.get_all_by_host(admin, self.host),
            *objects.SnapshotList.get_by_host(admin, self.host))}

    def _file(self, reference: dict[str, Any],
              is_listing: bool = False) -> tuple[str, int]:
        """Return the name and the size of a file, in bytes.

        :param is_listing: whether it may be the file of a volume
        :raises ManageExistingInvalidReference: no volume can be made of it
        :raises ManageExistingAlreadyManaged: it is the file of a volume
        """
        def refuse(
                reason: str
        ) -> cinder_exception.ManageExistingInvalidReference:
            return cinder_exception.ManageExistingInvalidReference(
                existing_ref=reference, reason=reason)

        file = reference.get(_NAME)
        name = (volume_files.name_of(file) if isinstance(file, str) else None)
        if not isinstance(file, str) or name is None:
            raise refuse('%s has to be the name of a file in %s that ends '
                         'with -flat.vmdk.' % (_NAME, self._folder.path))
        if not is_listing and file in self._known_files():
            raise cinder_exception.ManageExistingAlreadyManaged(
                volume_ref=file)
        try:
            status = os.lstat(self._folder.join(file))
        except FileNotFoundError:
            raise refuse('There is no such file.')
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise refuse('It is not a regular file with a single name.')
        if status.st_uid != os.geteuid():
            raise refuse('It belongs to user %d instead of %d.'
                         % (status.st_uid, os.geteuid()))
        if not status.st_size:
            raise refuse('It is empty.')
        return file, status.st_size


def _whole_gib(size: int) -> int:
    """Return a size in bytes in GiB, rounded up."""
    return -(-size // units.Gi)
