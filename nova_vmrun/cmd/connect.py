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
import contextlib
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
    program would. It ends when the server closes the connection, and fails if
    anything was lost. Use it as a ProxyCommand of ssh; "nova-vmrun aio up"
    writes a file ssh_config that does.
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
            relay(sock, sys.stdin.fileno(), sys.stdout.fileno(),
                  '%s port %d' % (parsed_args.address, parsed_args.port))


def _address(text: str) -> reach.Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError('%r is not an IP address' % text)


def relay(sock: socket.socket, source: int, target: int, peer: str) -> None:
    """Copy what comes until the other end closes the connection.

    :param source: descriptor whose content is sent
    :param target: descriptor that gets what is received
    :param peer: what the other end is called in errors
    :raises AioError: something was lost, or nobody is at the other end
    :raises BrokenPipeError: nobody reads the target any more
    """
    sender = _Sender(sock, source)
    # Nobody waits for it: its source may never end.
    sender.start()
    received = 0
    while data := _receive(sock, sender, peer, received):
        received += len(data)
        _write(target, data, peer)
    if sender.unread is not None:
        raise errors.AioError(
            'Standard input cannot be read.', _reason(sender.unread),
            'Give a file or a pipe.') from sender.unread
    if not received and not sender.has_ended:
        raise _nobody(peer)
    if sender.unsent is not None:
        raise errors.AioError(
            '%s has closed the connection before it took all of standard '
            'input.' % peer, _reason(sender.unsent),
            'Look at what it has answered, and at the logs in the server.'
        ) from sender.unsent


def _receive(sock: socket.socket, sender: '_Sender', peer: str,
             received: int) -> bytes:
    try:
        return sock.recv(_CHUNK)
    except OSError as error:
        if not received and not sender.has_ended:
            raise _nobody(peer) from error
        raise errors.AioError(
            'The connection to %s has broken.' % peer,
            '%s after %d bytes had been received, so something may be '
            'missing.' % (_reason(error)[:-1], received),
            'Check that the server and the service still run, and try '
            'again.') from error


def _write(target: int, data: bytes, peer: str) -> None:
    try:
        while data:
            data = data[os.write(target, data):]
    except BrokenPipeError:
        # The reader has what it wanted, as "head" does.
        raise
    except OSError as error:
        raise errors.AioError(
            'What %s sends cannot be written to standard output.' % peer,
            _reason(error), 'Make room, or send the output elsewhere, and '
            'try again.') from error


def _nobody(peer: str) -> errors.AioError:
    return errors.AioError(
        '%s has closed the connection without an answer.' % peer,
        'Nobody is there, the port is closed, or the service has ended '
        'before it took all of standard input.',
        'Check that the server has booted: openstack console log show.')


def _reason(error: OSError) -> str:
    return '%s.' % (error.strerror or error)


class _Sender(threading.Thread):
    """Sends what it reads.

    :ivar has_ended: all of the source, and its end, have been sent
    :ivar unread: why the source cannot be read; None if it can
    :ivar unsent: why something could not be sent; None if all was
    """

    def __init__(self, sock: socket.socket, source: int) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self._source = source
        self.has_ended = False
        self.unread: OSError | None = None
        self.unsent: OSError | None = None

    def run(self) -> None:
        while data := self._read():
            try:
                self._sock.sendall(data)
            except OSError as error:
                # The connection is closed, which the other direction notices.
                self.unsent = error
                return
        # First: once the end is sent, the other end may close at once.
        self.has_ended = self.unread is None
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR if self.unread
                                else socket.SHUT_WR)

    def _read(self) -> bytes:
        try:
            return os.read(self._source, _CHUNK)
        except OSError as error:
            self.unread = error
            return b''
