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

"""Whether the hardware of a VM can be changed: VMware must not have it open.

No program is run: the locks of VMware and its processes say enough.
"""

from collections import abc
import time

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.ops import parts
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

# A VM that has just been stopped closes its files a little later.
_CLOSE_SECONDS = 3
_POLL_SECONDS = 0.2


class StoppedServers:
    """Refuses changes of servers that are not stopped.

    :param sleep: waits some seconds; tests replace it
    """

    def __init__(self, servers: parts.Servers,
                 sleep: abc.Callable[[float], None] = time.sleep) -> None:
        self._layout = servers.layout
        self._vmx_files = servers.vmx_files
        self._sleep = sleep

    def is_off(self, uuid: str) -> bool:
        """Return whether a VM is neither on nor suspended."""
        return not self._reason(uuid, self._load(uuid))

    def is_on(self, uuid: str) -> bool:
        """Return whether a VM is running or paused."""
        return vm_process.is_in_use(self._layout.vmx(uuid))

    def is_suspended(self, uuid: str) -> bool:
        return not self.is_on(uuid) and bool(self._load(uuid).get(vmx.MEMORY))

    def wait_until_closed(self, uuid: str) -> None:
        """Wait for a VM that is stopping; do not wait long for others."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        path = self._layout.vmx(uuid)
        while (vm_process.is_open(path) and not vm_process.is_in_use(path) and
               time.monotonic() < deadline):
            self._sleep(_POLL_SECONDS)

    def require(self, file: vmx_file.OpenVmx, brief: str) -> None:
        """Raise an error unless a server is stopped.

        :param brief: what cannot be done
        :raises NotStopped: it is on or suspended, or open in a window
        """
        keys = file.keys if file.exists() else vmx.Vmx()
        reason = self._reason(file.uuid, keys)
        if reason:
            raise exception.NotStopped(
                brief, reason, 'Stop the server first: VMware changes the '
                'hardware of a VM only while the VM is off.')
        self.require_closed(file.uuid, brief)

    def require_closed(self, uuid: str, brief: str) -> None:
        """Raise an error if VMware has a stopped VM open.

        :param brief: what cannot be done
        :raises NotStopped: it is open in a window
        """
        if vm_process.is_open(self._layout.vmx(uuid)):
            raise exception.NotStopped(
                brief, 'It is open in a VMware window, which would overwrite '
                'the new .vmx.', 'Close the tab of the VM in the window.')

    def _reason(self, uuid: str, keys: vmx.Vmx) -> str:
        """Return why a VM is not off, or an empty text."""
        if self.is_on(uuid):
            return 'It is running.'
        return 'It is suspended.' if keys.get(vmx.MEMORY) else ''

    def _load(self, uuid: str) -> vmx.Vmx:
        try:
            return self._vmx_files.load(uuid)
        except (exception.VmNotFound, exception.InvalidVmx):
            return vmx.Vmx()
