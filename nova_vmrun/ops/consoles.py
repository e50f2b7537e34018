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

"""VNC consoles: ports, addresses, and windows on the host."""

from collections import abc
import contextlib
import errno
from typing import Any

from nova.console import type as console_type
from nova import exception as nova_exception
from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun import conf as vmrun_conf
from nova_vmrun import exception
from nova_vmrun.formats import hostnames
from nova_vmrun.formats import vmx
from nova_vmrun.host import listeners
from nova_vmrun.host import ports
from nova_vmrun.ops import parts
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

_ENABLED = 'RemoteDisplay.vnc.enabled'
_PORT = 'RemoteDisplay.vnc.port'


class Consoles:
    """The VNC ports of this host's servers.

    :raises InvalidConfiguration: the address to listen on or the port range
        cannot be used
    """

    def __init__(self, host: parts.Host, servers: parts.Servers) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._states = servers.states
        self._product = host.product
        conf = host.conf
        self._show_gui: bool = conf.vmrun.show_gui
        self.has_vnc: bool = conf.vnc.enabled and conf.vmrun.remote_display
        self._address = str(conf.vnc.server_listen)
        self._proxy_address = str(conf.vnc.server_proxyclient_address)
        if self.has_vnc:
            _refuse_open_address(conf)
            self._can_listen(0)
        try:
            self._ports = vmrun_conf.port_range(conf.vmrun.vnc_port_range)
        except ValueError as error:
            raise exception.InvalidConfiguration(
                '[vmrun] vnc_port_range cannot be used.', str(error),
                'Correct it in nova.conf, such as 5900:6099.')

    def begin(self) -> None:
        """Log a warning if windows on the host turn VNC consoles off."""
        if not (self.has_vnc and self._show_gui):
            return
        if self._product.has_vnc_with_window:
            LOG.warning('[vmrun] show_gui is True: the VNC console of a '
                        'server may not work while its window is open. %s '
                        '17.6 is reported to provide it only if the window '
                        'was opened first.', self._product.name)
        else:
            LOG.warning('[vmrun] show_gui is True: servers have no VNC '
                        'console, because %s turns VNC off for a VM with a '
                        'window. Set [vmrun] show_gui to False to get it.',
                        self._product.name)

    def has_window(self, uuid: str) -> bool:
        """Return whether a server is started with a window."""
        record = self._records.get(uuid)
        return self._show_gui and (record is None or record.show_gui)

    @property
    def listen_address(self) -> str:
        return self._address

    @contextlib.contextmanager
    def port_for_new_server(self) -> abc.Iterator[int | None]:
        """Reserve a free TCP port during the block; None without VNC.

        The block must write the port to the server's record. Until then, a
        lock keeps other processes of this host from taking the port.

        :raises InvalidConfiguration: no port is left
        """
        if not self.has_vnc:
            yield None
            return
        with self._lock():
            yield self._free_port()

    def _lock(self) -> contextlib.AbstractContextManager[Any, Any]:
        return lockutils.lock('vmrun-vnc-ports', external=True,
                              lock_path=self._layout.locks)

    def port_of(self, uuid: str) -> int | None:
        """Return the TCP port for a server's next start.

        The port changes only if another program listens there: VMware would
        start the server without VNC, and its users would see that program.

        :param uuid: of a server that has a record
        :returns: None without VNC
        :raises InvalidConfiguration: no port is left
        """
        if not self.has_vnc:
            return None
        with self._lock():
            record = self._records.get(uuid)
            port: int | None = record.vnc_port if record else None
            # Trying the port is cheaper than looking for a process.
            if port is not None and (self._can_listen(port) or
                                     self._is_on(uuid)):
                return port
            found = self._free_port()
            self._records.change_port(uuid, found)
        if port is not None:
            LOG.warning('Port %d is in use: the VNC console of server %s '
                        'moves to port %d', port, uuid, found)
        return found

    def _is_on(self, uuid: str) -> bool:
        return vm_process.is_in_use(self._layout.vmx(uuid))

    def before_start(self, file: vmx_file.OpenVmx) -> None:
        """Update the VNC settings in the .vmx, unless the VM is running.

        :raises InvalidConfiguration: no port is left
        :raises VmNotFound: the .vmx is missing
        :raises InvalidVmx: it is malformed
        """
        uuid = file.uuid
        if self._records.get(uuid) is None or (
                not file.keys.get_bool(_ENABLED)):
            return
        port = self.port_of(uuid)
        # To look for a process takes longer than everything else here.
        if (port is not None and file.keys.get(_PORT) == str(port) or
                self._is_on(uuid)):
            return

        def change(keys: vmx.Vmx) -> None:
            if port is None:
                keys[_ENABLED] = 'FALSE'
            else:
                keys[_PORT] = str(port)

        file.edit(change)

    def _free_port(self) -> int:
        taken = self._records.taken_ports()
        for port in self._ports:
            if port not in taken and self._can_listen(port):
                return port
        raise exception.InvalidConfiguration(
            'No port is left for the VNC console of another server.',
            'All ports from %d to %d are in use.'
            % (self._ports[0], self._ports[-1]),
            'Delete servers, or widen [vmrun] vnc_port_range.')

    def _can_listen(self, port: int) -> bool:
        """Return whether a port is free; 0 checks only the address."""
        try:
            ports.require_free(self._address, port)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise exception.InvalidConfiguration(
                'VNC consoles cannot listen on [vnc] server_listen %s.'
                % self._address, 'The system says: %s.' % error,
                'Use an address of this host, such as 127.0.0.1.')
        return True

    def vnc(self, uuid: str) -> console_type.ConsoleVNC | None:
        """Return where nova-novncproxy finds the VNC console of a server.

        :returns: None if it has none
        :raises InstanceNotReady: Nova's; the server is not running
        :raises ConsoleTypeUnavailable: Nova's; VMware does not serve it
        """
        record = self._records.get(uuid)
        if not self.has_vnc or record is None or record.vnc_port is None:
            return None
        if self._states.get(uuid) in states.NOT_ON:
            raise nova_exception.InstanceNotReady(
                'Server %s is not running and has no console. Start it '
                'first.' % uuid)
        if not self._is_served(uuid, record.vnc_port):
            LOG.warning('VMware does not serve the VNC console of server %s '
                        'on port %d', uuid, record.vnc_port)
            raise nova_exception.ConsoleTypeUnavailable(
                'The VNC console of server %s could not be opened when the '
                'server was started. %s' % (uuid, self._remedy(uuid)))
        return console_type.ConsoleVNC(host=self._proxy_address,
                                       port=record.vnc_port)

    def _is_served(self, uuid: str, port: int) -> bool:
        """Return whether a VM listens on its port.

        If the system does not show that, assume what the product does.
        """
        process = vm_process.identity(self._layout.vmx(uuid))
        served = (None if process is None
                  else listeners.is_listening(port, process[0]))
        return not self._is_hidden(uuid) if served is None else served

    def _is_hidden(self, uuid: str) -> bool:
        return self.has_window(uuid) and not self._product.has_vnc_with_window

    def _remedy(self, uuid: str) -> str:
        if self._is_hidden(uuid):
            return ('It has a window on its host, for which %s turns VNC off.'
                    % self._product.name)
        return 'Reboot it hard.'


def _refuse_open_address(conf: cfg.ConfigOpts) -> None:
    address = str(conf.vnc.server_listen)
    if not (hostnames.is_loopback(address)
            or conf.vmrun.vnc_insecure_listen):
        raise exception.InvalidConfiguration(
            '[vnc] server_listen is %s, which other machines can reach.'
            % address,
            'VNC consoles have no password: nova-novncproxy cannot send one.',
            'Use 127.0.0.1, or set [vmrun] vnc_insecure_listen behind a '
            'firewall that lets only the proxy in.')
