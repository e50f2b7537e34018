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

"""Sockets, cores and threads of a server, as Nova's properties ask for them.

VMware's desktop products know the cores of a socket and no threads, so a
thread counts as a core.
"""

from nova_vmrun.catalog import properties as props
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_NO_LIMIT = 65536
_MAX_PREFERRED = 1024


def cores_per_socket(request: requests.Request) -> requests.Choice:
    """Chooses cpuid.coresPerSocket, or None to leave it to VMware.

    As in Nova, limits are obeyed or refused, and preferences are met as far
    as the number of vCPUs and the limits let them.

    :raises InvalidProperty: the limits allow no topology
    """
    limits = {part: _limit(request, part)
              for part in ('sockets', 'cores', 'threads')}
    wanted, asked = _preferences(request)
    limiting = [source for _, source in limits.values() if source]
    if asked is None and not limiting:
        one_socket = request.profile.one_socket and request.vcpus > 1
        return request.default(request.vcpus if one_socket else None)
    possible = _possible(request.vcpus, limits)
    if not possible:
        raise exception.InvalidProperty(
            limiting[0].name, limiting[0].value,
            '%d vCPUs cannot be shared out within it.' % request.vcpus,
            'Use a flavor with another number of vCPUs.')
    if asked is not None:
        return asked.choose(_closest(possible, request.vcpus, wanted),
                            shown=asked.value)
    return limiting[0].choose(possible[0], shown=limiting[0].value)


def _limit(request: requests.Request,
           part: str) -> tuple[int, requests.Asked | None]:
    """Reads a maximum and what sets it; an image may only lower a flavor's."""
    limit, source = _NO_LIMIT, None
    asked = request.flavor('hw:cpu_max_' + part)
    if asked.name:
        limit = props.integer(asked.name, asked.value, 1, _NO_LIMIT)
        source = asked
    asked = request.image('hw_cpu_max_' + part)
    if asked.name:
        lower = props.integer(asked.name, asked.value, 1, _NO_LIMIT)
        if lower > limit:
            raise exception.InvalidProperty(
                asked.name, asked.value, 'The flavor allows %d.' % limit,
                'Lower it.')
        limit, source = lower, asked
    return limit, source


def _preferences(
        request: requests.Request
) -> tuple[dict[str, int], requests.Asked | None]:
    """Reads what is preferred; a flavor's word is the only one it has."""
    for find, form in ((request.flavor, 'hw:cpu_%s'),
                       (request.image, 'hw_cpu_%s')):
        wanted, first = {}, None
        for part in ('cores', 'sockets', 'threads'):
            asked = find(form % part)
            if asked.name:
                wanted[part] = props.integer(asked.name, asked.value, 1,
                                             _MAX_PREFERRED)
                first = first or asked
        if wanted:
            return wanted, first
    return {}, None


def _possible(vcpus: int, limits: dict[str, tuple[int, requests.Asked | None]]
              ) -> list[int]:
    threads, source = limits['threads']
    most_cores = limits['cores'][0] * (threads if source else 1)
    return [cores for cores in range(1, vcpus + 1)
            if vcpus % cores == 0 and cores <= most_cores and
            vcpus // cores <= limits['sockets'][0]]


def _closest(possible: list[int], vcpus: int, wanted: dict[str, int]) -> int:
    """Picks the largest possible number that is not above the wanted one."""
    if 'cores' in wanted or 'threads' in wanted:
        target = wanted.get('cores', 1) * wanted.get('threads', 1)
    else:
        target = vcpus // wanted['sockets']
    fitting = [cores for cores in possible if cores <= target]
    return fitting[-1] if fitting else possible[0]
