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
from nova import servicegroup
from nova import utils
from oslo_log import log as logging
from oslo_utils import timeutils

LOG = logging.getLogger(__name__)

# The host that an evacuation goes to has begun.
_BEGUN = 'pre-migrating'
# An evacuation becomes "completed" when its source has come back.
_DONE = ('done', 'completed')
_FAILED = ('failed', 'error', 'cancelled', 'reverted')
# After such a move it is known which host has the server.
_SETTLED = (*_DONE, 'finished', 'confirmed')
# Seconds in which a host stops the VM of an evacuation that has failed. It
# looks once a minute.
_STOPPING_SECONDS = 180


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


def evacuated(context: nova_context.RequestContext, host: str) -> set[str]:
    """Return the ids of the servers that were evacuated from or to a host.

    Include those whose evacuation has failed or not ended, and those that
    have been deleted since.
    """
    return {move.instance_uuid for move in _moves(context, {
        'host': host, 'migration_type': fields.MigrationType.EVACUATION})}


def fail_interrupted(context: nova_context.RequestContext,
                     host: str) -> None:
    """Tell Nova about evacuations that ended with an earlier nova-compute.

    Those to a host whose nova-compute is starting are meant. Nova leaves them
    as if they went on. Those that the host has not begun are in its queue.
    """
    for move in _moves(context, {
            'host': host, 'status': _BEGUN,
            'migration_type': fields.MigrationType.EVACUATION}):
        if move.dest_compute == host:
            LOG.warning('The evacuation of server %s to this host ended with '
                        'nova-compute', move.instance_uuid)
            move.status = 'failed'
            move.save()


def gone_from(context: nova_context.RequestContext, host: str,
              uuids: abc.Set[str]) -> set[str]:
    """Return those servers that may not run on a host after evacuations.

    Nova has them elsewhere, and is not bringing them to the host.

    :param uuids: of servers that run there, and that evacuated names
    """
    if not uuids:
        return set()
    # This finds servers that are deleted, too.
    elsewhere = [each.uuid for each in
                 nova_instance.InstanceList.get_by_filters(
                     context, {'uuid': sorted(uuids)}, expected_attrs=[])
                 if each.host != host]
    # In this order: a server that arrives meanwhile has arrived.
    return {uuid for uuid in elsewhere if _may_not_run(
        _moves(context, {'instance_uuid': uuid}), host)}


def _may_not_run(moves: list[migration.Migration], host: str) -> bool:
    """Return whether a host is not, or no longer, to run a server.

    :param moves: all of the server, which Nova has elsewhere
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
    if last.status in _DONE:
        return False
    return last.status in _FAILED or any(
        move.id > last.id and _is_evacuation(move) and
        move.status not in _FAILED for move in moves)


def half_evacuated_to(context: nova_context.RequestContext, uuid: str,
                      host: str | None) -> dict[str, bool]:
    """Return the hosts that evacuations of a server did not end well on.

    They may run it, although Nova does not have it there.

    :param host: this one, which is left out
    :returns: for each, whether it has had the time to stop the server
    """
    moves = _moves(context, {'instance_uuid': uuid})
    settled = _last_settled(moves)
    half = [move for move in moves
            if move.id > settled and _is_evacuation(move) and
            move.dest_compute not in (None, host)]
    return {move.dest_compute: (move.status in _FAILED and
                                _has_stopped(context, move))
            for move in half}


def _has_stopped(context: nova_context.RequestContext,
                 failed: migration.Migration) -> bool:
    """Return whether a host has stopped what an evacuation has started."""
    since = failed.updated_at or failed.created_at
    try:
        is_up = servicegroup.API().service_is_up(
            service.Service.get_by_compute_host(context, failed.dest_compute))
    except nova_exception.NotFound as error:
        LOG.debug('Host %s has no compute service: %s', failed.dest_compute,
                  error)
        return False
    return bool(is_up) and since is not None and (
        timeutils.utcnow(with_timezone=True) - since
    ).total_seconds() > _STOPPING_SECONDS


def was_interrupted(context: nova_context.RequestContext, uuid: str,
                    host: str | None) -> bool:
    """Return whether only unfinished evacuations have brought a server here.

    :param host: this one, to which an evacuation is going on
    """
    own = [move for move in _moves(context, {'instance_uuid': uuid})
           if host in (move.source_compute, move.dest_compute)]
    return len(own) > 1 and all(
        _is_evacuation_to(move, host) and move.status not in _DONE
        for move in own)


def is_leaving(context: nova_context.RequestContext, uuid: str,
               host: str) -> bool:
    """Return whether a server is being evacuated from a host right now.

    :param uuid: of a server that Nova has on that host
    """
    moves = _moves(context, {'instance_uuid': uuid})
    settled = _last_settled(moves)
    return any(_is_evacuation(move) and move.source_compute == host and
               move.id > settled and move.status not in _FAILED
               for move in moves)


def _moves(context: nova_context.RequestContext,
           filters: dict[str, str]) -> list[migration.Migration]:
    """Return moves of servers in their order, also of deleted ones."""
    with utils.temporary_mutation(context, read_deleted='yes'):
        found = migration.MigrationList.get_by_filters(context, filters)
    return sorted(found, key=lambda move: int(move.id))


def _last_settled(moves: list[migration.Migration]) -> int:
    return max((int(move.id) for move in moves if move.status in _SETTLED),
               default=0)


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
