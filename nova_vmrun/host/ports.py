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

"""Whether a TCP port of this host is free."""

from collections.abc import Iterable
import errno
import os
import socket

import psutil

from nova_vmrun import system

# Whoever listens on this host takes a connection at once, in seconds.
_PATIENCE = 1.0
_WILDCARDS = ('0.0.0.0', '::')


def claim(address: str, port: int) -> None:
    """Checks that a server could listen, and would be the one to be reached.

    :param address: of this host, or a name of it
    :param port: number; 0 asks for the address alone
    :raises OSError: it cannot; EADDRINUSE: somebody else listens
    """
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections of the last one may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        # Before we listen: we would hear ourselves.
        if port and system.here().binds_beside_others and any(
                _is_served(family, each, port)
                for each in _own_addresses(family, address)):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        probe.listen()


def _is_served(family: int, address: str, port: int) -> bool:
    with socket.socket(family) as client:
        client.settimeout(_PATIENCE)
        try:
            client.connect((address, port))
        except TimeoutError:
            # Whoever listens is too busy.
            return True
        except OSError:
            return False
    return True


def _own_addresses(family: int, address: str) -> Iterable[str]:
    """Returns the addresses at which a server could be reached."""
    if address not in _WILDCARDS:
        return [address]
    # Link-local ones are of no use without the name of their interface.
    return {each.address for interface in psutil.net_if_addrs().values()
            for each in interface
            if each.family == family and '%' not in each.address}
