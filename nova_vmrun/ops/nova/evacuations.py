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

# A migration becomes "completed" when its source has come back.
_DONE = 'done'
_LEAVING = ('accepted', 'pre-migrating', _DONE, 'completed')
_FAILED = ('failed', 'error', 'cancelled')


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


def evacuated_from(context: nova_context.RequestContext,
                   host: str) -> dict[str, bool]:
    """Return the ids of the servers that were evacuated from a host.

    Include those whose evacuation has not ended, and those that have been
    deleted since.

    :returns: for each, whether another host has it, and this one has not been
        started since
    """
    with utils.temporary_mutation(context, read_deleted='yes'):
        migrations = migration.MigrationList.get_by_filters(context, {
            'source_compute': host, 'status': list(_LEAVING),
            'migration_type': fields.MigrationType.EVACUATION})
    found: dict[str, bool] = {}
    for each in migrations:
        found[each.instance_uuid] = (each.status == _DONE or
                                     found.get(each.instance_uuid, False))
    return found


def gone_from(context: nova_context.RequestContext, host: str,
              uuids: abc.Set[str]) -> set[str]:
    """Return those servers that an evacuation has taken from a host.

    Leave out a server that Nova has on the host, or is bringing back to it.

    :param uuids: of servers that evacuated_from names
    """
    if not uuids:
        return set()
    # This finds servers that are deleted, too.
    elsewhere = [each.uuid for each in
                 nova_instance.InstanceList.get_by_filters(
                     context, {'uuid': sorted(uuids)}, expected_attrs=[])
                 if each.host != host]
    return {uuid for uuid in elsewhere
            if _has_left_last(context, host, uuid)}


def _has_left_last(context: nova_context.RequestContext, host: str,
                   uuid: str) -> bool:
    """Return whether a server's last move from or to a host took it away."""
    with utils.temporary_mutation(context, read_deleted='yes'):
        moves = [each for each in migration.MigrationList.get_by_filters(
            context, {'instance_uuid': uuid, 'host': host})
            if each.status not in _FAILED]
    if not moves:
        return False
    last = max(moves, key=lambda each: int(each.id))
    return bool(last.source_compute == host and last.status == _DONE and
                last.migration_type == fields.MigrationType.EVACUATION)


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
