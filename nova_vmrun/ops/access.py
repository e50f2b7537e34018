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


"""The ways from a server to its user, beside the network."""

import dataclasses

from nova_vmrun.ops import consoles as vnc_consoles
from nova_vmrun.ops import guest_info as server_guest_info
from nova_vmrun.ops import serial_consoles as server_serial_consoles
from nova_vmrun.server import guest_agents as server_guest_agents


@dataclasses.dataclass(frozen=True)
class Access:
    """VNC and serial consoles, guest agents, and the data in the .vmx."""

    consoles: vnc_consoles.Consoles
    serial_consoles: server_serial_consoles.SerialConsoles
    guest_info: server_guest_info.GuestInfo
    guest_agents: server_guest_agents.GuestAgents
