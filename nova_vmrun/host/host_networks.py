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

"""VMware's virtual networks on this host.

VMware's network editor creates and changes them, as root. Read them when they
are first needed, and again if a network is missing or VMware has written its
files since.
"""

from collections.abc import Iterable
import glob
import os
import threading

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun import system
from nova_vmrun.tools import vmrun as vmrun_tool

LOG = logging.getLogger(__name__)

# Folders of the configuration of VMware's network services, by sys.platform.
_FOLDERS = {
    'linux': '/etc/vmware',
    system.MACOS: '/Library/Preferences/VMware Fusion',
    'win32': os.path.join(os.environ.get('ProgramData', r'C:\ProgramData'),
                          'VMware'),
}
NETWORKING = 'networking'
_NETMAP = 'netmap.conf'
_DHCPD = ('vmnet*/dhcpd/dhcpd.conf', 'vmnet*/dhcpd.conf', 'vmnetdhcp.conf')
_NAT = ('vmnet*/nat/nat.conf', 'vmnet*/nat.conf', 'vmnetnat.conf')
# Bytes to read: far more than any of these files has.
_MAX_BYTES = 1024 * 1024


class HostNetworks:
    """The virtual networks of VMware on this host.

    :param platform: a value of sys.platform; None: this host's
    :param folder: of VMware's files; None: the usual folder
    """

    def __init__(self, vmrun: vmrun_tool.Vmrun, platform: str | None = None,
                 folder: str | None = None) -> None:
        self._vmrun = vmrun
        self._folder = folder or _FOLDERS.get(
            platform or system.here().name, _FOLDERS['linux'])
        self._lock = threading.Lock()
        # Modification times of the files when they were last read.
        self._mtimes: dict[str, int] | None = None
        self._networks: dict[str, vmnets.Vmnet] = {}

    @property
    def networking_file(self) -> str:
        """The path of the file that maps networks to the host's adapters."""
        return os.path.join(self._folder, NETWORKING)

    def find(self, name: str) -> vmnets.Vmnet | None:
        """Return a network, or None if there is no such network.

        Run vmrun at most once; not at all if the network was there before and
        VMware has not changed its files since.

        :param name: vmnetN, or a connectionType: nat, hostonly, bridged
        """
        name = vmnets.BY_CONNECTION.get(name, name)
        with self._lock:
            self._refresh(is_due=name not in self._networks)
            return self._networks.get(name)

    def all(self) -> list[vmnets.Vmnet]:
        """Return all networks; empty if they cannot be read.

        Run vmrun only if VMware has changed its files since the last time.
        """
        with self._lock:
            self._refresh()
            return list(self._networks.values())

    def names(self) -> list[str]:
        """Return the names last read; empty if they cannot be read."""
        with self._lock:
            return sorted(self._networks, key=lambda name: (len(name), name))

    def _refresh(self, is_due: bool = False) -> None:
        """Read the networks again if they are due, or files have changed."""
        mtimes = self._read_mtimes()
        if is_due or mtimes != self._mtimes:
            self._networks = self._read()
            self._mtimes = mtimes

    def _read(self) -> dict[str, vmnets.Vmnet]:
        configured = vmnets.parse_networking(self._text(NETWORKING))
        networks = self._list() or configured or vmnets.parse_netmap(
            self._text(_NETMAP))
        if not networks:
            LOG.warning('Cannot find out which virtual networks VMware has: '
                        'vmrun does not list them, and no file in %s does.',
                        self._folder)
        return vmnets.complete(
            networks, configured,
            [subnet for text in self._texts(_DHCPD)
             for subnet in vmnets.parse_dhcpd(text)],
            [vmnets.parse_nat(text) for text in self._texts(_NAT)])

    def _list(self) -> dict[str, vmnets.Vmnet]:
        try:
            return vmnets.parse_list(self._vmrun.list_host_networks())
        except exception.VmrunError as error:
            LOG.debug('vmrun cannot list the virtual networks: %s', error)
            return {}

    def _read_mtimes(self) -> dict[str, int]:
        """Return when each of VMware's files was written."""
        found = {}
        for path in self._paths((NETWORKING, _NETMAP) + _DHCPD + _NAT):
            try:
                found[path] = os.stat(path).st_mtime_ns
            except OSError:
                continue
        return found

    def _texts(self, patterns: Iterable[str]) -> list[str]:
        return [self._text(path) for path in self._paths(patterns)]

    def _paths(self, patterns: Iterable[str]) -> list[str]:
        return sorted(path for pattern in patterns for path in glob.glob(
            os.path.join(glob.escape(self._folder), pattern)))

    def _text(self, name: str) -> str:
        try:
            with open(os.path.join(self._folder, name), 'rb') as file:
                return file.read(_MAX_BYTES).decode('utf-8', 'replace')
        except FileNotFoundError:
            return ''
        except OSError as error:
            LOG.warning('Cannot read %s: %s', error.filename, error)
            return ''
