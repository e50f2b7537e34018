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

"""Marks of servers whose guests have frozen file systems for us.

VMware does not know about it, and a guest that nobody thaws can no longer
write. So the mark is written before the freeze, and names the VM's process: a
guest that was started since is not frozen.
"""

import contextlib
import os

from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import process_identity
from nova_vmrun.server import vm_process


class FreezeMarks:
    """The marks, one file in each server's folder."""

    def __init__(self, layout: layout_module.Layout) -> None:
        self._layout = layout

    def mark(self, uuid: str) -> None:
        """Record that the guest of a server is about to be frozen."""
        identity = vm_process.identity(self._layout.vmx(uuid))
        files.write_atomically(self._layout.frozen(uuid),
                               jsonutils.dumps(identity))

    def unmark(self, uuid: str) -> None:
        """Record that the guest is not frozen."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._layout.frozen(uuid))

    def is_marked(self, uuid: str) -> bool:
        """Return whether the guest of the present VM may be frozen."""
        try:
            pid, birth = jsonutils.loads(
                files.read(self._layout.frozen(uuid)))
        except (FileNotFoundError, ValueError, TypeError):
            return False
        now = vm_process.identity(self._layout.vmx(uuid))
        return process_identity.is_same(pid, birth) and (
            now is None or now[0] == pid)
