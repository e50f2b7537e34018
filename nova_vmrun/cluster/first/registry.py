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

"""The nodes of a cloud, as the first machine knows them.

Each change also writes the files by which the gateway decides who may log in,
so a node that is not in the registry cannot.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import fcntl
import json
import os

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import authorized_keys
from nova_vmrun.cluster.first import node as first_node
from nova_vmrun.cluster import ports as cluster_ports
from nova_vmrun.host import ports as host_ports

Node = first_node.Node


@dataclasses.dataclass
class Registry:
    """All nodes, by name, and the keys of those that have left."""

    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    revoked: list[str] = dataclasses.field(default_factory=list)

    def node(self, name: str) -> Node:
        """Return a node.

        :raises AioError: there is none of that name
        """
        if name not in self.nodes:
            raise errors.AioError(
                'There is no node %.100r.' % name,
                'The nodes are: %s.' % (', '.join(sorted(self.nodes))
                                        or 'none'),
                'See "nova-vmrun node list".')
        return self.nodes[name]

    def by_token(self, token_id: str) -> Node | None:
        """Return the node that a token is for, if the token is the last."""
        return next((node for node in self.nodes.values()
                     if node.token_id == token_id), None)

    def free_range(self) -> cluster_ports.Range:
        """Return ports that no node has, and nobody uses on this machine.

        :raises AioError: there are none
        """
        taken = {node.first_port for node in self.nodes.values()}
        for first in cluster_ports.candidates():
            found = cluster_ports.Range(first)
            if first not in taken and all(map(_is_free, found.all)):
                return found
        raise errors.AioError(
            'There are no ports left for another node.',
            'Each has %d.' % cluster_ports.COUNT,
            'Remove nodes that are gone with "nova-vmrun node leave NAME".')

    def replace_move_key(self, node: Node, key: str) -> None:
        """Give a node another key with which it sends servers.

        The certificate of the old one never expires, so revoke that key.
        """
        if node.move_key and node.move_key != key:
            self.revoked.append(node.move_key)
        node.move_key = key

    def remove(self, name: str) -> None:
        """Forget a node, and let none of its keys in again."""
        node = self.nodes.pop(name)
        self.revoked += [key for key in (node.token_key, node.node_key,
                                         node.move_key) if key]


def _is_free(port: int) -> bool:
    try:
        host_ports.require_free(aio_settings.ADDRESS, port)
    except OSError:
        return False
    return True


def load(layout: aio_layout.Layout) -> Registry:
    """Read the registry.

    :raises AioError: it is damaged
    """
    path = gateway_files.Files(layout).registry
    try:
        found = json.loads(path.read_text())
        return Registry(
            {name: Node(**values) for name, values in found['nodes'].items()},
            list(found['revoked']))
    except FileNotFoundError:
        return Registry()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.AioError(
            '%s is damaged.' % path, '%s.' % error,
            'Restore it. Without it, no node can log in.') from error


@contextlib.contextmanager
def change(layout: aio_layout.Layout, settings: aio_settings.Settings
           ) -> Iterator[Registry]:
    """Yield the registry, and write it if the block succeeds.

    Other processes that change it wait.

    :raises AioError: it is damaged, or cannot be written
    """
    files = gateway_files.Files(layout)
    descriptor = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        registry = load(layout)
        yield registry
        aio_settings.write_private(files.registry, json.dumps(
            dataclasses.asdict(registry), indent=2) + '\n')
        write_keys(layout, settings, registry)
    finally:
        os.close(descriptor)


def note_address(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 name: str, address: str) -> None:
    """Remember from where a node comes, if that has changed.

    :raises AioError: there is no such node, or the registry cannot be used
    """
    if load(layout).node(name).address != address:
        with change(layout, settings) as known:
            known.node(name).address = address


def write_keys(layout: aio_layout.Layout, settings: aio_settings.Settings,
               registry: Registry) -> None:
    """Write the files by which the gateway decides who may log in."""
    files = gateway_files.Files(layout)
    aio_settings.write_private(files.revoked_keys, ''.join(
        key + '\n' for key in registry.revoked))
    aio_settings.write_private(files.authorized_keys, authorized_keys.text(
        layout, settings, list(registry.nodes.values())))
