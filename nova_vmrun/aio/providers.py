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

"""Placement's view of the compute hosts, and what a server lacks there.

Nothing here needs Nova: the scheduler, "nova-vmrun doctor" and "nova-vmrun
why" read Placement's API in the same way.
"""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
from typing import Any

from nova_vmrun.catalog import table

#: The version of Placement's API that this module reads.
VERSION = '1.36'

VCPU, MEMORY, DISK = 'VCPU', 'MEMORY_MB', 'DISK_GB'
# Plain names of Placement's resource classes, with their units.
_NAMES = {VCPU: '%d VCPUs', MEMORY: '%d MiB of memory', DISK: '%d GB of disk'}


@dataclasses.dataclass(frozen=True)
class Provider:
    """The resources of a compute node.

    :ivar inventories: by resource class, as Placement shows them
    :ivar usages: amounts in use, by resource class
    :ivar traits: their names
    """

    inventories: Mapping[str, Mapping[str, Any]]
    usages: Mapping[str, int]
    traits: frozenset[str]

    def capacity(self, resource: str) -> int:
        """Return how much all servers together can use."""
        found = self.inventories.get(resource)
        if found is None:
            return 0
        return int((found['total'] - found['reserved']) *
                   found['allocation_ratio'])

    def free(self, resource: str) -> int:
        """Return how much new servers can still use."""
        return max(0, self.capacity(resource) - self.usages.get(resource, 0))

    def most(self, resource: str) -> int:
        """Return how much a single server can use."""
        found = self.inventories.get(resource)
        return found['max_unit'] if found else 0


def read(get: Callable[[str], Any]) -> list[Provider]:
    """Read all compute nodes.

    :param get: returns the JSON of a path in Placement's API
    :raises KeyError: Placement answered with an error
    :raises ValueError: it answered with something that is not JSON
    """
    uuids = [each['uuid'] for each in get('/resource_providers')
             ['resource_providers']]
    return [read_one(get, uuid) for uuid in uuids]


def read_one(get: Callable[[str], Any], uuid: str) -> Provider:
    """Read a compute node; parameters and errors as for read."""
    path = '/resource_providers/' + uuid
    return Provider(get(path + '/inventories')['inventories'],
                    get(path + '/usages')['usages'],
                    frozenset(get(path + '/traits')['traits']))


def explain(wanted: Mapping[str, int], required: frozenset[str],
            providers: list[Provider]) -> str:
    """Explain why no provider can host a server; '' if no reason is found.

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
        reasons += dict.fromkeys(each.about for each in map(
            table.find_by_trait, missing) if each is not None)
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
