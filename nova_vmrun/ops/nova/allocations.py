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
"""Allocations in Placement that Nova removes although the server stays.

When a rebuild fails, Nova 34 deletes the server's allocations from Placement,
even if the driver has rolled the rebuild back. The scheduler would then think
that the server uses nothing on this host. The allocations are restored when
Nova next updates the inventory of the host, which it does once a minute.
"""

import os
import time
from typing import Any

from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
from nova.scheduler.client import report
from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.server import layout as host_layout
from nova_vmrun.server import records as host_records

LOG = logging.getLogger(__name__)

# Allocations that still exist after so many seconds, counted from a start of
# nova-compute, will not be deleted.
_SETTLED_SECONDS = 300


class Allocations:
    """Restores what Nova deletes after a rebuild was refused."""

    def __init__(self, layout: host_layout.Layout,
                 records: host_records.Records) -> None:
        self._layout = layout
        self._records = records
        # Since when, by time.monotonic(): the clock may be set.
        self._expected: dict[str, float] | None = None

    def expect_loss(self, instance: nova_instance.Instance,
                    allocations: dict[str, Any] | None) -> None:
        """Record the allocations of a server that Nova is about to delete.

        :param allocations: as Nova passes them to the driver
        """
        uuid = instance.uuid
        if not allocations or self._records.get(uuid) is None:
            return
        payload = {
            'allocations': {
                provider: {'resources': found['resources']}
                for provider, found in allocations.items()},
            'project_id': instance.project_id, 'user_id': instance.user_id,
            # Placement accepts them only if the server has none.
            'consumer_generation': None}
        try:
            files.write_atomically(self._layout.allocations(uuid),
                                   jsonutils.dumps(payload))
        except OSError as error:
            LOG.error('Cannot save the allocations of the server: %s', error,
                      instance=instance)
            return
        self._all()[uuid] = time.monotonic()

    def keep(self, context: nova_context.RequestContext,
             instance: nova_instance.Instance) -> None:
        """Record the allocations that a server has in Placement now."""
        try:
            found = report.report_client_singleton().get_allocs_for_consumer(
                context, instance.uuid)
        except nova_exception.NovaException as error:
            LOG.error('Cannot save the allocations of the server: %s', error,
                      instance=instance)
            return
        self.expect_loss(instance, found['allocations'])

    def put_back(self) -> None:
        """Restore deleted allocations; retry failures the next time."""
        for uuid in list(self._all()):
            try:
                if self._is_settled(uuid):
                    self._all().pop(uuid, None)
            except Exception as error:
                # Nova needs the inventory of the host in any case.
                LOG.warning('Cannot restore the allocations of server %s: %s',
                            uuid, error)

    def _all(self) -> dict[str, float]:
        if self._expected is None:
            self._expected = {
                uuid: time.monotonic() for uuid in self._layout.uuids()
                if os.path.exists(self._layout.allocations(uuid))}
        return self._expected

    def _is_settled(self, uuid: str) -> bool:
        path = self._layout.allocations(uuid)
        if self._records.get(uuid) is None or not os.path.exists(path):
            return True
        client = report.report_client_singleton()
        context = nova_context.get_admin_context()
        if client.get_allocs_for_consumer(context, uuid)['allocations']:
            if time.monotonic() - self._all()[uuid] < _SETTLED_SECONDS:
                return False
        else:
            if not client.put_allocations(
                    context, uuid, jsonutils.loads(files.read(path))):
                raise nova_exception.AllocationUpdateFailed(
                    consumer_uuid=uuid, error='Placement refused them')
            LOG.info('Restored the allocations of server %s', uuid)
        os.remove(path)
        return True
