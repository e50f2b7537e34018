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

    :param token_id: of the last token that was made for it
    :param token_key: the token's public key, or '' once it is of no use
    :param expires: when the token expires; seconds since 1970
    :param first_port: the first of its ports, or 0 before it joins
    :param node_key: public key of its tunnel, or '' before it joins
    :param move_key: public key with which it sends servers to others
    :param host_key: public key of its own sshd
    :param user: who runs nova-compute on it
    :param address: from which it was last connected
    :param nova: version of Nova
    :param nova_vmrun: version of nova-vmrun
    :param joined: when it joined last; seconds since 1970, or 0
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
