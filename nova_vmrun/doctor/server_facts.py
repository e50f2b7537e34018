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

"""What a cloud's APIs say about a server that is not as its user wants it."""

from collections.abc import Mapping
import dataclasses

from nova_vmrun.aio import providers


@dataclasses.dataclass(frozen=True)
class Server:
    """A server, as Nova shows it to its owner.

    :ivar fault: Nova's message; empty if there is none
    :ivar resources: what its flavor needs, by Placement's resource class
    :ivar image_properties: of its image, as far as Nova knows their names
    :ivar extra_specs: of its flavor; empty if Nova does not show them
    :ivar addresses: that Neutron has given it
    :ivar age: seconds since it was created
    :ivar host: its host, which Nova shows to administrators only; else empty
    """

    id: str
    name: str
    status: str
    task_state: str = ''
    fault: str = ''
    resources: tuple[tuple[str, int], ...] = ()
    image_properties: Mapping[str, str] = dataclasses.field(
        default_factory=dict)
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    age: float = 0
    host: str = ''


@dataclasses.dataclass(frozen=True)
class Action:
    """The last thing that was done to a server.

    :ivar name: such as create or reboot
    :ivar has_failed: whether it ended with an error
    :ivar message: of Nova; often empty
    :ivar details: the reason, which Nova shows to administrators only
    :ivar age: seconds since it began
    """

    name: str
    has_failed: bool
    message: str = ''
    details: str = ''
    age: float = 0


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a server.

    :ivar network: name
    :ivar is_shared: whether all projects can use the network
    :ivar addresses: fixed ones
    :ivar vif_type: which Neutron shows to administrators only; else empty
    :ivar neighbours: other servers with a port on that network
    :ivar hosts: of those servers, which Neutron shows to administrators only
    :ivar host: that it is bound to, and
    :ivar is_local: whether its network is of type local, which Neutron shows
        to administrators only
    """

    id: str
    network: str
    is_shared: bool = True
    addresses: tuple[str, ...] = ()
    vif_type: str = ''
    neighbours: int = 0
    hosts: tuple[str, ...] = ()
    host: str = ''
    is_local: bool = False


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why the mechanism driver has not bound a port of a server.

    :ivar host: on which
    :ivar reason: a sentence without its beginning
    :ivar hosts: those that have the port's network, if that is why
    """

    host: str
    reason: str
    hosts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Facts:
    """Everything that is known about a server.

    :ivar ports: None: Neutron does not say
    :ivar console: what the guest has printed; None: Nova does not say
    :ivar nodes: the compute nodes in Placement; None: it only tells
        administrators
    :ivar instances: folder of the servers, if it is on this machine
    :ivar logged: what the driver has logged about it last, if its log is on
        this machine
    :ivar refusal: of its port, if Neutron's log is on this machine
    """

    server: Server
    action: Action | None = None
    ports: tuple[Port, ...] | None = None
    console: str | None = None
    nodes: tuple[providers.Provider, ...] | None = None
    instances: str | None = None
    logged: str = ''
    refusal: Refusal | None = None
