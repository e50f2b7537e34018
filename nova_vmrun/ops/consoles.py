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

"""What a person sees of a server: its screen."""

import contextlib
import errno
import ipaddress
import socket

from nova.console import type as console_type
from oslo_concurrency import lockutils

from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception


class Consoles:
    """VNC ports of this host's servers.

    :param conf: nova.conf.CONF
    :param layout: a nova_vmrun.host.layout.Layout
    :param records: a nova_vmrun.host.records.Records
    :param product: a nova_vmrun.host.product.Product
    :raises InvalidConfiguration: the address to listen on or the port range
        cannot be used
    """

    def __init__(self, conf, layout, records, product):
        self._layout = layout
        self._records = records
        self.has_vnc = (conf.vnc.enabled and conf.vmrun.remote_display and
                        product.has_vnc)
        self._address = str(conf.vnc.server_listen)
        self._proxy_address = str(conf.vnc.server_proxyclient_address)
        if self.has_vnc:
            _refuse_open_address(conf)
            self._can_listen(0)
        try:
            self._ports = vmrun_conf.port_range(conf.vmrun.vnc_port_range)
        except ValueError as error:
            raise exception.InvalidConfiguration(
                '[vmrun] vnc_port_range cannot be used.', str(error))

    @property
    def listen_address(self):
        return self._address

    @contextlib.contextmanager
    def port_for_new_server(self):
        """Gives a free TCP port, or None without VNC.

        The block must write the server's record: until then the port is held
        by a lock that other processes of this host respect.

        :raises InvalidConfiguration: no port is left
        """
        if not self.has_vnc:
            yield None
            return
        with lockutils.lock('vmrun-vnc-ports', external=True,
                            lock_path=self._layout.locks):
            yield self._free_port()

    def _free_port(self):
        taken = self._records.taken_ports()
        for port in self._ports:
            if port not in taken and self._can_listen(port):
                return port
        raise exception.InvalidConfiguration(
            'No port is left for the VNC console of another server.',
            'All of %d to %d are taken.' % (self._ports[0], self._ports[-1]),
            'Delete servers, or widen [vmrun] vnc_port_range.')

    def _can_listen(self, port):
        """Tells whether a port is free; 0 asks for the address alone."""
        family = socket.AF_INET6 if ':' in self._address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._address, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    return False
                raise exception.InvalidConfiguration(
                    'VNC consoles cannot be offered at [vnc] server_listen '
                    '%s.' % self._address, 'The system says: %s.' % error,
                    'Name an address of this host; 127.0.0.1 is one.')
            return True

    def vnc(self, uuid):
        """Returns where nova-novncproxy finds a server's screen, or None."""
        record = self._records.get(uuid)
        if not self.has_vnc or record is None or record.vnc_port is None:
            return None
        return console_type.ConsoleVNC(host=self._proxy_address,
                                       port=record.vnc_port)


def _refuse_open_address(conf):
    address = str(conf.vnc.server_listen)
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = address == 'localhost'
    if not is_loopback and not conf.vmrun.vnc_insecure_listen:
        raise exception.InvalidConfiguration(
            '[vnc] server_listen is %s, which other machines can reach.'
            % address,
            'VNC consoles have no password: nova-novncproxy cannot give one.',
            'Use 127.0.0.1, or set [vmrun] vnc_insecure_listen behind a '
            'firewall that lets only the proxy in.')
