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

"""The QEMU guest agents of this host's servers, by server.

A server has one if its image has hw_qemu_guest_agent: VMware then creates a
Unix socket in the server's folder when the VM starts. A socket without a VM
behind it refuses connections, so it does no harm.
"""

import os
import threading

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vm_process
from nova_vmrun.tools import guest_agent

LOG = logging.getLogger(__name__)


class GuestAgents:
    """Finds the agents, and remembers which of them do not answer."""

    def __init__(self, layout: layout_module.Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._agents: dict[str, guest_agent.GuestAgent] = {}

    def of(self, uuid: str) -> guest_agent.GuestAgent | None:
        """Return the agent of a server that runs with a port for it.

        :returns: None if there is no port: the image does not want one, or
            the VM was started before it did
        """
        agent = self._agent(uuid)
        return agent if agent.has_port() else None

    def check(self, uuid: str) -> None:
        """Raise an error if a server cannot have a port for an agent.

        :raises InvalidConfiguration: its path would be too long
        """
        paths.require_socket(self._layout.agent_socket(uuid), 'guest agents',
                             'an image without hw_qemu_guest_agent')

    def socket(self, uuid: str) -> str | None:
        """Return the path for a server's port, or None if it is too long."""
        try:
            self.check(uuid)
        except exception.InvalidConfiguration as error:
            LOG.warning('Server %s gets no port for a guest agent: %s', uuid,
                        error)
            return None
        return self._layout.agent_socket(uuid)

    def before_start(self, uuid: str) -> None:
        """Remove the socket of an earlier start, unless the VM is on."""
        if not vm_process.is_locked(self._layout.folder(uuid)):
            files.remove_socket(self._layout.agent_socket(uuid))
        self._agent(uuid).forget_silence()

    def _agent(self, uuid: str) -> guest_agent.GuestAgent:
        with self._lock:
            agent = self._agents.get(uuid)
            if agent is None:
                self._agents = {
                    each: known for each, known in self._agents.items()
                    if os.path.isdir(self._layout.folder(each))}
                agent = self._agents[uuid] = guest_agent.GuestAgent(
                    self._layout.agent_socket(uuid))
            return agent
