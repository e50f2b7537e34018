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

"""Patch that adds to a server's fault why Placement offers no host.

Nova says only "No valid host was found". In a large cloud, the reason would
show users how full it is. This cloud belongs to its user.
"""

from typing import Any

from nova import exception as nova_exception
from nova.scheduler.client import report
from oslo_log import log as logging

from nova_vmrun.aio import providers

LOG = logging.getLogger(__name__)

_FLAG = '_nova_vmrun_reason'


def install() -> None:
    """Patch the scheduler's client of Placement, once for the process."""
    client = report.SchedulerReportClient
    if getattr(client, _FLAG, False):
        return
    setattr(client, _FLAG, True)
    client.get_allocation_candidates = _explaining(
        client.get_allocation_candidates)


def _explaining(ask: Any) -> Any:
    def wrapper(self: Any, context: Any, resources: Any) -> Any:
        found = ask(self, context, resources)
        # For pinned CPUs, Nova asks again with a different request.
        if found[0] == [] and not resources.cpu_pinning_requested:
            reason = _reason(self, context, resources)
            if reason:
                raise nova_exception.NoValidHost(reason=reason)
        return found
    return wrapper


def _reason(client: Any, context: Any, resources: Any) -> str:
    def get(path: str) -> Any:
        return client.get(path, version=providers.VERSION,
                          global_request_id=context.global_id).json()

    try:
        found = providers.read(get)
    except (KeyError, ValueError) as error:
        LOG.warning('Placement does not say what the hosts have: %s', error)
        return ''
    required = frozenset().union(
        resources._root_required,
        *(group.required_traits for group in resources._rg_by_id.values()))
    return providers.explain(resources.merged_resources(), required, found)
