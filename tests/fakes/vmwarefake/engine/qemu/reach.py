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


"""How the host reaches the guests on a virtual network.

On VMware the host has an interface on each network. Here, depending on what
this machine and this user may do, it is

``interface``
    an interface of the host, as on VMware, which needs root;
``namespace``
    an interface in a network namespace of the user's own, which needs
    unprivileged user namespaces and a /dev/net/tun that the user may open;
``forwarding``
    a port that QEMU's user-mode network forwards, for each connection.

Whichever it is, :meth:`Way.connect` connects to a guest.
"""

from __future__ import annotations

import errno
import os
import socket

from vmwarefake.engine.qemu import namespace
from vmwarefake.engine.qemu import tap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Protocol

    class Forwarder(Protocol):
        """What forwards ports."""

        def forward_briefly(self, address: str, port: int) -> int:
            """Return a port of 127.0.0.1 that leads to a guest."""

INTERFACE, NAMESPACE, FORWARDING = 'interface', 'namespace', 'forwarding'


class Way:
    """A way from the host to the guests.

    :ivar description: how they are reached, for vmware.log.
    :ivar tap: descriptor of the interface, None without one.
    """

    def __init__(self, description: str, tap: int | None) -> None:
        self.description = description
        self.tap = tap

    def connect(self, address: str, port: int) -> socket.socket:
        """Return a socket that is connecting to a guest.

        It is not blocking, since the frames of the connection may go through
        this process. Its user waits until it can be written to.

        :raises OSError: if it fails at once.
        """
        return _connecting(address, port)


class Forwarding(Way):
    """The way through a port of the host.

    :param reason: why there is no better one, '' if none was wanted.
    """

    def __init__(self, forwarder: Forwarder, reason: str) -> None:
        super().__init__(_because('ports that QEMU forwards', reason), None)
        self._forwarder = forwarder

    def connect(self, address: str, port: int) -> socket.socket:
        return _connecting(
            '127.0.0.1', self._forwarder.forward_briefly(address, port))


def find(ways: abc.Sequence[str], name: str, address: str, mask: str,
         forwarder: Forwarder) -> Way:
    """Return the first way that is possible here.

    :param ways: such as INTERFACE, in the order of preference.
    :param name: of the interface, such as ``vmnet8``.
    :param address: of the host on the network.
    :raises OSError: if none is possible.
    """
    reasons: list[str] = []
    for way in ways:
        reason = '; '.join(reasons)
        try:
            if way == INTERFACE:
                return Way('the interface %s of the host' % name,
                           tap.create(name, address, mask))
            if way == NAMESPACE:
                return Way(
                    _because('the interface %s in the network namespace of '
                             'process %d' % (name, os.getpid()), reason),
                    _tap_in_namespace(name, address, mask))
            return Forwarding(forwarder, reason)
        except OSError as e:
            reasons.append('no %s: %s' % (way, namespace.explain(e)))
    raise OSError('; '.join(reasons))


def _because(text: str, reason: str) -> str:
    return '%s (%s)' % (text, reason) if reason else text


def _tap_in_namespace(name: str, address: str, mask: str) -> int:
    def make() -> int:
        namespace.enter()
        # The kernel uses it to say that nobody has an address.
        tap.bring_up('lo')
        return tap.create(name, address, mask)

    # A namespace without an interface would lead nowhere, not even to
    # 127.0.0.1, and a process cannot leave it.
    reason = namespace.try_in_child(make)
    if reason:
        raise OSError(reason)
    return make()


def _connecting(address: str, port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    error = sock.connect_ex((address, port))
    if error not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(error, os.strerror(error))
    return sock
