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

"""The files of a rescue, which also show whether a server is in rescue.

A server in rescue has these files in addition to its own:

* the rescue medium and the config drive of the rescue system, which its record
  lists among its disks
* ``<uuid>.vmx.rendered.unrescued``: the rendered copy before the rescue
* ``<uuid>.nvram.unrescued``: the memory of UEFI before the rescue
* ``<uuid>.vmx.unrescued``: the .vmx before the rescue. It is created last, and
  restoring it ends the rescue.
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
        """Return whether a server is in rescue."""
        return os.path.exists(_aside(self._layout.vmx(uuid)))

    def medium(self, uuid: str) -> disks.Disk | None:
        """Return what a server boots from, or None if it is not in rescue.

        :raises RecordUnreadable: its disk list is damaged
        """
        if not self.exist(uuid):
            return None
        return self._disk_lists.find(uuid, disks.Origin.RESCUE)

    def begin(self, uuid: str) -> None:
        """Set the .vmx aside; the medium already exists and is listed."""
        vmx, nvram = self._layout.vmx(uuid), self._nvram(uuid)
        rendered = self._layout.rendered(uuid)
        _copy_aside(vmx)
        if os.path.exists(rendered):
            _copy_aside(rendered)
        # UEFI would still boot from the disk that it remembers there.
        if os.path.exists(nvram):
            os.replace(nvram, _aside(nvram))

    def end(self, uuid: str) -> None:
        """Restore the .vmx and remove the files of the rescue.

        Safe to repeat, and for a server that is not in rescue.

        :raises RecordUnreadable: its disk list is damaged, but its .vmx is
            restored
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
            files.remove_disk(self._disk_lists.file(uuid, disk))
        self._disk_lists.remove(uuid, *ended)

    def _nvram(self, uuid: str) -> str:
        return os.path.splitext(self._layout.vmx(uuid))[0] + '.nvram'


def _copy_aside(path: str) -> None:
    with files.replacing(_aside(path)) as part:
        files.copy(path, part)
        os.chmod(part, 0o600)


def _aside(path: str) -> str:
    return path + '.unrescued'
