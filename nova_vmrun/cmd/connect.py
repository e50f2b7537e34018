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


"""``nova-vmrun connect``: a connection to a server, for ssh and others."""

import argparse
import ipaddress
import os
import socket
import sys
import threading

from cliff import command

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import reach
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir

_CHUNK = 1 << 16


class Connect(plain.Plain, command.Command):
    """Connect standard input and output to a TCP port of a server.

    With the fake vmrun, this reaches servers on its NAT and host-only networks
    even if this host has no interface there. With VMware, it connects as any
    program would. Use it as a ProxyCommand of ssh; "nova-vmrun aio up" writes
    a file ssh_config that does.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        parser.add_argument(
            'address', metavar='<address>', type=_address,
            help='IP address of the server, as Nova shows it')
        parser.add_argument(
            'port', metavar='<port>', type=state_dir.port, help='TCP port')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout = aio_layout.Layout(parsed_args.state_dir)
        with reach.connect(layout, parsed_args.address,
                           parsed_args.port) as sock:
            if not relay(sock, sys.stdin.fileno(), sys.stdout.fileno()):
                raise errors.AioError(
                    '%s port %d has closed the connection at once.'
                    % (parsed_args.address, parsed_args.port),
                    'Nobody is there, or the port is closed.',
                    'Check that the server has booted: openstack console log '
                    'show.')


def _address(text: str) -> reach.Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError('%r is not an IP address' % text)


def relay(sock: socket.socket, source: int, target: int) -> int:
    """Copy what comes until the other end closes the connection.

    :param source: descriptor whose content is sent
    :param target: descriptor that gets what is received
    :returns: the number of bytes that were received
    """
    # Nobody waits for it: its source may never end.
    threading.Thread(target=_send, args=(sock, source), daemon=True).start()
    received = 0
    try:
        while data := sock.recv(_CHUNK):
            received += len(data)
            while data:
                data = data[os.write(target, data):]
    except OSError:
        # Either end is gone, and ssh says so itself.
        pass
    return received


def _send(sock: socket.socket, source: int) -> None:
    try:
        while data := os.read(source, _CHUNK):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        # The connection is closed, which the other direction notices.
        return
