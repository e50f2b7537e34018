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


"""A warning that nothing enforces security groups on VMware's networks."""

from collections import abc
import functools
import inspect
from typing import ParamSpec, TypeVar

from nova import context as nova_context
from nova.network import model
from nova.network import security_group_api
from nova.objects import instance as nova_instance
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_P = ParamSpec('_P')
_T = TypeVar('_T')


def warn_after_start(method: abc.Callable[_P, _T]) -> abc.Callable[_P, _T]:
    """Decorate a method that starts a server, to warn when it has.

    The parameters ``context``, ``instance`` and, if there is one,
    ``network_info`` are those of warn. There is no warning if the parameter
    ``power_on`` is False.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        result = method(*args, **kwargs)
        named = signature.bind(*args, **kwargs).arguments
        if named.get('power_on', True):
            warn(named['context'], named['instance'],
                 named.get('network_info'))
        return result

    return wrapper


def warn(context: nova_context.RequestContext,
         instance: nova_instance.Instance,
         network_info: model.NetworkInfo | None = None) -> None:
    """Log one warning if the ports of a server have security groups.

    This is not an error: Neutron gives each project a default group. Whatever
    Neutron answers, the server has started.

    :param network_info: None: use the ports that Nova remembers
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
            'the guest, or a network that others cannot reach.',
            ', '.join(names), instance=instance)
