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

from nova_vmrun import exception
from nova_vmrun.formats import properties as props

_NO_LIMIT = 65536


def cores_per_socket(vcpus, properties, extra_specs):
    """Chooses cpuid.coresPerSocket.

    As in Nova, limits are obeyed or refused, and preferences are met as far
    as the number of vCPUs and the limits let them.

    :param vcpus: of the flavor
    :param properties: of the image (hw_cpu_*)
    :param extra_specs: of the flavor (hw:cpu_*); its preferences win
    :returns: the cores, or None if nothing is asked for; and the origin
    :raises InvalidProperty: the limits allow no topology
    """
    limits = {part: _limit(part, properties, extra_specs)
              for part in ('sockets', 'cores', 'threads')}
    wanted, origin = _preferences(properties, extra_specs)
    limited = [name for _, name in limits.values() if name]
    if not wanted and not limited:
        return None, None
    most_cores = limits['cores'][0] * limits['threads'][0]
    possible = [cores for cores in range(1, vcpus + 1)
                if vcpus % cores == 0 and cores <= most_cores and
                vcpus // cores <= limits['sockets'][0]]
    if not possible:
        source = (properties if limited[0] in properties else extra_specs)
        raise exception.InvalidProperty(
            limited[0], source[limited[0]],
            '%d vCPUs cannot be shared out within it.' % vcpus,
            'Use a flavor with another number of vCPUs.')
    return _closest(possible, vcpus, wanted), origin or (
        'limit %s' % limited[0])


def _limit(part, properties, extra_specs):
    """Reads a maximum; an image may only lower the flavor's."""
    key, name = 'hw:cpu_max_' + part, 'hw_cpu_max_' + part
    limit, source = _NO_LIMIT, None
    if key in extra_specs:
        limit = props.integer(key, extra_specs[key], 1, _NO_LIMIT)
        source = key
    if name in properties:
        asked = props.integer(name, properties[name], 1, _NO_LIMIT)
        if asked > limit:
            raise exception.InvalidProperty(
                name, properties[name], 'The flavor allows %d.' % limit,
                'Lower it.')
        limit, source = asked, name
    return limit, source


def _preferences(properties, extra_specs):
    for values, form, kind in (
            (extra_specs, 'hw:cpu_%s', 'flavor'),
            (properties, 'hw_cpu_%s', 'image property')):
        wanted = {
            part: props.integer(form % part, values[form % part], 1, 1024)
            for part in ('sockets', 'cores', 'threads')
            if form % part in values}
        if wanted:
            named = ', '.join('%s=%d' % (form % part, number)
                              for part, number in wanted.items())
            return wanted, '%s %s' % (kind, named)
    return {}, None


def _closest(possible, vcpus, wanted):
    if 'cores' in wanted or 'threads' in wanted:
        target = wanted.get('cores', 1) * wanted.get('threads', 1)
    elif 'sockets' in wanted:
        target = vcpus / wanted['sockets']
    else:
        target = possible[0]
    fitting = [cores for cores in possible if cores <= target]
    return fitting[-1] if fitting else possible[0]
