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

"""Whether a server is in rescue, and the files of the rescue.

A server in rescue has, beside its own files:

* the rescue medium, and the config drive of the rescue system: its record
  lists both among its disks
* ``<uuid>.vmx.rendered.unrescued``: the rendered copy, as it was
* ``<uuid>.nvram.unrescued``: what UEFI remembers, as it was
* ``<uuid>.vmx.unrescued``: the .vmx as it was. It is made last, and bringing
  it back ends the rescue.
"""

import os

from nova_vmrun.host import files
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layout_module


class RescueFiles:
    """The files of rescues."""

    def __init__(self, layout: layout_module.Layout,
                 disk_lists: disk_lists_module.DiskLists) -> None:
        self._layout = layout
        self._disk_lists = disk_lists

    def exist(self, uuid: str) -> bool:
        """Whether a server is in rescue."""
        return os.path.exists(_aside(self._layout.vmx(uuid)))

    def medium(self, uuid: str) -> disks.Disk | None:
        """Return what a server boots from, or None if it is not in rescue.

        :raises RecordUnreadable: its disk list was spoiled
        """
        if not self.exist(uuid):
            return None
        return self._disk_lists.find(uuid, disks.Origin.RESCUE)

    def begin(self, uuid: str) -> None:
        """Put the .vmx aside; the medium exists and is listed already."""
        vmx, nvram = self._layout.vmx(uuid), self._nvram(uuid)
        rendered = self._layout.rendered(uuid)
        _copy_aside(vmx)
        if os.path.exists(rendered):
            _copy_aside(rendered)
        # UEFI would go on booting from the disk that it remembers there.
        if os.path.exists(nvram):
            os.replace(nvram, _aside(nvram))

    def end(self, uuid: str) -> None:
        """Bring the .vmx back and remove what the rescue needed.

        Safe to repeat, and for a server that is not in rescue.

        :raises RecordUnreadable: its disk list was spoiled; the .vmx is back
        :raises OSError: a file cannot be removed
        """
        for path in (self._nvram(uuid), self._layout.rendered(uuid),
                     self._layout.vmx(uuid)):
            if os.path.exists(_aside(path)):
                os.replace(_aside(path), path)
        files.sync_folder(self._layout.folder(uuid))
        ended = [disk for disk in self._disk_lists.get(uuid)
                 if disk.origin in disks.OF_RESCUE]
        for disk in ended:
            self._remove(self._disk_lists.file(uuid, disk))
        self._disk_lists.remove(uuid, *ended)

    def _remove(self, path: str) -> None:
        if os.path.exists(path):
            os.remove(path)
        # A VM whose host lost power has left its lock.
        if os.path.isdir(path + '.lck'):
            files.remove_tree(path + '.lck')

    def _nvram(self, uuid: str) -> str:
        return os.path.splitext(self._layout.vmx(uuid))[0] + '.nvram'


def _copy_aside(path: str) -> None:
    with files.replacing(_aside(path)) as part:
        files.copy(path, part)
        os.chmod(part, 0o600)


def _aside(path: str) -> str:
    return path + '.unrescued'
