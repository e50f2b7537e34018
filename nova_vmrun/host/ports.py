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

"""Check whether a TCP port of this host is available."""

from collections.abc import Iterable
import errno
import os
import socket

import psutil

from nova_vmrun import system

# Seconds to wait for a connection to this host; a listener accepts at once.
_CONNECT_SECONDS = 1.0
_WILDCARDS = ('0.0.0.0', '::')


def require_free(address: str, port: int) -> None:
    """Raise OSError unless a server could listen on a port and be reached.

    :param address: address or name of this host
    :param port: number; 0: check the address only
    :raises OSError: EADDRINUSE if another process listens
    """
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family) as probe:
        # Set this as servers do, because old connections may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        # Check this before we listen ourselves.
        if port and system.here().allows_same_port and any(
                _is_served(family, each, port)
                for each in _own_addresses(family, address)):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        probe.listen()


def require_reachable(address: str) -> None:
    """Raise OSError unless this host can connect to itself.

    :param address: of this host
    :raises OSError: a firewall may drop the connection
    """
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname(),
                                      _CONNECT_SECONDS):
            return


def _is_served(family: int, address: str, port: int) -> bool:
    with socket.socket(family) as client:
        client.settimeout(_CONNECT_SECONDS)
        try:
            client.connect((address, port))
        except TimeoutError:
            # The listener is too busy.
            return True
        except OSError:
            return False
    return True


def _own_addresses(family: int, address: str) -> Iterable[str]:
    """Return the addresses at which a server could be reached."""
    if address not in _WILDCARDS:
        return [address]
    # Link-local addresses are useless without the name of their interface.
    return {each.address for interface in psutil.net_if_addrs().values()
            for each in interface
            if each.family == family and '%' not in each.address}
