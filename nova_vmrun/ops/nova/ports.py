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

"""Ports: those that Nova remembers of a server, and those of Neutron.

Nova's cache may be wrong, and covers the ports of one server only.
"""

from collections import abc
import dataclasses
from typing import Any

from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.network import neutron
from nova.objects import instance as nova_instance
from nova.objects import instance_info_cache
from oslo_log import log as logging

from nova_vmrun import exception

LOG = logging.getLogger(__name__)

# What on_networks returns of a port.
BINDING = ['id', 'network_id', 'device_id', 'device_owner', 'tenant_id',
           'binding:host_id', 'binding:vif_type']
# The vif_types of ports that no mechanism driver has bound.
UNBOUND = (model.VIF_TYPE_UNBOUND, model.VIF_TYPE_BINDING_FAILED)


@dataclasses.dataclass(frozen=True)
class State:
    """What Neutron says of a port, and Nova does not.

    :ivar is_enabled: admin_state_up
    :ivar is_unbound: whether no mechanism driver has bound it to its host
    :ivar elsewhere: name of the host that it is bound to; empty if it is this
        one or Neutron does not say
    """

    is_enabled: bool = True
    is_unbound: bool = False
    elsewhere: str = ''


def remembered(context: nova_context.RequestContext,
               instance: nova_instance.Instance) -> model.NetworkInfo:
    """Return a server's ports from Nova's database, as they are now.

    :raises InstanceInfoCacheNotFound: Nova's; it remembers nothing
    """
    cache = instance_info_cache.InstanceInfoCache.get_by_instance_uuid(
        context, instance.uuid)
    return cache.network_info


class Ports:
    """Asks Neutron as Nova's service user. Hold no lock meanwhile.

    :param host: this one, by its name in Nova
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def of_server(self, context: nova_context.RequestContext,
                  instance: nova_instance.Instance
                  ) -> model.NetworkInfo | None:
        """Return a server's ports, and update Nova's cache.

        :returns: None if Neutron does not answer
        """
        try:
            # Without force, Nova only looks at the ports in its cache.
            return neutron.API().get_instance_nw_info(
                context, instance, force_refresh=True)
        except Exception as error:
            # Whatever the error: no answer does not mean no ports.
            LOG.warning('Cannot get the ports of the server from Neutron: %s',
                        error, instance=instance)
            return None

    def states(self, instance: nova_instance.Instance) -> dict[str, State]:
        """Return the states of a server's ports by their ids.

        Nova remembers neither admin_state_up nor the host of a port, so this
        lists the ports, once. If Neutron does not answer, there are no states.
        Other projects may have ports that name the server, as many as they
        like.
        """
        try:
            found = neutron.API().list_ports(
                nova_context.get_admin_context(), device_id=instance.uuid,
                tenant_id=instance.project_id,
                fields=['id', 'admin_state_up', 'binding:host_id',
                        'binding:vif_type'])['ports']
            return {port['id']: self._state(port) for port in found}
        except Exception as error:
            LOG.warning('Cannot find out from Neutron whether ports of the '
                        'server are disabled or bound to another host, so '
                        'none is: %s', error, instance=instance)
            return {}

    def _state(self, port: abc.Mapping[str, Any]) -> State:
        is_unbound = port.get('binding:vif_type') in UNBOUND
        host = port.get('binding:host_id') or self._host
        return State(
            port.get('admin_state_up', True), is_unbound,
            '' if is_unbound or host == self._host else host)

    def on_networks(self, network_ids: abc.Iterable[str]
                    ) -> list[dict[str, Any]]:
        """Return whose the ports of networks are, and on which host.

        All servers of all projects count, so ask as an administrator.

        :returns: each with all names in BINDING, which may be None
        :raises InvalidConfiguration: Neutron does not answer
        """
        wanted = sorted(network_ids)
        try:
            found = neutron.API().list_ports(
                nova_context.get_admin_context(), network_id=wanted,
                fields=BINDING)['ports']
            return [{name: port.get(name) for name in BINDING}
                    for port in found]
        except Exception as error:
            raise exception.InvalidConfiguration(
                'Neutron cannot be asked which hosts have servers on the '
                'network %s.' % ', '.join(wanted), '%s' % error,
                'Try again when Neutron answers; see [neutron] in nova.conf.'
            ) from error

    def is_deleted(self, port_id: str) -> bool:
        """Return whether Neutron says that a port does not exist.

        Ask as an administrator: the user may not be allowed to see the port.
        """
        try:
            neutron.API().show_port(nova_context.get_admin_context(), port_id)
        except nova_exception.PortNotFound:
            return True
        except Exception as error:
            LOG.warning('Cannot get port %s from Neutron: %s', port_id,
                        error)
        return False
