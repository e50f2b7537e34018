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

"""Remove a node: its service, its accounts, its keys and its connections."""

from collections.abc import Iterator
import contextlib

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import accounts
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import registry
from nova_vmrun import exception

# Seconds that a connection has to end.
_TIMEOUT = 5
_SHOWN = 5


def leave(layout: aio_layout.Layout, settings: aio_settings.Settings,
          name: str) -> None:
    """Remove a node that has no servers. It can be repeated.

    :raises AioError: there is no such node, or it has servers
    """
    node = registry.load(layout).node(name)
    if node.has_joined:
        nova = cloud.connect(layout, settings)
        with _closed(nova, name):
            require_empty(nova, name)
            # First, so that its nova-compute cannot register again.
            accounts.remove(layout, settings, name)
            nova.forget(name)
    with registry.change(layout, settings) as known:
        if name in known.nodes:
            known.remove(name)
    if node.has_joined:
        end_tunnel(node)


@contextlib.contextmanager
def _closed(nova: cloud.Cloud, name: str) -> Iterator[None]:
    """Let no new servers in, until the block fails."""
    service = nova.services().get(name)
    was_open = service is not None and service.status != 'disabled'
    if was_open:
        nova.set_disabled(name, 'leaving')
    try:
        yield
    except exception.VmrunError:
        if was_open:
            nova.set_disabled(name, '')
        raise


def require_empty(nova: cloud.Cloud, name: str) -> None:
    """Raise an error if a node has servers.

    :raises AioError:
    """
    servers = nova.servers(name)
    if servers:
        shown = ', '.join('%s (%s)' % (server.name, server.id)
                          for server in servers[:_SHOWN])
        more = len(servers) - _SHOWN
        raise errors.AioError(
            'Node %s has %d servers.' % (name, len(servers)),
            'They are: %s%s.' % (
                shown, ' and %d more' % more if more > 0 else ''),
            'Move them with "nova-vmrun node drain %s", or delete them.'
            % name)


def end_tunnel(node: registry.Node) -> None:
    """End the connection that has a node's ports on this machine.

    Its key does not let it in again.
    """
    ports = set(node.ports.all)
    try:
        found = psutil.net_connections(kind='tcp')
    except psutil.Error:
        # macOS shows root alone the connections of others; ours end when the
        # node's nova-compute can no longer log in.
        return
    processes.end(
        {each.pid for each in found
         if each.pid and each.status == psutil.CONN_LISTEN and each.laddr
         and each.laddr.port in ports and _is_sshd(each.pid)}, _TIMEOUT)


def _is_sshd(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == 'sshd'
    except psutil.Error:
        return False
