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

"""The images that compute nodes need, in a storage folder that they share.

Each node writes a list of the images that its servers were built from. An
image that no node lists can be removed from the cache.
"""

from collections.abc import Collection
import os

from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import server_folders

_PREFIX, _END = 'images-', '.json'
_MAX_LIST = 16 << 20


class NodeImages:
    """The lists in one storage folder.

    :param layout: of the storage folder
    :param compute_id: of this node
    """

    def __init__(self, layout: layouts.Layout, compute_id: str) -> None:
        self._layout = layout
        self._compute_id = compute_id

    def write(self, image_ids: Collection[str]) -> None:
        """Write the list of this node.

        :raises OSError: it cannot be written
        """
        path = self._path(self._compute_id)
        content = jsonutils.dumps(sorted(image_ids)).encode()
        try:
            is_same = strange_files.read(path, _MAX_LIST) == content
        except OSError:
            is_same = False
        if not is_same:
            files.write_atomically(path, content)

    def of_all(self) -> set[str]:
        """Return the images of all nodes that have disks in the folder.

        :raises RecordUnreadable: a node has written no list
        :raises OSError: a list cannot be read
        """
        owners = {server_folders.owner(path) for _uuid, path
                  in server_folders.find(self._layout.root)
                  } - {None, server_folders.UNKNOWN}
        owners |= {name.removeprefix(_PREFIX).removesuffix(_END)
                   for name in os.listdir(self._layout.locks)
                   if name.startswith(_PREFIX) and name.endswith(_END)}
        found: set[str] = set()
        for compute_id in owners:
            try:
                found |= set(map(str, jsonutils.loads(
                    strange_files.read(self._path(str(compute_id)),
                                       _MAX_LIST))))
            except (FileNotFoundError, ValueError, TypeError,
                    RecursionError) as error:
                raise exception.RecordUnreadable(
                    'It is not known which images the compute node %s uses '
                    'in %s.' % (compute_id, self._layout.root),
                    'Its list cannot be read: %s.' % error,
                    'Start nova-compute there, or remove its disks.'
                ) from error
        return found

    def _path(self, compute_id: str) -> str:
        return os.path.join(self._layout.locks,
                            _PREFIX + os.path.basename(compute_id) + _END)
