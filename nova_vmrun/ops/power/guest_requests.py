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

"""What power operations ask the QEMU guest agent of a server to do.

Nothing here fails: without an agent, VMware Tools or the host itself do the
same in another way.
"""

import time

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.server import guest_agents as guest_agents_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.tools import guest_agent

LOG = logging.getLogger(__name__)


class GuestRequests:
    """Requests to the agents; each is bounded in time."""

    def __init__(self, guest_agents: guest_agents_module.GuestAgents,
                 layout: layout_module.Layout,
                 power_states: states.PowerStates) -> None:
        self._guest_agents = guest_agents
        self._layout = layout
        self._states = power_states

    def shut_down(self, uuid: str) -> bool:
        """Ask the guest to shut down, and return whether it was asked."""
        agent = self._agent(uuid)
        if agent is None:
            return False
        try:
            agent.shut_down()
        except exception.VmrunError as error:
            LOG.info('Cannot ask the guest agent of server %s to shut it '
                     'down: %s', uuid, error)
            return False
        self._states.changed()
        return True

    def set_clock(self, uuid: str) -> None:
        """Set the clock of a guest that stood still, if it has an agent."""
        agent = self._agent(uuid)
        if agent is None:
            return
        try:
            agent.set_time(time.time_ns())
        except exception.VmrunError as error:
            LOG.info('The clock of server %s was not set: %s', uuid, error)

    def _agent(self, uuid: str) -> guest_agent.GuestAgent | None:
        """Return the agent, unless its guest certainly does not run."""
        process = vm_process.identity(self._layout.vmx(uuid))
        if process and self._states.marks_paused(uuid, process):
            return None
        return self._guest_agents.of(uuid)
