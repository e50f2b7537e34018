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

"""Which base disks are under the disks of servers.

The disks themselves are asked, whatever folder they lie in: those of stopped
servers, of servers that are being resized or removed, of other compute nodes
that share the folder, and of snapshots. A base disk is known by the last two
parts of its path, its image's id and its name, since a shared folder may be
mounted elsewhere on another host.

What cannot be read in the folder of a server may use any base disk. A folder
of somebody else, such as the lost+found of a file system, is passed over if we
must not read it.
"""

import collections
import os
import re

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmdk

LOG = logging.getLogger(__name__)

# A descriptor of VMware's is in the second sector, and of 20.
_READ = 64 * 1024
_HINT = re.compile(rb'parentFileNameHint\s*=\s*"?([^"\r\n\0]*)', re.IGNORECASE)


class BaseDiskUsers:
    """Reads the disks of all servers.

    :param layout: a nova_vmrun.server.layout.Layout
    """

    def __init__(self, layout):
        self._layout = layout

    def all(self):
        """Returns which base disks are used, and by which disks.

        :returns: dict of (image id, name of the base disk) to lists of paths
        :raises OSError: a disk cannot be read, so nobody knows
        """
        found, errors = self._look()
        for error in errors:
            raise error
        return found

    def of(self, image_id, name):
        """Returns the disks that a base disk is under.

        :param image_id: the image's id
        :param name: of the base disk, without folder
        :returns: list of paths
        :raises OSError: a disk cannot be read, so nobody knows
        """
        return self.all().get((image_id, name), [])

    def known(self, image_id, name):
        """Returns those disks that can be read, of all that of() looks for.

        This is enough for a base disk that is missing: nobody can lose it.

        :param image_id: the image's id
        :param name: of the base disk, without folder
        :returns: list of paths
        """
        found, errors = self._look()
        for error in errors:
            LOG.warning('A disk that may use images of the cache cannot be '
                        'read: %s', error)
        return found.get((image_id, name), [])

    def _look(self):
        found, errors = collections.defaultdict(list), []
        passed_over = {self._layout.cache, self._layout.locks}
        for entry in os.scandir(self._layout.root):
            if entry.path in passed_over or not entry.is_dir():
                continue
            met = []
            for path in _disks(entry.path, met.append):
                for base in _parents(path, met.append):
                    found[base].append(path)
            errors += [error for error in met
                       if _matters(error, self._layout.is_of_server(entry))]
        return dict(found), errors


def _disks(top, onerror):
    for folder, _folders, names in os.walk(top, onerror=onerror):
        for name in names:
            # Half-made and set-aside disks have longer names.
            if '.vmdk' in name.lower():
                yield os.path.join(folder, name)


def _matters(error, is_of_server):
    """A server that is removed meanwhile uses nothing."""
    return not isinstance(error, FileNotFoundError) and (
        is_of_server or not isinstance(error, PermissionError))


def _parents(path, onerror):
    """Returns what a disk says of its parent, as (folder, name)."""
    try:
        with open(path, 'rb') as file:
            data = file.read(_READ)
            data += _descriptor_elsewhere(file, data)
    except OSError as error:
        onerror(error)
        return []
    hints = [os.fsdecode(hint).replace('\\', '/').split('/')
             for hint in _HINT.findall(data)]
    return [tuple(hint[-2:]) for hint in hints if len(hint) > 1]


def _descriptor_elsewhere(file, data):
    try:
        header = vmdk.parse_header(data)
    except exception.InvalidVmdk:
        return b''
    if header.descriptor_offset + header.descriptor_size <= _READ:
        return b''
    file.seek(header.descriptor_offset)
    return file.read(header.descriptor_size)
