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

"""One node, as the first machine knows it."""

import dataclasses
import time

from nova_vmrun.cluster import ports


@dataclasses.dataclass
class Node:
    """A machine that is, or may become, a node.

    :ivar token_id: of the last token that was made for it
    :ivar token_key: the token's public key, or '' once it is of no use
    :ivar expires: when the token expires; seconds since 1970
    :ivar first_port: the first of its ports, or 0 before it joins
    :ivar node_key: public key of its tunnel, or '' before it joins
    :ivar move_key: public key with which it sends servers to others
    :ivar host_key: public key of its own sshd
    :ivar user: who runs nova-compute on it
    :ivar address: from which it was last connected
    :ivar nova: version of Nova
    :ivar nova_vmrun: version of nova-vmrun
    :ivar joined: when it joined last; seconds since 1970, or 0
    :ivar leaving: whether its accounts are being removed
    """

    name: str
    token_id: str = ''
    token_key: str = ''
    expires: int = 0
    first_port: int = 0
    node_key: str = ''
    move_key: str = ''
    host_key: str = ''
    user: str = ''
    address: str = ''
    nova: str = ''
    nova_vmrun: str = ''
    joined: int = 0
    leaving: bool = False

    @property
    def has_joined(self) -> bool:
        """Whether it has been accepted, though perhaps never started."""
        return bool(self.node_key)

    @property
    def history(self) -> str:
        """A sentence that says when it joined, and from where it comes."""
        return 'It was last connected from %s, and joined at %s.' % (
            self.address, time.strftime('%Y-%m-%d %H:%M',
                                        time.localtime(self.joined)))

    @property
    def ports(self) -> ports.Range:
        """Its ports, once it has joined."""
        return ports.Range(self.first_port)
