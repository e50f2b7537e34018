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

"""Find out which servers' disks use which base disks.

Read the disks themselves, in whatever folder they are: those of stopped
servers, of servers that are being resized or deleted, of other compute nodes
that share the folder, and of snapshots. A base disk is identified by the last
two parts of its path, its image's id and its own name, because a shared folder
may be mounted at another path on another host.

A disk in a server's folder that cannot be read may use any base disk. Folders
of other users, such as the lost+found of a file system, are ignored if we may
not read them.
"""

import collections
from collections.abc import Callable
from collections.abc import Iterator
import os
import re
from typing import BinaryIO, NamedTuple

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout as layouts

LOG = logging.getLogger(__name__)

# VMware's descriptors are in the second sector, and have 20 sectors.
_READ_SIZE = 64 * 1024
_HINT = re.compile(rb'parentFileNameHint\s*=\s*"?([^"\r\n\0]*)', re.IGNORECASE)

_OnError = Callable[[OSError], object]


class BaseDisk(NamedTuple):
    """The identity of a base disk.

    :ivar image_id: the image's id
    :ivar name: file name
    """

    image_id: str
    name: str


class BaseDiskUsage:
    """The use of base disks by the disks of all servers."""

    def __init__(self, layout: layouts.Layout) -> None:
        self._layout = layout

    def find_all(self) -> dict[BaseDisk, list[str]]:
        """Return which base disks are in use, with the disks that use them.

        :raises OSError: a disk cannot be read, so the result is unknown
        """
        disks, errors = self._scan()
        for error in errors:
            raise error
        return disks

    def find(self, image_id: str, name: str) -> list[str]:
        """Return the paths of the disks that use a base disk.

        :param image_id: the image's id
        :param name: file name of the base disk
        :raises OSError: a disk cannot be read, so the result is unknown
        """
        return self.find_all().get(BaseDisk(image_id, name), [])

    def find_readable(self, image_id: str, name: str) -> list[str]:
        """Return those disks of find() that can be read.

        This is good enough for a base disk that is missing, because it cannot
        be damaged any more.

        :param image_id: the image's id
        :param name: file name of the base disk
        """
        disks, errors = self._scan()
        for error in errors:
            LOG.warning('Cannot read a disk that may use images of the cache: '
                        '%s', error)
        return disks.get(BaseDisk(image_id, name), [])

    def _scan(self) -> tuple[dict[BaseDisk, list[str]], list[OSError]]:
        disks: dict[BaseDisk, list[str]] = collections.defaultdict(list)
        errors: list[OSError] = []
        ignored = {self._layout.cache, self._layout.locks}
        for entry in os.scandir(self._layout.root):
            if entry.path in ignored or not entry.is_dir():
                continue
            errors_here: list[OSError] = []
            for path in _walk_disks(entry.path, errors_here.append):
                for base in _read_parents(path, errors_here.append):
                    disks[base].append(path)
            is_of_server = self._layout.is_of_server(entry)
            errors += [error for error in errors_here
                       if _may_hide_a_disk(error, is_of_server)]
        return dict(disks), errors


def _walk_disks(top: str, onerror: _OnError) -> Iterator[str]:
    for folder, _folders, names in os.walk(top, onerror=onerror):
        for name in names:
            # Unfinished and set-aside disks have longer names.
            if '.vmdk' in name.lower():
                yield os.path.join(folder, name)


def _may_hide_a_disk(error: OSError, is_of_server: bool) -> bool:
    # A server that has just been deleted uses no base disk.
    return not isinstance(error, FileNotFoundError) and (
        is_of_server or not isinstance(error, PermissionError))


def _read_parents(path: str, onerror: _OnError) -> list[BaseDisk]:
    """Return the parents that the descriptor of a disk names."""
    try:
        with strange_files.opened(path, follow=True) as file:
            data = file.read(_READ_SIZE)
            data += _read_distant_descriptor(file, data)
    except OSError as error:
        onerror(error)
        return []
    hints = [os.fsdecode(hint).replace('\\', '/').split('/')
             for hint in _HINT.findall(data)]
    return [BaseDisk(*hint[-2:]) for hint in hints if len(hint) > 1]


def _read_distant_descriptor(file: BinaryIO, data: bytes) -> bytes:
    try:
        header = vmdk.parse_header(data)
    except exception.InvalidVmdk:
        return b''
    if header.descriptor_offset + header.descriptor_size <= _READ_SIZE:
        return b''
    file.seek(header.descriptor_offset)
    return file.read(header.descriptor_size)
