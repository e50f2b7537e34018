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

"""What a node remembers about the cloud that it has joined."""

import dataclasses
import json

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster import ports as cluster_ports


@dataclasses.dataclass(frozen=True)
class Membership:
    """A node's place in its cloud. It holds no secret.

    :ivar name: of the node, and of its compute host in Nova
    :ivar user: whom the first machine's gateway lets in
    :ivar addresses: at which the gateway may be reached
    :ivar port: TCP port of the gateway
    :ivar services: TCP port of each service of the first machine, the same
        on this machine
    :ivar first_port: of the node's own ports
    :ivar knobs: variables of the fake VMware, if it is used
    """

    name: str
    user: str
    addresses: list[str]
    port: int
    services: dict[str, int]
    first_port: int
    knobs: dict[str, str]

    @property
    def ports(self) -> cluster_ports.Range:
        """The node's own ports."""
        return cluster_ports.Range(self.first_port)

    def save(self, layout: aio_layout.Layout) -> None:
        """Remember it.

        :raises AioError: it cannot be written
        """
        aio_settings.write_private(
            node_files.Files(layout).membership,
            json.dumps(dataclasses.asdict(self), indent=2) + '\n')


def load(layout: aio_layout.Layout) -> Membership | None:
    """Return what was saved, or None if this is no node.

    :raises AioError: the file is damaged
    """
    path = node_files.Files(layout).membership
    try:
        return Membership(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise errors.AioError(
            '%s is damaged.' % path, '%s.' % error,
            'Remove it, and run "nova-vmrun node join" again.') from error


def require(layout: aio_layout.Layout) -> Membership:
    """Return what was saved.

    :raises AioError: this is no node
    """
    found = load(layout)
    if found is None:
        raise errors.AioError(
            'There is no node in %s.' % layout.root, '',
            'Make it one with "nova-vmrun node join", or name its directory '
            'with --state-dir.')
    return found
