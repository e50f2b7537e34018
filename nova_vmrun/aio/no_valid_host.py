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


"""Says why Placement offers no host: "No valid host was found" alone does not.

In a large cloud that would tell users how full it is. This cloud is theirs.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

from nova import exception as nova_exception
from nova.scheduler.client import report
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_VERSION = '1.36'
_FLAG = '_nova_vmrun_reason'
# What people call Placement's resource classes, with the unit of each.
_NAMES = {'VCPU': '%d VCPUs', 'MEMORY_MB': '%d MiB of memory',
          'DISK_GB': '%d GB of disk'}


@dataclasses.dataclass(frozen=True)
class Provider:
    """What a compute node has.

    :param inventories: by resource class, as Placement shows them
    :param usages: amount that is taken, by resource class
    :param traits: their names
    """

    inventories: Mapping[str, Mapping[str, Any]]
    usages: Mapping[str, int]
    traits: frozenset[str]

    def capacity(self, resource: str) -> int:
        """Returns the amount that servers may have in all."""
        found = self.inventories.get(resource)
        if found is None:
            return 0
        return int((found['total'] - found['reserved']) *
                   found['allocation_ratio'])

    def free(self, resource: str) -> int:
        return max(0, self.capacity(resource) - self.usages.get(resource, 0))

    def most(self, resource: str) -> int:
        """Returns what one server may have at most."""
        found = self.inventories.get(resource)
        return found['max_unit'] if found else 0


def explain(wanted: Mapping[str, int], required: frozenset[str],
            providers: list[Provider]) -> str:
    """Returns why no provider has what a server needs, or ''.

    :param wanted: amounts by resource class
    :param required: traits
    """
    if not providers:
        return 'No compute host has registered yet.'
    reasons = [_lack(resource, amount, providers)
               for resource, amount in sorted(wanted.items())]
    missing = sorted(required - frozenset().union(
        *(provider.traits for provider in providers)))
    if missing:
        reasons.append('No host has the trait %s.' % ', '.join(missing))
    return ' '.join(filter(None, reasons))


def _lack(resource: str, amount: int, providers: list[Provider]) -> str:
    most = max(provider.most(resource) for provider in providers)
    need = 'It needs ' + _NAMES.get(resource, '%d ' + resource) % amount
    if amount == 1:
        need = need.removesuffix('s')
    if amount > most:
        return '%s; one server can have %d.' % (need, most)
    best = max(providers, key=lambda provider: provider.free(resource))
    if amount > best.free(resource):
        return '%s; %d of %d are free.' % (
            need, best.free(resource), best.capacity(resource))
    return ''


def install() -> None:
    """Patches the scheduler's client of Placement, once for the process."""
    client = report.SchedulerReportClient
    if getattr(client, _FLAG, False):
        return
    setattr(client, _FLAG, True)
    client.get_allocation_candidates = _explaining(
        client.get_allocation_candidates)


def _explaining(ask: Any) -> Any:
    def wrapper(self: Any, context: Any, resources: Any) -> Any:
        found = ask(self, context, resources)
        # Nova asks again, in another way, for processors of a server's own.
        if found[0] == [] and not resources.cpu_pinning_requested:
            reason = _reason(self, context, resources)
            if reason:
                raise nova_exception.NoValidHost(reason=reason)
        return found
    return wrapper


def _reason(client: Any, context: Any, resources: Any) -> str:
    try:
        providers = _providers(client, context)
    except (KeyError, ValueError) as error:
        LOG.warning('Placement does not say what the hosts have: %s', error)
        return ''
    required = frozenset().union(
        resources._root_required,
        *(group.required_traits for group in resources._rg_by_id.values()))
    return explain(resources.merged_resources(), required, providers)


def _providers(client: Any, context: Any) -> list[Provider]:
    def get(path: str) -> Any:
        answer = client.get(path, version=_VERSION,
                            global_request_id=context.global_id)
        return answer.json()

    return [Provider(get('/resource_providers/%s/inventories' % uuid)
                     ['inventories'],
                     get('/resource_providers/%s/usages' % uuid)['usages'],
                     frozenset(get('/resource_providers/%s/traits' % uuid)
                               ['traits']))
            for uuid in [each['uuid'] for each in get('/resource_providers')
                         ['resource_providers']]]
