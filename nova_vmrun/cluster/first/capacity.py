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

"""How many nodes a control plane can have: none without a bus."""

from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster import names
from nova_vmrun.cluster import ports

# The measurement is in doc/source/growing.rst.
SQLITE_NODES = 100
# Each has ports of its own on the first machine.
NODES = len(ports.candidates())


def require_bus(settings: aio_settings.Settings) -> None:
    """Raise an error if a control plane cannot have nodes at all.

    :raises AioError: it has no message bus
    """
    if not settings.bus:
        raise errors.AioError(
            'This cloud has no message bus, so it cannot have nodes.',
            'All of its Nova runs in one process.',
            'Run "nova-vmrun aio down" and "nova-vmrun aio up --bus".')


def require_possible(settings: aio_settings.Settings, name: str) -> None:
    """Raise an error if a control plane cannot have a node of a name.

    :raises AioError: it has no message bus, or the name cannot be a node's
    """
    require_bus(settings)
    names.check(name)
    if name == settings.host.lower():
        raise errors.AioError(
            'There cannot be a second node %s.' % name,
            'It is the name of this machine.', 'Choose another name.')


def require(settings: aio_settings.Settings, known: registry.Registry,
            name: str) -> None:
    """Raise an error if there is no room for a node.

    Tokens that nobody has used do not count, and who is in stays in.

    :param name: of the node
    :raises AioError: there are too many others for SQLite, or for the ports
        of the first machine
    """
    joined = {node.name for node in known.nodes.values() if node.has_joined}
    if name in joined:
        return
    if len(joined) >= NODES:
        raise errors.AioError(
            'This cloud has no room for the node %s.' % name,
            'Each node has %d ports of the first machine, which are enough '
            'for %d nodes, and it has %d.' % (ports.COUNT, NODES, len(joined)),
            'Remove nodes that are gone with "nova-vmrun node leave NAME", or '
            'make another cloud.')
    if settings.database or len(joined) < SQLITE_NODES:
        return
    raise errors.AioError(
        'This cloud has no room for the node %s.' % name,
        'Its databases are SQLite, which is used for up to %d nodes, and it '
        'has %d.' % (SQLITE_NODES, len(joined)),
        'Make a control plane whose databases are on a server, with '
        '"nova-vmrun aio up --bus --database URL", or remove nodes with '
        '"nova-vmrun node leave NAME".')
