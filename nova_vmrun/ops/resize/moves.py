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
"""The host that a resized or migrated server goes to.

Nova only passes the address of that host to the driver, which does not say
whether it is another host: two may have the same [DEFAULT] my_ip. Nova's
migration record has the names of both hosts.
"""

import dataclasses

from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import compute_node
from nova.objects import instance as nova_instance
from nova.objects import migration as nova_migration
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Destination:
    """Another compute node.

    :ivar host: its name in Nova
    :ivar address: where ssh reaches it
    :ivar node_id: its id in Nova; None if unknown
    """

    host: str
    address: str
    node_id: str | None = None


def destination(context: nova_context.RequestContext,
                instance: nova_instance.Instance) -> Destination | None:
    """Return the host that a server moves to.

    :returns: None if it stays on this host
    :raises InstanceFaultRollback: (Nova's) the host cannot be determined
    """
    try:
        context = context.elevated()
        migration = nova_migration.Migration.get_by_id_and_instance(
            context, instance.migration_context.migration_id, instance.uuid)
        if not leaves(migration):
            return None
        return Destination(migration.dest_compute, migration.dest_host,
                           _node_id(context, migration))
    except Exception as error:
        # The server has not been touched yet.
        raise nova_exception.InstanceFaultRollback(
            inner_exception=nova_exception.ResizeError(
                reason='Cannot determine where the server should go: %s'
                % error)) from error


def leaves(migration: nova_migration.Migration) -> bool:
    """Whether a migration takes a server to another host."""
    return bool(migration.source_compute != migration.dest_compute)


def _node_id(context: nova_context.RequestContext,
             migration: nova_migration.Migration) -> str | None:
    try:
        node_id: str = compute_node.ComputeNode.get_by_host_and_nodename(
            context, migration.dest_compute, migration.dest_node).uuid
    except nova_exception.ComputeHostNotFound as error:
        LOG.warning('The id of host %s is unknown: %s',
                    migration.dest_compute, error)
        return None
    return node_id
