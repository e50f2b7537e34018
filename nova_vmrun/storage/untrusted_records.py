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


"""What other hosts have written beside the disks of a server.

See second_records.py. Anything may be there, so nothing is followed, awaited
or believed.
"""

import os
import shutil
from typing import Any

from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import records as records_module
from nova_vmrun.storage import server_folders

LOG = logging.getLogger(__name__)

_MAX_RECORD = 1 << 20
_MAX_FILE = 16 << 30
_MAX_TEXT = 255
# The folder of a server, and that of the record in it, may be no links.
_DEPTH = 2
_CHUNK = 1 << 20
# What image_adapter can be.
_ADAPTERS = (None, 'ide', 'buslogic')


def folder(path: str) -> str:
    """Return the folder of the second record in a folder of a server."""
    return os.path.join(path, server_folders.RECORD)


def read(path: str) -> dict[str, Any] | None:
    """Return a second record as it is, if it has the form of one."""
    try:
        found = jsonutils.loads(strange_files.read(
            os.path.join(folder(path), server_folders.RECORD_FILE),
            _MAX_RECORD, depth=_DEPTH))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        LOG.warning('The record beside the disks in %s cannot be read: '
                    '%s', path, error)
        return None
    if isinstance(found, dict) and isinstance(
            found.get('record'), dict) and isinstance(
            found.get('number'), int):
        return found
    LOG.warning('The record beside the disks in %s is no record', path)
    return None


def parse(uuid: str, path: str, owner: str,
          content: dict[str, Any]) -> records_module.Record:
    """Return a record from what another host has written.

    :raises RecordUnreadable: no host writes that
    """
    found = content['record']
    listed = found.get('disks')
    former = found.get('adopted_from')
    for name, is_good in (
            ('uuid', found.get('uuid') == uuid),
            ('name', _is_text(found.get('name'))),
            ('show_gui', isinstance(found.get('show_gui'), bool)),
            ('image_adapter', found.get('image_adapter') in _ADAPTERS),
            ('image_ref', found.get('image_ref') in (None, '') or
             uuidutils.is_uuid_like(found.get('image_ref'))),
            ('image_properties', found.get('image_properties') is None or
             _are_texts(found['image_properties'])),
            ('detached_volumes', isinstance(
                found.get('detached_volumes'), list) and
             all(map(uuidutils.is_uuid_like, found['detached_volumes']))),
            ('adopted_from', former is None or
             uuidutils.is_uuid_like(former)),
            ('owner', uuidutils.is_uuid_like(owner))):
        if not is_good:
            raise refused(uuid, path, 'Its %s cannot be right.' % name)
    try:
        disks_module.parse(listed)
    except ValueError as error:
        raise refused(uuid, path, str(error)) from error
    return records_module.Record(
        uuid, found['name'], owner, show_gui=found['show_gui'],
        image_adapter=found['image_adapter'], image_ref=found['image_ref'],
        image_properties=found['image_properties'], disks=listed,
        detached_volumes=found['detached_volumes'],
        # Not if it was written just before the server changed hands.
        adopted_from=former if found.get('compute_id') == owner else None)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and (
        0 < len(value) <= _MAX_TEXT)


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) for pair in value.items() for text in pair)


def refused(uuid: str, path: str,
            details: str) -> exception.RecordUnreadable:
    """Return the error for a second record that is not used.

    :param path: of the folder of the server
    """
    return exception.RecordUnreadable(
        'The record of server %s beside its disks cannot be used.' % uuid,
        'In %s: %s' % (folder(path), details),
        'Start the host that the server was on again. To lose its disks '
        'instead, move them away.')


def require_file(uuid: str, beside: str, path: str) -> None:
    """Refuse what is no file: a link could lead anywhere on this host.

    The same goes for the folder that it is in.

    :param beside: the folder of the server with the second record
    :raises RecordUnreadable: it is no file, or not there
    """
    above = os.path.dirname(path)
    if not strange_files.is_folder(above):
        raise refused(uuid, beside, '%s is no folder.' % above)
    if not strange_files.is_file(path):
        raise refused(uuid, beside, '%s is no file.' % path)


def copy_in(source: str, target: str) -> None:
    """Copy a file that another host has made, if it is there."""
    try:
        with strange_files.opened(source, _MAX_FILE,
                                  depth=_DEPTH) as reader:
            with files.replacing(target) as part, open(part, 'wb') as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)
            status = os.fstat(reader.fileno())
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    except FileNotFoundError:
        return
