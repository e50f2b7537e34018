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


"""Says that nothing enforces security groups on VMware's networks."""

import contextlib

from nova.network import security_group_api
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def warned(context, instance, network_info=None, power_on=True):
    """Goes around what boots a server, and warns when it has booted.

    :param power_on: False: the server stays off, and no warning is due; the
        other parameters are those of warn
    """
    yield
    if power_on:
        warn(context, instance, network_info)


def warn(context, instance, network_info=None):
    """Writes one warning if a server's ports have security groups.

    It is no error: Neutron makes a default group for each project. Whatever
    Neutron answers, or fails to, the server is started.

    :param context: nova.context.RequestContext
    :param instance: nova.objects.Instance
    :param network_info: nova.network.model.NetworkInfo; None: what Nova
        remembers
    """
    try:
        if network_info is None:
            network_info = instance.get_network_info()
        if not network_info:
            return
        groups = security_group_api.get_instance_security_groups(
            context, instance)
    except Exception as error:
        LOG.debug('The security groups of the server are unknown: %s', error,
                  instance=instance)
        return
    names = sorted({group['name'] for group in groups})
    if names:
        LOG.warning(
            "Nothing enforces security groups on VMware's networks: the "
            'rules of %s have no effect on this server. Use a firewall in '
            'the guest, or a network that does not let anybody in.',
            ', '.join(names), instance=instance)
