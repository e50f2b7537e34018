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
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import accounts
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import sessions
from nova_vmrun import exception
from nova_vmrun.formats import words

_SHOWN = 5
# Deleted, but can be restored for a while.
_SOFT_DELETED = 'SOFT_DELETED'


def leave(layout: aio_layout.Layout, settings: aio_settings.Settings,
          name: str, insists: bool = False) -> None:
    """Remove a node that has no servers. It can be repeated.

    :param insists: do so although it may run VMs that were evacuated; the
        operator says that the machine is permanently off or erased
    :raises AioError: there is no such node, or it has servers, or takes part
        in moves of servers, or has not removed what was evacuated from it
    """
    node = registry.load(layout).node(name)
    if node.has_joined:
        nova = cloud.connect(layout, settings)
        with _leaving(layout, settings, name):
            with _closed(nova, name):
                # All that Nova itself would refuse later.
                require_empty(nova, name)
                require_no_moves(nova, name)
                if not insists:
                    require_no_evacuations(nova, name)
            with _half_left(name):
                # First, so that its nova-compute cannot register again.
                accounts.remove(layout, settings, name)
                nova.forget(name)
    with registry.change(layout, settings) as known:
        if name in known.nodes:
            if known.nodes[name].has_joined and not node.has_joined:
                raise errors.AioError(
                    'Node %s has joined meanwhile.' % name,
                    known.nodes[name].history, 'Repeat the command.')
            known.remove(name)
    if node.has_joined:
        sessions.end_others(layout, settings, known)


@contextlib.contextmanager
def _leaving(layout: aio_layout.Layout, settings: aio_settings.Settings,
             name: str) -> Iterator[None]:
    """Let the node make no new accounts, unless the block fails."""
    _mark(layout, settings, name, True)
    try:
        yield
    except BaseException:
        _mark(layout, settings, name, False)
        raise


def _mark(layout: aio_layout.Layout, settings: aio_settings.Settings,
          name: str, leaving: bool) -> None:
    with registry.change(layout, settings) as known:
        if name in known.nodes:
            known.nodes[name].leaving = leaving


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


@contextlib.contextmanager
def _half_left(name: str) -> Iterator[None]:
    """Say what to do if the block fails."""
    try:
        yield
    except exception.VmrunError as error:
        raise errors.AioError(
            'Node %s has not left yet, but its accounts may be removed '
            'already.' % name, ' '.join(filter(None, (
                error.brief, error.details, error.resolution))),
            'Then run "nova-vmrun node leave %s" again. To keep the node '
            'instead, run "nova-vmrun node join" on it, and here "nova-vmrun '
            'node drain %s --undo".' % (name, name)) from error


def require_empty(nova: cloud.Cloud, name: str) -> None:
    """Raise an error if a node has servers.

    :raises AioError:
    """
    servers = nova.servers(name)
    if servers:
        raise errors.AioError(
            'Node %s has %s.' % (name, words.counted(len(servers), 'server')),
            _list([_with_deletion(server) for server in servers[:_SHOWN]],
                  len(servers)),
            'Move them with "nova-vmrun node drain %s", or delete them%s.' % (
                name, ', with "openstack server delete --force ID" if they '
                'are %s' % _SOFT_DELETED if any(
                    server.status == _SOFT_DELETED for server in servers)
                else ''))


def _with_deletion(server: Any) -> str:
    return '%s (%s%s)' % (
        server.name, server.id, ', ' + _SOFT_DELETED
        if server.status == _SOFT_DELETED else '')


def require_no_moves(nova: cloud.Cloud, name: str) -> None:
    """Raise an error if servers move from or to a node, or may come back.

    Until a move is confirmed or reverted, both nodes have to do with it.

    :raises AioError:
    """
    moves = nova.moves(name)
    if moves:
        raise errors.AioError(
            'Node %s takes part in %s of servers.' % (
                name, words.counted(len(moves), 'move')),
            _list([_described(nova, move) for move in moves[:_SHOWN]],
                  len(moves)),
            'Confirm or revert those that wait with "openstack server resize '
            'confirm ID" or "openstack server resize revert ID", or let '
            '"nova-vmrun node drain %s" confirm them. Let the others end.'
            % name)


def require_no_evacuations(nova: cloud.Cloud, name: str) -> None:
    """Raise an error if a node may run VMs of servers that others have.

    When it comes back, nothing would tell it to stop them.

    :raises AioError:
    """
    uuids = list(dict.fromkeys(
        move.server_id for move in nova.evacuations(name)))
    if uuids:
        raise errors.AioError(
            'Node %s may still run %s that Nova has elsewhere since '
            'evacuations.' % (name, words.counted(len(uuids), 'server')),
            '%s If it still runs their VMs, those may write to disks that '
            'other nodes use.' % _list(
                [_named(nova, uuid) for uuid in uuids[:_SHOWN]], len(uuids)),
            'If the machine is there, start the node again, such as by '
            '"systemctl --user restart nova-vmrun-node-%s" on it: when its '
            'nova-compute starts, it stops and removes them. If the machine '
            'is permanently off or erased, run "nova-vmrun node leave %s '
            '--insist" on the first machine.' % (name, name))


def _named(nova: cloud.Cloud, uuid: str) -> str:
    server = nova.server(uuid)
    return uuid if server is None else '%s (%s)' % (server.name, uuid)


def _described(nova: cloud.Cloud, move: Any) -> str:
    status = 'waits' if move.status == 'finished' else move.status
    server = nova.server(move.server_id)
    if server is None:
        return '%s (%s)' % (move.server_id, status)
    return '%s (%s, %s)' % (server.name, server.id, status)


def _list(shown: list[str], total: int) -> str:
    more = total - len(shown)
    return 'They are: %s%s.' % (
        ', '.join(shown), ' and %d more' % more if more else '')
