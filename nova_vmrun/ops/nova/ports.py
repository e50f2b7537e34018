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

"""What Neutron itself says of ports, where what Nova remembers is in doubt."""

from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.network import neutron
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Ports:
    """Asks Neutron, as Nova's own service user: hold no lock meanwhile."""

    def of_server(self, context, instance) -> model.NetworkInfo | None:
        """Returns a server's ports and corrects what Nova remembers.

        :param context: nova.context.RequestContext
        :param instance: nova.objects.Instance
        :returns: None if Neutron cannot be asked
        """
        try:
            # Without force, Nova looks only at the ports that it remembers.
            return neutron.API().get_instance_nw_info(
                context, instance, force_refresh=True)
        except Exception as error:
            # Of any kind: no answer must never pass for "no ports".
            LOG.warning('Neutron cannot be asked for the ports of the '
                        'server: %s', error, instance=instance)
            return None

    def is_deleted(self, port_id: str) -> bool:
        """Tells whether Neutron says that a port does not exist.

        The user may not be allowed to see the port, so the user is not the
        one who asks.
        """
        try:
            neutron.API().show_port(nova_context.get_admin_context(), port_id)
        except nova_exception.PortNotFound:
            return True
        except Exception as error:
            LOG.warning('Neutron cannot be asked for port %s: %s', port_id,
                        error)
        return False
