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

"""The range of TCP ports that each node has, the same on both ends."""

import dataclasses

# VNC consoles of the node's servers, their serial consoles, and its sshd.
COUNT = 100
# Below the ports that systems use for outgoing connections, and beside those
# of VNC and of Nova's serial consoles.
_FIRST, _LAST = 20100, 32700


@dataclasses.dataclass(frozen=True)
class Range:
    """The ports of one node, on its loopback and on the first machine's."""

    first: int

    @property
    def all(self) -> range:
        """All of them."""
        return range(self.first, self.first + COUNT)

    @property
    def ssh(self) -> int:
        """The port of the node's own sshd, which receives servers."""
        return self.first + COUNT - 1

    @property
    def serial(self) -> str:
        """The one port of serial consoles, as [serial_console] has it."""
        return '%d:%d' % (self.ssh - 1, self.ssh - 1)

    @property
    def vnc(self) -> str:
        """The ports of VNC consoles, as [vmrun] vnc_port_range has them."""
        return '%d:%d' % (self.first, self.first + COUNT - 3)


def candidates() -> range:
    """Return the first port of each possible range, one for each node."""
    return range(_FIRST, _LAST - COUNT + 2, COUNT)
