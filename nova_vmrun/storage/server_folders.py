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

"""The folders that hold disks of servers in a storage folder.

Such a folder is named after its server, with a random end: a resize or a move
of the disks makes another one. A file in it names the compute node that may
use it. Only the record of the server says whether it is in use.
"""

import contextlib
import os
import re
import secrets

from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.host import strange_files

LOG = logging.getLogger(__name__)

OWNER = 'owner.json'
# In place of the id of a node: the folder is treated as another node's.
UNKNOWN = ''
_MAX_OWNER = 4096
# The folder of the second record, see second_records.py.
RECORD = 'record'
# The record in it.
RECORD_FILE = 'nova.json'
_NAME = re.compile('([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_'
                   '[0-9a-f]{8}')


def new_path(root: str, uuid: str) -> str:
    """Return the path of a new folder.

    :param root: of the storage folder
    :param uuid: of the server
    """
    return os.path.join(root, '%s_%s' % (uuid, secrets.token_hex(4)))


def is_of(path: str, uuid: str) -> bool:
    """Return whether a path is named like a folder of a server."""
    match = _NAME.fullmatch(os.path.basename(path))
    return match is not None and match.group(1) == uuid


def create(path: str, compute_id: str) -> None:
    """Create a folder, unless it exists.

    :raises OSError: it cannot be created, or a link is there
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    strange_files.require_folder(path)
    files.write_atomically(os.path.join(path, OWNER),
                           jsonutils.dumps(compute_id))
    files.sync_folder(os.path.dirname(path))


def owner(path: str) -> str | None:
    """Return the id of the compute node that made a folder.

    :returns: None if a crash came before it was recorded; UNKNOWN if something
        else is there than what a host records
    :raises OSError: it is not known, and may be later
    """
    try:
        return str(jsonutils.loads(strange_files.read(
            os.path.join(path, OWNER), _MAX_OWNER, depth=1)))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    except OSError as error:
        if error.errno not in strange_files.NO_FILE:
            raise
        # All hosts look at all folders, and one must not stop them.
        LOG.warning('It is unknown whose %s is: %s', path, error)
        return UNKNOWN


def is_new(path: str) -> bool:
    """Return whether a crash came before the owner of a folder was recorded.

    There is at most a half-written record of the owner then.
    """
    return not any(name != OWNER and not files.is_part_of(name, OWNER)
                   for name in os.listdir(path))


def find(root: str) -> list[tuple[str, str]]:
    """Return all folders in a storage folder, with the ids of their servers.

    :raises OSError: the storage folder cannot be read
    """
    with os.scandir(root) as entries:
        found = [(_NAME.fullmatch(entry.name), entry) for entry in entries]
        return sorted((match.group(1), entry.path) for match, entry in found
                      if match and entry.is_dir(follow_symlinks=False))


def remove(path: str) -> None:
    """Remove a folder; this can be interrupted and repeated.

    The second record goes first, and the name of its owner last.

    :raises OSError: a file cannot be removed, or it is a link
    """
    remove_record(path)
    try:
        strange_files.require_folder(path)
        names = os.listdir(path)
    except FileNotFoundError:
        return
    for name in names:
        each = os.path.join(path, name)
        if os.path.isdir(each) and not os.path.islink(each):
            files.remove_tree(each)
        elif name != OWNER:
            os.remove(each)
    files.remove_tree(path)


def remove_parts(path: str) -> None:
    """Remove the half-written files that crashes have left in a folder.

    :raises OSError: a file cannot be removed
    """
    if strange_files.is_folder(path):
        files.remove_parts(path)


def remove_record(path: str) -> None:
    """Remove the second record from a folder, if there is one.

    A link in its place is removed, and what it leads to stays.

    :raises OSError: a file cannot be removed, or the folder is a link
    """
    record = os.path.join(path, RECORD)
    if not os.path.lexists(record):
        return
    strange_files.require_folder(path)
    if not strange_files.is_folder(record):
        os.remove(record)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(record, RECORD_FILE))
        files.sync_folder(record)
        files.remove_tree(record)
