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


"""Connections from this host to the servers of a control plane.

With VMware, the host has an interface on each NAT and host-only network. With
the fake, that would need root. Instead, the fake offers a Unix socket for each
network, over which it passes connected sockets. The protocol is described in
tests/fakes/vmwarefake/engine/qemu/vmnetd.py.
"""

from collections.abc import Iterator
import contextlib
import ipaddress
import json
import os
import pathlib
import select
import socket
import sys
import tempfile

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Seconds to wait for a server, and for an answer of the fake.
TIMEOUT = 20
_ANSWER = 10
_NAME = 'vmnetd.sock'
_LONGEST_ANSWER = 4096


def connect(layout: aio_layout.Layout, address: Address,
            port: int) -> socket.socket:
    """Connect to a server by TCP.

    :raises AioError: it does not answer, or the fake has no network with this
        address
    """
    try:
        if layout.fakes.is_dir():
            return _ask_fake(layout, address, port)
        return socket.create_connection((str(address), port), TIMEOUT)
    except OSError as error:
        raise errors.AioError(
            'No connection to %s port %d.' % (address, port),
            '%s.' % (error.strerror or error),
            'Check that the server runs and has this address: openstack '
            'server list.') from error


def proxy_command(layout: aio_layout.Layout) -> list[str] | None:
    """Return the words of ssh's ProxyCommand, or None if it needs none.

    They are not quoted. The caller appends the address and port, %h and %p.
    """
    if not layout.fakes.is_dir():
        return None
    # -P keeps Python from importing files in the user's working directory.
    return [sys.executable, '-P', '-m', 'nova_vmrun.cmd.main', 'connect',
            '--state-dir', str(layout.root)]


def _ask_fake(layout: aio_layout.Layout, address: Address,
              port: int) -> socket.socket:
    refusals = []
    for folder in _networks(layout):
        answer, fds = _ask(folder, address, port)
        if fds:
            return _connected(socket.socket(fileno=fds[0]))
        refusals.append(answer)
    raise errors.AioError(
        'No network of the fake vmrun has the address %s.' % address,
        '%s.' % '; '.join(refusals) if refusals else
        'No server that QEMU runs has a network.',
        'Look at the addresses with: openstack server list.')


def _networks(layout: aio_layout.Layout) -> Iterator[pathlib.Path]:
    """Yield the folders of the networks that the host could reach."""
    for path in sorted((layout.fake_state / 'net').glob('*/' + _NAME)):
        # The host has no interface on a LAN segment.
        if not path.parent.name.startswith('pvn-'):
            yield path.parent


def _ask(folder: pathlib.Path, address: Address,
         port: int) -> tuple[str, list[int]]:
    """Ask a network of the fake for a connection.

    :returns: why it was refused, and the socket's descriptor if it was not
    """
    request = json.dumps({'connect': [str(address), port]}) + '\n'
    try:
        with _short(folder) as path, socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_ANSWER)
            sock.connect(os.path.join(path, _NAME))
            sock.sendall(request.encode('ascii'))
            data, fds, _, _ = socket.recv_fds(sock, _LONGEST_ANSWER, 1)
        return json.loads(data).get('error', ''), fds
    except (OSError, ValueError) as error:
        return '%s does not answer: %s' % (folder.name, error), []


@contextlib.contextmanager
def _short(folder: pathlib.Path) -> Iterator[str]:
    """Yield a short path to a folder, since paths of sockets are limited."""
    with tempfile.TemporaryDirectory(prefix='nova-vmrun-') as place:
        link = os.path.join(place, 'network')
        os.symlink(folder, link)
        yield link


def _connected(sock: socket.socket) -> socket.socket:
    """Wait until a socket is connected.

    :raises OSError: it cannot be connected, or it takes too long
    """
    _, ready, _ = select.select([], [sock], [], TIMEOUT)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error or not ready:
        sock.close()
        raise OSError(error, os.strerror(error)) if error else TimeoutError(
            'nobody answers within %d s' % TIMEOUT)
    sock.settimeout(None)
    return sock
