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
import threading
import time

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1 import loading
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Neutron tries to bind a port ten times before it gives up, and any user can
# have it do so as often as they like. Nova is asked once in so many seconds.
REMEMBERED_SECONDS = 3
# Seconds to wait for Nova, which may be waiting for this port.
_TIMEOUT = 10
# The first version that tells forced_down.
_MICROVERSION = '2.11'


class LostHosts:
    """Asks Nova, and remembers for a moment what it said.

    Threads that want to know at the same time wait for the first answer; later
    they use the last one while another asks.

    :param conf: Neutron's options; those of [nova] are registered when Nova is
        first asked
    :param clock: returns monotonic seconds
    """

    def __init__(self, conf: cfg.ConfigOpts = cfg.CONF,
                 clock: abc.Callable[[], float] = time.monotonic) -> None:
        self._conf = conf
        self._clock = clock
        self._lock = threading.Lock()
        self._nova: adapter.Adapter | None = None
        self._lost: set[str] = set()
        self._expiry: float | None = None

    def among(self, hosts: abc.Iterable[str]) -> set[str]:
        """Return those of the hosts that an operator says are off.

        If Nova cannot be asked, that is logged, and none is. That, too, is
        remembered: each attempt may take as long as Nova is waited for.

        :param hosts: names
        """
        wanted = set(hosts)
        if not wanted:
            return set()
        if not self._lock.acquire(blocking=self._expiry is None):
            return wanted & self._lost
        try:
            if self._expiry is None or self._clock() >= self._expiry:
                self._lost = self._ask(wanted)
                self._expiry = self._clock() + REMEMBERED_SECONDS
            return wanted & self._lost
        finally:
            self._lock.release()

    def _ask(self, wanted: set[str]) -> set[str]:
        """Return all hosts that are lost.

        :param wanted: the hosts to name if Nova cannot be asked
        """
        try:
            if self._nova is None:
                self._nova = self._connect()
            services = self._nova.get(
                '/os-services', params={'binary': 'nova-compute'},
                microversion=_MICROVERSION).json()['services']
            return {service['host'] for service in services
                    if service['forced_down']}
        except (exceptions.ClientException, ValueError, KeyError,
                TypeError) as error:
            LOG.warning('Nova cannot be asked whether host %(hosts)s is '
                        'forced down: %(error)s. Until it can, the servers '
                        'there count. Look at [nova] in neutron.conf: its '
                        'user needs the role admin.',
                        {'hosts': ', '.join(sorted(wanted)), 'error': error})
            return set()

    def _connect(self) -> adapter.Adapter:
        """Return a client of Nova that logs in once, and again as needed."""
        session = loading.load_session_from_conf_options(
            self._conf, 'nova', timeout=_TIMEOUT,
            auth=loading.load_auth_from_conf_options(self._conf, 'nova'))
        return adapter.Adapter(
            session, service_type='compute',
            interface=self._conf.nova.endpoint_type,
            region_name=self._conf.nova.region_name)
