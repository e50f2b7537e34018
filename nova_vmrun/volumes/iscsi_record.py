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

"""The record of a connected iSCSI volume, in the folder of its connector.

It is written before the daemon starts, so that whatever a crash leaves can be
found and removed. The password is not in it.
"""

import dataclasses
import os

from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun.host import files

LOG = logging.getLogger(__name__)

_NAME = 'iscsi.json'


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of the daemon of one volume.

    :ivar mount_point: the file that shows the LUN
    :ivar pid: of the daemon; None until it has started
    :ivar birth: of that process, as process_identity.of returns it
    :ivar size: of the LUN in bytes, when the daemon started
    """

    volume_id: str
    portal: str
    iqn: str
    lun: int
    user: str | None
    mount_point: str
    pid: int | None = None
    birth: str | float | None = None
    size: int | None = None


def path(folder: str) -> str:
    return os.path.join(folder, _NAME)


def write(folder: str, record: Record) -> None:
    """Write the record of a volume so that it survives a power cut."""
    files.write_atomically(
        path(folder), jsonutils.dumps(dataclasses.asdict(record), indent=1))


def read(folder: str) -> Record | None:
    """Return the record of a volume; None if there is none that is whole."""
    try:
        return Record(**jsonutils.loads(files.read(path(folder))))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        LOG.warning('The record %s cannot be read: %s', path(folder), error)
        return None
