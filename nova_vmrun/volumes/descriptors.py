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

"""The descriptor that makes VMware see raw bytes in a file as a disk.

Whoever can write to a descriptor could make VMware open another file, so it is
checked before each use. It is written anew only if it describes the same file
in another way: with another size or controller.
"""

import dataclasses
import os
import stat

from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.volumes import connectors

LOG = logging.getLogger(__name__)

_MAX_SIZE = 64 * units.Ki


def find(volume_id: str, path: str, disk: flat.FlatDisk,
         content_size: int) -> flat.FlatDisk | None:
    """Return what a descriptor describes, or None if there is none.

    :param disk: what it should describe
    :param content_size: bytes that the content really has
    :raises VolumeDamaged: it describes something else
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_SIZE:
            raise _damaged(volume_id, '%s is not a small file.' % path)
        data = files.read(path)
        parsed = vmdk.parse_descriptor(vmdk.decode_descriptor(data))
        found = dataclasses.replace(
            disk, sectors=sum(each.sectors for each in parsed.extents),
            adapter=parsed.ddb.get('ddb.adaptertype', '').lower())
        flat.check(data, found)
    except FileNotFoundError:
        return None
    except (OSError, exception.InvalidVmdk) as error:
        raise _damaged(volume_id, 'Its descriptor %s cannot be used: %s'
                       % (path, error)) from error
    if found.size > content_size:
        raise _damaged(
            volume_id, 'Its descriptor %s describes %d bytes, and there are '
            '%d.' % (path, found.size, content_size))
    return found


def prepare(volume_id: str, path: str, disk: flat.FlatDisk,
            content_size: int) -> int:
    """Make a descriptor describe a volume; return its size in bytes.

    It may describe more than Cinder says, as long as there is so much: an
    extension of the volume was cut short, and the guest may use all of it.
    Parameters are those of find.

    :raises VolumeDamaged: it describes something else
    :raises HasSnapshots: the newest data of the volume is not in it
    :raises FileInUse: a VM uses it
    """
    # A crash may have left one that was not complete.
    remove_parts(path)
    found = find(volume_id, path, disk, content_size)
    wanted = disk
    if found is not None and found.sectors > disk.sectors:
        LOG.warning('Volume %s has %d bytes, and Cinder says %d', volume_id,
                    found.size, disk.size)
        wanted = dataclasses.replace(disk, sectors=found.sectors)
    if found is None or found != wanted:
        connectors.refuse_snapshots(volume_id, path)
        connectors.refuse_users(volume_id, path)
        files.write_atomically(path, flat.descriptor(wanted))
    return wanted.size


def remove_parts(path: str) -> None:
    """Remove what a crash while a file was written has left beside it."""
    folder, name = os.path.split(path)
    files.remove_parts(folder, lambda found: found == name)


def _damaged(volume_id: str, details: str) -> exception.VolumeDamaged:
    return exception.VolumeDamaged(
        'The descriptor of volume %s is not as it was made.' % volume_id,
        details, 'Remove the descriptor: it is made anew. Find out who has '
        'changed it.')
