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

"""Serial ports of servers: console logs, consoles and concentrators."""

import contextlib
import errno
import re
import socket
import threading

from nova.console import type as console_type
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.host import ports
from nova_vmrun.machine import model
from nova_vmrun.ops import parts
from nova_vmrun.server.serial import bridge
from nova_vmrun.server.serial import console_log
from nova_vmrun.server.serial import tickets
from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

# How often logs of running servers are kept short.
_TRIM_SECONDS = 60
# To check the length of the path of a Unix socket.
_A_UUID = '00000000-0000-0000-0000-000000000000'
# What VMware's serial ports can connect to. VMware needs a port number.
_URI = re.compile(r'(tcp|tcp4|tcp6|telnet|telnets|ssl|tcp\+ssl)://'
                  r'([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}', re.ASCII)


class SerialConsoles:
    """The serial ports of this host's servers.

    :raises InvalidConfiguration: the options do not fit the host
    """

    def __init__(self, host: parts.Host, servers: parts.Servers) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._vmx_files = servers.vmx_files
        conf = host.conf
        self._service = conf.vmrun.serial_port_service_uri
        self._proxy = conf.vmrun.serial_port_proxy_uri
        self._address = conf.serial_console.proxyclient_address
        self._conf = conf
        self._has_consoles = False
        self._bridge: bridge.SerialBridge | None = None
        self._ended = threading.Event()
        if self._service:
            _require_uri('serial_port_service_uri', self._service)
            if self._proxy:
                _require_uri('serial_port_proxy_uri', self._proxy)
        if conf.serial_console.enabled:
            self._refuse_two_ends()
            self._refuse_long_paths()
            self._has_consoles = True

    def begin(self) -> None:
        """Start to serve consoles, also of servers that are running.

        Only nova-compute calls this, since a port admits one program.

        :raises InvalidConfiguration: it cannot listen
        """
        if self._has_consoles:
            self._bridge = bridge.SerialBridge(
                self._layout, _listen(self._conf.serial_console),
                tickets.Tickets(self._conf.consoleauth.token_ttl))
            self._bridge.start([record.uuid for record in
                                self._records.all()])
        # Nova has no periodic call for this, and an operator can turn off the
        # ones for the image cache and the resources. Guests must not be able
        # to fill the disk then.
        threading.Thread(target=self._trim_periodically, daemon=True,
                         name='trim-console-logs').start()

    def _trim_periodically(self) -> None:
        while not self._ended.wait(_TRIM_SECONDS):
            try:
                self.trim_logs()
            except Exception:
                LOG.exception('Cannot trim the console logs')

    def end(self) -> None:
        """Stop using the ports; the servers keep running."""
        self._ended.set()
        if self._bridge:
            self._bridge.stop()

    def ports(self, uuid: str, count: int) -> tuple[model.Serial, ...]:
        """Return the serial ports of a server, with absolute paths.

        :param count: how many its image and flavor ask for
        """
        found = [model.Serial('file', log.path) for log in self._logs(uuid)]
        if self._service:
            first = model.Serial('network', self._service,
                                 proxy=self._proxy)
            return (first, *found[:min(count, model.MAX_SERIALS - 1)])
        if self._has_consoles:
            found[0] = model.Serial('pipe',
                                    self._layout.serial_socket(uuid))
        return tuple(found[:count])

    def before_start(self, uuid: str) -> None:
        """Prepare the files that VMware will open, unless the VM is on."""
        if not vm_process.is_locked(self._layout.folder(uuid)):
            for log in self._logs(uuid):
                log.rotate()
            files.remove_socket(self._layout.serial_socket(uuid))
        if self._bridge:
            self._bridge.watch(uuid)

    def console(self, uuid: str) -> console_type.ConsoleSerial | None:
        """Return where nova-serialproxy finds the console of a server.

        The path in it is a secret that Nova keeps with the token.

        :returns: None if the server has no console
        """
        if not self._bridge or not self._bridge.serves or (
                not self._has_pipe(uuid)):
            return None
        return console_type.ConsoleSerial(
            self._address, self._bridge.port, self._bridge.issue(uuid))

    def _has_pipe(self, uuid: str) -> bool:
        try:
            keys = self._vmx_files.load(uuid)
        except (OSError, exception.VmNotFound, exception.InvalidVmx):
            return False
        return keys.get('serial0.fileType', '').lower() == 'pipe'

    def log(self, uuid: str) -> bytes:
        """Return the end of the log of a server's first serial port.

        :returns: 100 KiB at most; empty before the first start
        """
        tail: bytes = self._logs(uuid)[0].tail()
        return tail

    def trim_logs(self) -> None:
        """Keep the logs of running servers from filling the disk."""
        for record in self._records.all():
            for log in self._logs(record.uuid):
                try:
                    log.trim()
                except OSError as error:
                    LOG.warning('Cannot trim the console log %s: %s', log.path,
                                error)

    def _logs(self, uuid: str) -> list[console_log.ConsoleLog]:
        """Return the logs of all ports that a server can have."""
        paths = [self._layout.console_log(uuid)]
        paths += [self._layout.serial_log(uuid, number)
                  for number in range(1, model.MAX_SERIALS)]
        return [console_log.ConsoleLog(path) for path in paths]

    def _refuse_two_ends(self) -> None:
        if self._service:
            raise exception.InvalidConfiguration(
                '[serial_console] enabled and [vmrun] '
                'serial_port_service_uri are both set.',
                'The first serial port of a server can have only one of them.',
                'Unset one of them.')

    def _refuse_long_paths(self) -> None:
        paths.require_socket(
            self._layout.serial_socket(_A_UUID), 'serial consoles',
            'set [serial_console] enabled to False')


def _require_uri(option: str, value: str) -> None:
    if not _URI.fullmatch(value):
        raise exception.InvalidConfiguration(
            '[vmrun] %s cannot be used.' % option,
            '%r is not the address of a serial port.' % value,
            'Write it as telnet://host:port, or with tcp, telnets or ssl.')


def _listen(options: cfg.ConfigOpts) -> socket.socket:
    """Open the TCP port for the serial consoles of this host.

    :param options: Nova's [serial_console]
    """
    address = options.proxyclient_address
    try:
        numbers = vmrun_conf.port_range(options.port_range)
        family = socket.getaddrinfo(address, numbers[0],
                                    type=socket.SOCK_STREAM)[0][0]
        for number in numbers:
            with contextlib.suppress(BlockingIOError):
                return _listen_at(address, number, family)
    except (OSError, ValueError) as error:
        raise exception.InvalidConfiguration(
            'Serial consoles cannot listen on [serial_console] '
            'proxyclient_address %s, port_range %s.'
            % (address, options.port_range), '%s.' % error,
            'Use an address of this host, and a range like 10000:20000.')
    raise exception.InvalidConfiguration(
        'No port is left for the serial consoles of this host.',
        'All ports of [serial_console] port_range %s are in use.'
        % options.port_range, 'Widen the range.')


def _listen_at(address: str, number: int,
               family: socket.AddressFamily) -> socket.socket:
    """Raise BlockingIOError if another program has the port."""
    try:
        ports.require_free(address, number)
        return socket.create_server((address, number), family=family)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise BlockingIOError(*error.args)
        raise
