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

"""Sockets, cores and threads of a server.

VMware's desktop products know cores per socket but no threads, so a thread
counts as a core.
"""

from nova_vmrun.catalog import obeyed
from nova_vmrun import exception
from nova_vmrun.machine.choices import request as requests

_NO_LIMIT = 65536

# The property that sets a maximum for sockets, cores or threads, if any does.
Limits = dict[str, requests.Property[int] | None]


def cores_per_socket(
        request: requests.Request) -> requests.Choice[int | None]:
    """Choose cpuid.coresPerSocket; None leaves it to VMware.

    As in Nova, limits are obeyed or refused, and preferences are met as far
    as the number of vCPUs and the limits allow.

    :raises InvalidProperty: no topology is within the limits
    """
    limits = {part: _limit(request, part) for part in obeyed.CPU_LIMITS}
    preferences = _preferences(request)
    limiting = next(filter(None, limits.values()), None)
    decisive = next(iter(preferences.values()), limiting)
    if decisive is None:
        one_socket = request.profile.one_socket and request.vcpus > 1
        return request.default(request.vcpus if one_socket else None)
    possible = _possible(request.vcpus, limits)
    if limiting is not None and not possible:
        raise exception.InvalidProperty(
            limiting.name, limiting.text,
            '%d vCPUs cannot be divided within this limit.' % request.vcpus,
            'Use a flavor with another number of vCPUs.')
    cores = (_closest(possible, request.vcpus, preferences)
             if preferences else possible[0])
    return decisive.choose(cores, written=decisive.text)


def _limit(request: requests.Request,
           part: str) -> requests.Property[int] | None:
    """Return what sets a maximum; an image can only lower a flavor's."""
    row = obeyed.CPU_LIMITS[part]
    of_flavor, of_image = request.flavor(row), request.image(row)
    if of_flavor and of_image and of_image.value > of_flavor.value:
        raise exception.InvalidProperty(
            of_image.name, of_image.text,
            'The flavor allows %d.' % of_flavor.value, 'Lower it.')
    return of_image or of_flavor


def _preferences(
        request: requests.Request) -> dict[str, requests.Property[int]]:
    """Return the preferences of the flavor, or else those of the image."""
    for find in (request.flavor, request.image):
        found = {part: find(obeyed.CPU_PREFERENCES[part])
                 for part in ('cores', 'sockets', 'threads')}
        preferences = {part: each for part, each in found.items()
                       if each is not None}
        if preferences:
            return preferences
    return {}


def _possible(vcpus: int, limits: Limits) -> list[int]:
    """Return the numbers of cores per socket within the limits, ascending."""
    sockets, cores, threads = (
        limits[part] for part in ('sockets', 'cores', 'threads'))
    most_cores = (cores.value if cores else _NO_LIMIT) * (
        threads.value if threads else 1)
    most_sockets = sockets.value if sockets else _NO_LIMIT
    return [each for each in range(1, vcpus + 1)
            if vcpus % each == 0 and each <= most_cores and
            vcpus // each <= most_sockets]


def _closest(possible: list[int], vcpus: int,
             preferences: dict[str, requests.Property[int]]) -> int:
    """Return the largest possible number up to the preferred one."""
    preferred = {part: each.value for part, each in preferences.items()}
    if 'cores' in preferred or 'threads' in preferred:
        target = preferred.get('cores', 1) * preferred.get('threads', 1)
    else:
        target = vcpus // preferred['sockets']
    fitting = [cores for cores in possible if cores <= target]
    return fitting[-1] if fitting else possible[0]
