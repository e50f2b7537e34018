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

"""Whether the services can be reached by other machines."""

from collections.abc import Iterable
from concurrent import futures
import socket
import ssl

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

# Seconds.
_TIMEOUT = 10


def complaint(layout: aio_layout.Layout, settings: aio_settings.Settings,
              service: str) -> str | None:
    """Return why a client cannot connect with a service, or None if it can.

    :param service: whose listeners are asked, one after the other
    """
    for name in aio_settings.PORT_OWNERS[service]:
        if not settings.is_public(name):
            continue
        try:
            connect(layout, settings, name)
        except (OSError, ValueError) as error:
            return '%s cannot be reached at %s: %s' % (
                name, settings.listen, getattr(error, 'strerror', None)
                or error)
    return None


def complaints(layout: aio_layout.Layout, settings: aio_settings.Settings,
               services: Iterable[str]) -> dict[str, str | None]:
    """Return what is wrong with each of several services."""
    wanted = list(services)
    with futures.ThreadPoolExecutor(len(wanted) or 1) as pool:
        return dict(zip(wanted, pool.map(
            lambda name: complaint(layout, settings, name), wanted)))


def connect(layout: aio_layout.Layout, settings: aio_settings.Settings,
            name: str) -> None:
    """Connect with a listener, and disconnect.

    :raises OSError: it cannot be reached, or has another certificate
    :raises ValueError: its address is not one
    """
    with socket.create_connection((settings.listen, settings.ports[name]),
                                  _TIMEOUT) as sock:
        if not settings.tls:
            return
        context = ssl.create_default_context(cafile=layout.ca)
        with context.wrap_socket(sock, server_hostname=settings.listen):
            pass
