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

"""The table of a cloud's nodes."""

import time
from typing import Any

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import registry


def rows(layout: aio_layout.Layout, settings: aio_settings.Settings,
         nova: cloud.Cloud | None = None
         ) -> list[tuple[str, str, str, int, str, str, str, str]]:
    """Return a row for each node: the first machine, then the others by name.

    A row has the node's name, its state, whether it takes new servers, how
    many it has, from where it was last connected, the versions, and its
    ports.

    :raises AioError: Nova does not answer
    """
    nova = nova or cloud.connect(layout, settings)
    services = nova.services()
    nodes = registry.load(layout).nodes
    names = [name for name in services if name not in nodes]
    found = []
    for name in [*sorted(names), *sorted(nodes)]:
        node = nodes.get(name, registry.Node(name))
        service = services.get(name)
        ports = node.ports.all if node.first_port else None
        found.append((
            name, _state(node, service),
            service.status if service else '',
            len(nova.servers(name)) if service else 0, node.address,
            node.nova, node.nova_vmrun,
            '%d-%d' % (ports[0], ports[-1]) if ports else ''))
    return found


def _state(node: registry.Node, service: Any) -> str:
    if service is not None:
        return ('fenced' if service.is_forced_down else str(service.state))
    if node.has_joined:
        return 'joining'
    return ('invited' if node.expires > time.time() else 'token expired')
