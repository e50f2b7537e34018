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

"""Which hosts are lost, says Nova: those whose nova-compute is forced down.

A host's ports name it in Neutron until their servers have been evacuated, one
after the other. Only an operator says that a host is off. Nova is asked with
the credentials that Neutron has for it, in [nova].
"""

from collections import abc

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1 import loading
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Seconds to wait for Nova, which may be waiting for this port.
_TIMEOUT = 10
# The first version that tells forced_down.
_MICROVERSION = '2.11'


def among(hosts: abc.Iterable[str],
          conf: cfg.ConfigOpts = cfg.CONF) -> set[str]:
    """Return those of the hosts that an operator says are off.

    If Nova cannot be asked, that is logged, and none is.

    :param hosts: names
    :param conf: Neutron's options; those of [nova] are registered
    """
    wanted = set(hosts)
    if not wanted:
        return set()
    try:
        session = loading.load_session_from_conf_options(
            conf, 'nova', timeout=_TIMEOUT,
            auth=loading.load_auth_from_conf_options(conf, 'nova'))
        services = adapter.Adapter(
            session, service_type='compute',
            interface=conf.nova.endpoint_type,
            region_name=conf.nova.region_name).get(
                '/os-services', params={'binary': 'nova-compute'},
                microversion=_MICROVERSION).json()['services']
        return {service['host'] for service in services
                if service['forced_down']} & wanted
    except (exceptions.ClientException, ValueError, KeyError,
            TypeError) as error:
        LOG.warning('Nova cannot be asked whether host %(hosts)s is forced '
                    'down: %(error)s. Until it can, the servers there count. '
                    'Look at [nova] in neutron.conf: its user needs the role '
                    'admin.',
                    {'hosts': ', '.join(sorted(wanted)), 'error': error})
        return set()
