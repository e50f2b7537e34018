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

from oslo_serialization import jsonutils
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import layout

FILE = 'nova-vmrun-storage.json'


def read(folder: str) -> str | None:
    """Return the id of a storage folder, or None if it has none.

    :raises OSError: the file cannot be read
    """
    try:
        found = jsonutils.loads(files.read(os.path.join(folder, FILE)))
        identity = str(found['id'])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        # Another program has written to it: this is not the known folder.
        return None
    return identity if uuidutils.is_uuid_like(identity) else None


def create(folder: str) -> str:
    """Give a folder an id, and return it.

    :raises OSError: the file cannot be written
    """
    identity = uuidutils.generate_uuid()
    files.write_atomically(os.path.join(folder, FILE),
                           jsonutils.dumps({'id': identity}))
    return identity


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
        known = self.load()
        if known.get(name) != identity:
            files.write_atomically(
                self._path, jsonutils.dumps({**known, name: identity}))


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
    known.add(name, found)
    return found
