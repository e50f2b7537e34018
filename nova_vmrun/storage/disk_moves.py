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

"""Moves of a server's disks to another storage folder, which may be cut off.

A file in the server's folder lists the copies before they are made. The .vmx,
from which VMware takes the disks even if somebody starts the VM in its window,
decides: if it names the copies, the move is done, and the originals go. If it
names the originals, the copies go. In between nobody writes to either.

Only files in the server's folder are removed here. The folders of a server in
storage folders go when no record and no move names them any longer: see
server_storage.py.
"""

from collections import abc
import dataclasses
import os

from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked

LOG = logging.getLogger(__name__)

# VMware's own limit, disk.maxNumLinks.
_MAX_LINKS = 255


@dataclasses.dataclass(frozen=True)
class Move:
    """Disks of a server that move to another storage folder.

    :ivar disks: all disks of the server after the move
    :ivar originals: absolute path of the file that VMware writes to, by nodes
        such as scsi0:0
    :ivar copies: the same after the move
    :ivar old_names: names of files in the server's folder that only the
        originals need
    :ivar new_names: names of files in the server's folder that only the copies
        need
    """

    disks: tuple[disks_module.Disk, ...]
    originals: dict[str, str]
    copies: dict[str, str]
    old_names: list[str]
    new_names: list[str]


class DiskMoves:
    """The moves that have begun and not ended."""

    def __init__(self, layout: layout_module.Layout,
                 records: records_module.Records,
                 vmx_files: vmx_file.VmxFiles) -> None:
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_files

    def is_begun(self, uuid: str) -> bool:
        """Return whether a move of a server's disks has not ended."""
        return os.path.exists(self._layout.moving(uuid))

    def disks(self, uuid: str) -> tuple[disks_module.Disk, ...]:
        """Return the disks of a server after its move, none without one.

        :raises RecordUnreadable: the file about the move is damaged
        """
        move = self._read(uuid)
        return move.disks if move else ()

    def begin(self, uuid: str, move: Move) -> None:
        """Record a move whose copies do not exist yet.

        :raises OSError: the file cannot be written
        """
        files.write_atomically(self._layout.moving(uuid), jsonutils.dumps({
            **dataclasses.asdict(move),
            'disks': disks_module.dump(move.disks)}))

    def attach(self, move: Move, keys: vmx.Vmx, folder: str) -> None:
        """Let a .vmx name the copies, which are complete.

        :param folder: the server's
        """
        for node, path in move.copies.items():
            keys[node + '.fileName'] = (
                os.path.basename(path) if os.path.dirname(path) == folder
                else path)

    def end(self, uuid: str) -> None:
        """End a move, whether it is done or was interrupted before.

        The caller holds the server's lock alone. This can be interrupted and
        repeated.

        :raises RecordUnreadable: the file about the move is damaged
        :raises VmIncomplete: the .vmx names neither the originals nor the
            copies
        :raises InvalidVmx: the .vmx is malformed
        :raises OSError: a file cannot be written or removed
        """
        move = self._read(uuid)
        if move is None:
            return
        folder = self._layout.folder(uuid)
        if self._is_done(uuid, move):
            self._records.change(uuid, disks=disks_module.dump(move.disks))
            names = move.old_names
        else:
            LOG.info('The move of the disks of server %s was interrupted: '
                     'they stay where they are', uuid)
            names = move.new_names
        files.remove_parts(folder)
        for name in names:
            files.remove_disk(os.path.join(folder, name))
        files.sync_folder(folder)
        os.remove(self._layout.moving(uuid))
        files.sync_folder(folder)

    def _is_done(self, uuid: str, move: Move) -> bool:
        """Return whether the VM has the copies and not the originals."""
        try:
            keys = self._vmx_files.load_patiently(uuid)
        except exception.VmNotFound:
            # It will be made from the record.
            record = self._records.get(uuid)
            return record is not None and (
                record.disks == disks_module.dump(move.disks))
        folder = self._layout.folder(uuid)
        originals = set(map(os.path.realpath, move.originals.values()))
        copies = set(map(os.path.realpath, move.copies.values()))
        for node in move.copies:
            path = os.path.join(folder, keys.get(node + '.fileName') or '')
            # VMware may have made snapshots of either in the meantime.
            for each in _with_ancestors(path):
                if each in originals or each in copies:
                    return each in copies
        raise exception.VmIncomplete(
            'It is not known where the disks of server %s are.' % uuid,
            'They were being moved, and %s names neither the originals (%s) '
            'nor the copies (%s).' % (
                self._layout.vmx(uuid), ', '.join(sorted(originals)),
                ', '.join(sorted(copies))),
            'Attach one or the other again in the .vmx.')

    def _read(self, uuid: str) -> Move | None:
        path = self._layout.moving(uuid)
        try:
            found = jsonutils.loads(files.read(path))
            move = Move(
                disks_module.parse(found['disks']),
                _texts(found['originals']), _texts(found['copies']),
                [_name(each) for each in found['old_names']],
                [_name(each) for each in found['new_names']])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise exception.RecordUnreadable(
                'The file %s cannot be read.' % path,
                'It says which disks of the server were being moved: %s.'
                % error, 'See which disks the .vmx names, correct "disks" in '
                'nova.json beside it accordingly, and remove the file.'
            ) from error
        return move


def _texts(found: abc.Mapping[object, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()}


def _name(found: object) -> str:
    """Return the name of a disk's file, without a folder."""
    if not isinstance(found, str) or os.path.basename(found) != found or (
            not found.endswith('.vmdk')):
        raise ValueError('%r is not the name of a disk' % (found,))
    return found


def _with_ancestors(path: str) -> abc.Iterator[str]:
    """Yield the path of a disk, its parent, and so on while they exist."""
    for _ in range(_MAX_LINKS):
        yield os.path.realpath(path)
        try:
            hint = linked.read_descriptor(path).parent_hint
        except (OSError, exception.InvalidVmdk):
            return
        if hint is None:
            return
        path = os.path.join(os.path.dirname(path), hint)
