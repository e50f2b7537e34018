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

"""What Nova says about hosts, and about servers evacuated from them."""

from collections import abc

from nova.compute import task_states
from nova.compute import vm_states
from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import compute_node
from nova.objects import fields
from nova.objects import instance as nova_instance
from nova.objects import migration
from nova.objects import service
from nova import utils
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# The host that an evacuation goes to has begun.
_BEGUN = 'pre-migrating'
# Nova has it on that host. It becomes "completed" when its source comes back,
# but so does one that has not ended.
_ARRIVED = 'done'
_COMPLETED = 'completed'
_DONE = (_ARRIVED, _COMPLETED)
_FAILED = ('failed', 'error', 'cancelled', 'reverted')
# That host does not run the server: Nova never sets this for an evacuation.
_ACKNOWLEDGED = 'cancelled'
# What a host acknowledges. It has failed, or may have.
_OPEN = ('failed', 'error', _COMPLETED)
# The source of such a move has removed the server's folder.
_REMOVED = ('confirmed', _COMPLETED)
# After such a move it is known which host has the server.
_SETTLED = (_ARRIVED, 'finished', 'confirmed')


def is_fenced(context: nova_context.RequestContext, host: str) -> bool:
    """Return whether an operator has said that a host is off.

    That is the forced_down of its compute service.
    """
    try:
        return bool(service.Service.get_by_compute_host(
            context, host).forced_down)
    except nova_exception.NotFound as error:
        LOG.debug('Host %s has no compute service: %s', host, error)
        return False


def host_of(context: nova_context.RequestContext,
            compute_id: str) -> str | None:
    """Return the name of the host of a compute node; None if unknown."""
    try:
        return str(compute_node.ComputeNode.get_by_uuid(
            context, compute_id).host)
    except nova_exception.NotFound as error:
        LOG.debug('Compute node %s is unknown: %s', compute_id, error)
        return None


def involving(context: nova_context.RequestContext,
              host: str) -> list[migration.Migration]:
    """Return the evacuations from and to a host, in their order.

    Include those that have failed or not ended, and those of servers that
    have been deleted since.
    """
    return _moves(context, {
        'host': host, 'migration_type': fields.MigrationType.EVACUATION})


def end_interrupted(context: nova_context.RequestContext, host: str) -> None:
    """Tell Nova about evacuations that ended with an earlier nova-compute.

    Those to a host whose nova-compute is starting are meant. Nova leaves them
    as if they went on. Those that the host has not begun are in its queue.
    """
    begun = [move for move in involving(context, host)
             if move.dest_compute == host and move.status == _BEGUN and
             not move.deleted]
    arrived = _on_host(context, host, {move.instance_uuid for move in begun})
    for move in begun:
        LOG.warning('The evacuation of server %s to this host ended with '
                    'nova-compute', move.instance_uuid)
        move.status = (_ARRIVED if move.instance_uuid in arrived
                       else 'failed')
        move.save()


def acknowledge(context: nova_context.RequestContext, host: str,
                moves: abc.Iterable[migration.Migration],
                alive: abc.Set[str], is_starting: bool) -> None:
    """Tell Nova which failed evacuations to a host have left no VM there.

    Until then other hosts may not start the servers.

    :param moves: what involving has returned
    :param alive: ids of servers whose VMs run on the host
    :param is_starting: whether its nova-compute is starting. Then it is not
        going on with any evacuation.
    """
    found = [move for move in moves
             if move.dest_compute == host and move.status in _OPEN and
             move.instance_uuid not in alive and not move.deleted]
    servers = {each.uuid: each for each in _servers(
        context, {move.instance_uuid for move in found})}
    for move in found:
        server = servers.get(move.instance_uuid)
        if server is None or server.host != host and not (
                _goes_on(server, move, is_starting)):
            move.status = _ACKNOWLEDGED
            move.save()


def _servers(context: nova_context.RequestContext,
             uuids: abc.Set[str]) -> list[nova_instance.Instance]:
    """Return servers as Nova has them, also deleted ones."""
    if not uuids:
        return []
    return list(nova_instance.InstanceList.get_by_filters(
        context, {'uuid': sorted(uuids)},
        expected_attrs=['migration_context']))


def _goes_on(server: nova_instance.Instance, move: migration.Migration,
             is_starting: bool) -> bool:
    """Return whether a host may still be bringing a server.

    Once that has failed, Nova says so last. But if the source comes back
    meanwhile, the evacuation is called completed. Nova keeps this context
    until it has the server on the new host.
    """
    found = server.migration_context
    return (move.status == _COMPLETED and not is_starting and
            found is not None and bool(found.migration_id == move.id))


def _on_host(context: nova_context.RequestContext, host: str,
             uuids: abc.Set[str]) -> set[str]:
    return {each.uuid for each in _servers(context, uuids)
            if each.host == host}


def gone_from(context: nova_context.RequestContext, host: str,
              uuids: abc.Set[str], is_starting: bool = False) -> set[str]:
    """Return those servers that may not run on a host after evacuations.

    Nova has them elsewhere, and is not bringing them to the host.

    :param uuids: of servers that were evacuated from or to the host
    :param is_starting: as for acknowledge
    """
    elsewhere = [each for each in _servers(context, uuids)
                 if each.host != host]
    found = {each.uuid for each in elsewhere if _may_not_run(
        each, _moves(context, {'instance_uuid': each.uuid}), host,
        is_starting)}
    # A server may have arrived meanwhile.
    return found - _on_host(context, host, found)


def _may_not_run(server: nova_instance.Instance,
                 moves: list[migration.Migration], host: str,
                 is_starting: bool) -> bool:
    """Return whether a host is not, or no longer, to run a server.

    :param server: which Nova has elsewhere
    :param moves: all of the server
    """
    own = [move for move in moves
           if host in (move.source_compute, move.dest_compute) and (
               # A failed evacuation may have started it.
               move.status not in _FAILED or _is_evacuation_to(move, host))]
    last = own[-1] if own else None
    if last is None or not _is_evacuation(last):
        return False
    if last.dest_compute != host:
        return last.status in _DONE
    if any(move.id > last.id and _is_evacuation(move) and
           move.status in _DONE for move in moves):
        return True
    return last.status in (*_DONE, *_FAILED) and not _goes_on(
        server, last, is_starting)


def half_evacuated_to(context: nova_context.RequestContext, uuid: str,
                      host: str, own: str | None) -> set[str]:
    """Return the hosts that may run a server since unfinished evacuations.

    Hosts that have acknowledged that they do not are left out, and hosts that
    an operator has removed from Nova.

    :param host: that Nova has it on
    :param own: this one; both are left out
    """
    moves = _moves(context, {'instance_uuid': uuid})
    settled = max((int(move.id) for move in moves
                   if _has_arrived(move, moves, host)), default=0)
    return {move.dest_compute for move in moves
            if move.id > settled and _is_evacuation(move) and
            move.status in (_BEGUN, *_OPEN) and
            # Nova sets it when the host begins.
            move.dest_node and move.dest_compute not in (host, own) and
            _is_known(context, move.dest_compute)}


def _has_arrived(move: migration.Migration,
                 moves: list[migration.Migration], host: str) -> bool:
    """Return whether a move has ended well.

    :param moves: all of the server, which Nova has on the host
    """
    return move.status in _SETTLED or move.status == _COMPLETED and (
        move.dest_compute == host or any(
            later.id > move.id and later.status not in _FAILED and
            later.source_compute == move.dest_compute for later in moves))


def _is_known(context: nova_context.RequestContext, host: str) -> bool:
    try:
        service.Service.get_by_compute_host(context, host)
    except nova_exception.NotFound as error:
        LOG.debug('Host %s has no compute service: %s', host, error)
        return False
    return True


def was_interrupted(context: nova_context.RequestContext, uuid: str,
                    host: str | None) -> bool:
    """Return whether only unfinished evacuations have brought a server here.

    :param host: this one, to which an evacuation is going on
    """
    own: list[migration.Migration] = []
    for move in _moves(context, {'instance_uuid': uuid}):
        if move.source_compute == host and move.status in _REMOVED:
            own = []
        elif host in (move.source_compute, move.dest_compute):
            own.append(move)
    return len(own) > 1 and all(
        _is_evacuation_to(move, host) and move.status != _ARRIVED
        for move in own)


def is_leaving(context: nova_context.RequestContext, uuid: str,
               host: str) -> bool:
    """Return whether a server is being evacuated from a host right now.

    :param uuid: of a server that Nova has on that host
    """
    moves = _moves(context, {'instance_uuid': uuid})
    settled = max((move.id for move in moves
                   if move.status in (*_SETTLED, _COMPLETED)), default=0)
    return any(_is_evacuation(move) and move.source_compute == host and
               move.id > settled and move.status not in _FAILED
               for move in moves)


def _moves(context: nova_context.RequestContext,
           filters: dict[str, str]) -> list[migration.Migration]:
    """Return moves of servers in their order, also of deleted ones."""
    with utils.temporary_mutation(context, read_deleted='yes'):
        found = migration.MigrationList.get_by_filters(context, filters)
    return sorted(found, key=lambda move: int(move.id))


def _is_evacuation(move: migration.Migration) -> bool:
    return bool(move.migration_type == fields.MigrationType.EVACUATION)


def _is_evacuation_to(move: migration.Migration, host: str | None) -> bool:
    return _is_evacuation(move) and move.dest_compute == host


def is_elsewhere(instance: nova_instance.Instance, host: str) -> bool:
    """Return whether Nova has a server on another host.

    A new server is on no host until its build has been claimed.

    :param host: this one
    """
    return 'host' in instance and instance.host not in (None, host)


def is_evacuated(instance: nova_instance.Instance, host: str,
                 is_starting: bool) -> bool:
    """Return whether Nova removes a server because it was evacuated.

    At its start Nova also removes servers that another host is just taking
    over. Nothing else but a deletion removes a server at that time.

    :param host: this one
    :param is_starting: whether nova-compute is starting
    """
    if is_elsewhere(instance, host):
        return True
    return bool(is_starting and 'host' in instance and instance.host and
                instance.task_state != task_states.DELETING and
                instance.vm_state != vm_states.DELETED and
                not instance.deleted)
