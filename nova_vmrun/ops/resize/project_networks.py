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

"""Whether a server can take the networks of its project to another host.

A network of type local is a LAN segment, which ends at its host. Neutron
refuses to bind a port of it on a second host, but Nova only has it try once
the server has moved, and then the server is in ERROR. So the rule of the
mechanism driver (nova_vmrun/ml2/mech_vmrun.py, other_hosts) is applied here,
before anything is stopped.
"""

from collections import abc
from typing import Any

from nova import context as nova_context
from nova import exception as nova_exception
from nova.objects import instance as nova_instance
import oslo_messaging

from nova_vmrun import exception
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import ports as ports_module

_FAILED = 'binding_failed'
_OF_NEUTRON = 'network:'

_Port = abc.Mapping[str, Any]


def require_movable(instance: nova_instance.Instance, host: str,
                    ports: ports_module.Ports) -> None:
    """Refuse a move that would put a network of type local on two hosts.

    Neutron is asked once, and only about such networks. Hosts that an operator
    says are off do not count.

    :param host: that the server would move to, by its name in Nova
    :raises NotSupported: other servers on such a network are elsewhere
    :raises InvalidConfiguration: Neutron cannot be asked. It would have to
        bind the ports after the move, so the server would not start there.
    """
    vifs = [vif for vif in instance.get_network_info() or ()
            if networks.is_local(vif)]
    if not vifs:
        return
    found = ports.on_networks({vif['network']['id'] for vif in vifs})
    own = {vif['id'] for vif in vifs}
    for port in found:
        if port['id'] not in own:
            continue
        others = elsewhere(port, found, host)
        hosts = {name for name in others.values() if not _is_fenced(name)}
        if hosts:
            count = sum(name in hosts for name in others.values())
            raise exception.NotSupported(
                'Server %s cannot move: other servers on its network %s are '
                'on host %s.' % (instance.uuid, port['network_id'],
                                 ', '.join(sorted(hosts))),
                'A network of type local ends at its host; %d of its ports '
                'there belong to other servers.' % count,
                'Shelve them while it moves, or stop them and remove their '
                'ports on the network.')


def _is_fenced(host: str) -> bool:
    """Return whether an operator says that a host is off.

    :raises InvalidConfiguration: Nova's database cannot be asked
    """
    try:
        return evacuations.is_fenced(nova_context.get_admin_context(), host)
    except (nova_exception.NovaException,
            oslo_messaging.MessagingException) as error:
        raise exception.InvalidConfiguration(
            'It is unknown whether host %s is off.' % host,
            'Nova does not answer: %s' % error, 'Try again.') from error


def elsewhere(port: _Port, found: abc.Iterable[_Port], host: str
              ) -> dict[str, str]:
    """Return the ports that keep a port of a local network from a host.

    :param port: of the server that would move there
    :param found: all ports of its network, and maybe of others
    :returns: the host of each, by its id
    """
    return {
        other['id']: other['binding:host_id'] for other in found
        if other['network_id'] == port['network_id'] and
        other['id'] != port['id'] and
        other['binding:host_id'] not in ('', None, host) and
        other['binding:vif_type'] != _FAILED and
        not _is_same_server(port, other) and
        not (other['device_owner'] or '').startswith(_OF_NEUTRON)}


def _is_same_server(one: _Port, other: _Port) -> bool:
    """Return whether two ports are of one server, and so move together.

    Any user can name another project's server as the device of a port.
    """
    return bool(one['device_id']) and all(
        one[name] == other[name] for name in ('device_id', 'tenant_id'))
