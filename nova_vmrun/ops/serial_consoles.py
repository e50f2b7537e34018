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

"""The serial ports of servers: console logs, consoles, and concentrators."""

import contextlib
import errno
import os
import re
import socket
import stat
import threading

from nova.console import type as console_type
from oslo_log import log as logging

from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception
from nova_vmrun.host import ports
from nova_vmrun.machine import model
from nova_vmrun.server.serial import bridge
from nova_vmrun.server.serial import console_log
from nova_vmrun.server.serial import tickets
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file
from nova_vmrun import system

LOG = logging.getLogger(__name__)

# How often logs of running servers are kept short.
_TRIM_SECONDS = 60
# Bytes of a Unix socket's path, the fewest of the systems we run on (macOS).
_A_UUID = '00000000-0000-0000-0000-000000000000'
# What VMware's serial ports connect to. The port of the address must be there.
_URI = re.compile(r'(tcp|tcp4|tcp6|telnet|telnets|ssl|tcp\+ssl)://'
                  r'([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}', re.ASCII)


class SerialConsoles:
    """Serial ports of this host's servers.

    :param conf: nova.conf.CONF
    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    :raises InvalidConfiguration: the options and the host do not fit
    """

    def __init__(self, conf, layout, records):
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_file.VmxFiles(layout)
        self._service = conf.vmrun.serial_port_service_uri
        self._proxy = conf.vmrun.serial_port_proxy_uri
        self._address = conf.serial_console.proxyclient_address
        self._conf = conf
        self._has_consoles = False
        self._bridge = None
        self._ended = threading.Event()
        if self._service:
            _refuse_what_is_no_uri('serial_port_service_uri', self._service)
            if self._proxy:
                _refuse_what_is_no_uri('serial_port_proxy_uri', self._proxy)
        if conf.serial_console.enabled:
            self._refuse_two_ends()
            self._refuse_long_paths()
            self._has_consoles = True

    def begin(self):
        """Listens, and takes up the ports of servers that run already.

        A port admits one program: nova-compute alone calls this.

        :raises InvalidConfiguration: it cannot listen
        """
        if self._has_consoles:
            self._bridge = bridge.SerialBridge(
                self._layout, _listen(self._conf.serial_console),
                tickets.Tickets(self._conf.consoleauth.token_ttl))
            self._bridge.start([record.uuid for record in
                                self._records.all()])
        # Nova has no periodic call for this: an operator can turn off those
        # of the image cache and of resources, and guests would fill the disk.
        threading.Thread(target=self._trim_periodically, daemon=True,
                         name='trim-console-logs').start()

    def _trim_periodically(self) -> None:
        while not self._ended.wait(_TRIM_SECONDS):
            try:
                self.trim_logs()
            except Exception:
                LOG.exception('Cannot trim the console logs')

    def end(self):
        """Stop using the ports; the servers keep running."""
        self._ended.set()
        if self._bridge:
            self._bridge.stop()

    def ports(self, uuid, count):
        """Says what the serial ports of a server are.

        :param count: how many its image and flavor ask for
        :returns: tuple of machine.Serial, with absolute paths
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

    def before_start(self, uuid):
        """Prepares what VMware opens; does nothing to a VM that runs."""
        if not vm_process.is_locked(self._layout.folder(uuid)):
            for log in self._logs(uuid):
                log.rotate()
            _remove_socket(self._layout.serial_socket(uuid))
        if self._bridge:
            self._bridge.watch(uuid)

    def console(self, uuid):
        """Returns where nova-serialproxy finds a server, or None.

        The path is a secret that Nova keeps beside the token.
        """
        if not self._bridge or not self._bridge.serves or (
                not self._has_pipe(uuid)):
            return None
        return console_type.ConsoleSerial(
            self._address, self._bridge.port, self._bridge.issue(uuid))

    def _has_pipe(self, uuid):
        try:
            keys = self._vmx_files.load(uuid)
        except (OSError, exception.VmNotFound, exception.InvalidVmx):
            return False
        return keys.get('serial0.fileType', '').lower() == 'pipe'

    def log(self, uuid):
        """Returns the end of what a server wrote to its first serial port.

        :returns: bytes, 100 KiB at most; empty before the first start
        """
        return self._logs(uuid)[0].tail()

    def trim_logs(self):
        """Keep the logs of running servers from filling the disk."""
        for record in self._records.all():
            for log in self._logs(record.uuid):
                try:
                    log.trim()
                except OSError as error:
                    LOG.warning('The console log %s stays as long as it is: '
                                '%s', log.path, error)

    def _logs(self, uuid):
        """Returns the logs of all ports that a server may have."""
        paths = [self._layout.console_log(uuid)]
        paths += [self._layout.serial_log(uuid, number)
                  for number in range(1, model.MAX_SERIALS)]
        return [console_log.ConsoleLog(path) for path in paths]

    def _refuse_two_ends(self):
        if self._service:
            raise exception.InvalidConfiguration(
                '[serial_console] enabled and [vmrun] '
                'serial_port_service_uri are both set.',
                'The first serial port of a server has one other end.',
                'Choose one of them.')

    def _refuse_long_paths(self):
        path = self._layout.serial_socket(_A_UUID)
        longest = system.here().longest_socket_path
        if len(os.fsencode(path)) > longest:
            raise exception.InvalidConfiguration(
                '[DEFAULT] instances_path is too long for serial consoles.',
                'The path of a Unix socket has %d bytes at most; %s has %d.'
                % (longest, path, len(os.fsencode(path))),
                'Choose a shorter one, or set [serial_console] enabled to '
                'False.')


def _refuse_what_is_no_uri(option, value):
    if not _URI.fullmatch(value):
        raise exception.InvalidConfiguration(
            '[vmrun] %s cannot be used.' % option,
            '%r is no address of a serial port.' % value,
            'Write it as telnet://host:port; tcp, telnets and ssl can be '
            'used too.')


def _listen(options):
    """Opens the one TCP port of this host's serial consoles.

    :param options: Nova's [serial_console]
    :returns: a socket that listens
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
            'Serial consoles cannot be offered at [serial_console] '
            'proxyclient_address %s, port_range %s.'
            % (address, options.port_range), '%s.' % error,
            'Name an address of this host, and first:last.')
    raise exception.InvalidConfiguration(
        'No port is left for the serial consoles of this host.',
        'All of [serial_console] port_range %s are taken.'
        % options.port_range, 'Widen it.')


def _listen_at(address, number, family):
    """Raises BlockingIOError if somebody else has the port."""
    try:
        ports.require_free(address, number)
        return socket.create_server((address, number), family=family)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise BlockingIOError(*error.args)
        raise


def _remove_socket(path):
    """VMware makes it anew."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.remove(path)
