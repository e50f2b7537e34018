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

"""Connect standard input and output with the sshd of a node.

ssh runs it as its ProxyCommand on the first machine; for a node, the gate
does. Nodes reach each other only through here, by their names, so their own
sshd need not listen on a network.
"""

import argparse
from collections.abc import Sequence
import os
import selectors
import socket
import sys

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import registry
from nova_vmrun import exception

# Seconds for a connection to this machine, and bytes of one transfer.
_TIMEOUT = 10
_CHUNK = 1 << 18


def port(layout: aio_layout.Layout, settings: aio_settings.Settings,
         host: str) -> int:
    """Return the port of this machine that leads to a node's sshd.

    :param host: the name of the node, with DOMAIN after it
    :raises AioError: there is no such node
    """
    name = host.removesuffix(keys.DOMAIN)
    if name == settings.host.lower():
        return settings.ports['gateway']
    return registry.load(layout).node(name).ports.ssh


def connect(layout: aio_layout.Layout, settings: aio_settings.Settings,
            host: str) -> None:
    """Connect with a node until one side closes.

    :raises AioError: it cannot be reached
    """
    number = port(layout, settings, host)
    address = (settings.gateway_contact
               if number == settings.ports['gateway']
               else aio_settings.ADDRESS)
    try:
        connection = socket.create_connection((address, number), _TIMEOUT)
    except OSError as error:
        raise errors.AioError(
            '%.100s is not connected with the first machine.' % host,
            '%s.' % (error.strerror or error),
            'Start it, and see "nova-vmrun node list".') from error
    with connection:
        connection.settimeout(None)
        splice(connection, sys.stdin.fileno(), sys.stdout.fileno())


def splice(connection: socket.socket, source: int, target: int) -> None:
    """Copy both ways until the connection ends.

    :param source: file descriptor that is read
    :param target: file descriptor that is written to
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                try:
                    if key.fileobj is connection:
                        data = connection.recv(_CHUNK)
                        if not data:
                            return
                        _write(target, data)
                        continue
                    data = os.read(source, _CHUNK)
                    if data:
                        connection.sendall(data)
                    else:
                        selector.unregister(source)
                        connection.shutdown(socket.SHUT_WR)
                except OSError:
                    # One of the sides has gone away.
                    return


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view):]


def main(argv: Sequence[str] | None = None) -> int:
    """Connect with the node that an argument names.

    :param argv: arguments without the program name
    :returns: exit status
    """
    parser = argparse.ArgumentParser(prog='nova_vmrun.cluster.first.peer')
    parser.add_argument('--state-dir', required=True)
    parser.add_argument('host')
    parsed = parser.parse_args(argv)
    try:
        layout = aio_layout.Layout(parsed.state_dir)
        connect(layout, aio_settings.load(layout), parsed.host)
    except exception.VmrunError as error:
        sys.stderr.write('%s\n' % error)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
