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

"""The file by which a storage folder is known, wherever it is mounted.

The mount point of a drive is an empty folder while the drive is unplugged. So
a folder gets its file once, and the host remembers that it has one. A known
folder without its file is not there.
"""

import os
import time

from oslo_concurrency import lockutils
from oslo_serialization import jsonutils
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout

FILE = 'nova-vmrun-storage.json'
_LIMIT = 4096
# Seconds in which another host has written a file that it has created.
_PATIENCE = 2.0
_INTERVAL = 0.1


def read(folder: str) -> str | None:
    """Return the id of a storage folder, or None if it has none.

    :raises OSError: the file cannot be read
    """
    try:
        found = jsonutils.loads(strange_files.read(
            os.path.join(folder, FILE), _LIMIT))
        identity = str(found['id'])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        # Another program has written to it: this is not the known folder.
        return None
    return identity if uuidutils.is_uuid_like(identity) else None


def create(folder: str) -> str | None:
    """Give a folder an id unless it has one, and return the one that it has.

    Other hosts may do the same at the same time.

    :returns: None if it is not known yet
    :raises OSError: the file cannot be read or written
    """
    path = os.path.join(folder, FILE)
    content = jsonutils.dumps({'id': uuidutils.generate_uuid()})
    try:
        files.create_atomically(path, content)
    except FileExistsError:
        # Another host may be about to write the rest.
        deadline = time.monotonic() + _PATIENCE
        while read(folder) is None and time.monotonic() < deadline:
            time.sleep(_INTERVAL)
        if read(folder) is None:
            files.write_atomically(path, content)
    return read(folder)


class KnownFolders:
    """The names and ids of the storage folders that this host has used.

    :param path: of the file that remembers them
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def load(self) -> dict[str, str]:
        """Return the ids of all known folders by their names.

        :raises InvalidConfiguration: the file is damaged
        """
        try:
            found = jsonutils.loads(files.read(self._path))
            return {str(name): str(identity)
                    for name, identity in dict(found).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            raise exception.InvalidConfiguration(
                'The file %s cannot be read.' % self._path,
                'It says which storage folders are known: %s.' % error,
                'Plug in all drives and mount all folders, remove the file, '
                'and start nova-compute again.') from error

    def add(self, name: str, identity: str) -> None:
        """Remember a folder.

        :raises OSError: the file cannot be written
        """
        if self.load().get(name) == identity:
            return
        # A command may remember another one at this moment.
        with lockutils.lock('vmrun-known-storage', external=True,
                            lock_path=os.path.join(
                                os.path.dirname(self._path), 'locks')):
            files.write_atomically(
                self._path, jsonutils.dumps({**self.load(), name: identity}))


def known_of(instances_path: str) -> KnownFolders:
    """Return the folders that the host with an instances_path has used."""
    return KnownFolders(layout.Layout(instances_path, '').known_storage())


def adopt(folder: str, name: str, known: KnownFolders) -> str | None:
    """Return the id of a folder, and give it one if it is new.

    :param name: of the folder in nova.conf
    :returns: None if this is not the folder that the host knows by that name:
        its drive is not there
    :raises OSError: a file cannot be read or written
    """
    found, expected = read(folder), known.load().get(name)
    if expected is not None:
        return expected if found == expected else None
    if found is None:
        found = create(folder)
    if found is not None:
        known.add(name, found)
    return found
