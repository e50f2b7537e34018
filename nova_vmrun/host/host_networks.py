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

"""Which virtual networks VMware has on this host.

VMware makes and changes them, in its own network editor, as root. They are
read when they are first needed, and again when one is asked for that was not
there, or when VMware has written its files anew.
"""

import glob
import os
import threading

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun import system

LOG = logging.getLogger(__name__)

# By sys.platform: the folder, and in it what VMware's network services read.
_FOLDERS = {
    'linux': '/etc/vmware',
    'darwin': '/Library/Preferences/VMware Fusion',
    'win32': os.path.join(os.environ.get('ProgramData', r'C:\ProgramData'),
                          'VMware'),
}
NETWORKING = 'networking'
_NETMAP = 'netmap.conf'
_DHCPD = ('vmnet*/dhcpd/dhcpd.conf', 'vmnet*/dhcpd.conf', 'vmnetdhcp.conf')
_NAT = ('vmnet*/nat/nat.conf', 'vmnet*/nat.conf', 'vmnetnat.conf')
# No file of VMware's comes near that.
_MAX_BYTES = 1024 * 1024


class HostNetworks:
    """Reads VMware's virtual networks.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param platform: a value of sys.platform; None: this host's
    :param folder: where VMware keeps its files; None for the usual place
    """

    def __init__(self, vmrun, platform=None, folder=None):
        self._vmrun = vmrun
        self._folder = folder or _FOLDERS.get(
            platform or system.here().name, _FOLDERS['linux'])
        self._lock = threading.Lock()
        self._seen = None
        self._networks = {}

    @property
    def networking_file(self):
        """Path of the file that tells what is bridged to which adapter."""
        return os.path.join(self._folder, NETWORKING)

    def find(self, name):
        """Finds a network.

        Starts at most one vmrun, and none if the network is known and VMware
        has not changed its files since.

        :param name: vmnetN, or a connectionType: nat, hostonly, bridged
        :returns: a nova_vmrun.formats.vmnets.Vmnet, or None
        """
        name = vmnets.BY_CONNECTION.get(name, name)
        with self._lock:
            stamps = self._stamps()
            if stamps != self._seen or name not in self._networks:
                self._networks = self._read()
                self._seen = stamps
            return self._networks.get(name)

    def names(self):
        """Returns the names of those last read; empty: none can be read."""
        with self._lock:
            return sorted(self._networks, key=lambda name: (len(name), name))

    def _read(self):
        written = vmnets.parse_networking(self._text(NETWORKING))
        networks = self._listed() or written or vmnets.parse_netmap(
            self._text(_NETMAP))
        if not networks:
            LOG.warning('Nobody tells which virtual networks VMware has: '
                        'vmrun does not, and %s has no file that does.',
                        self._folder)
        return vmnets.complete(
            networks, written,
            [subnet for text in self._texts(_DHCPD)
             for subnet in vmnets.parse_dhcpd(text)],
            [vmnets.parse_nat(text) for text in self._texts(_NAT)])

    def _listed(self):
        try:
            return vmnets.parse_list(self._vmrun.list_host_networks())
        except exception.VmrunError as error:
            LOG.debug('vmrun does not tell which networks VMware has: %s',
                      error)
            return {}

    def _stamps(self):
        """Tells when VMware wrote each of its files."""
        found = {}
        for path in self._paths((NETWORKING, _NETMAP) + _DHCPD + _NAT):
            try:
                found[path] = os.stat(path).st_mtime_ns
            except OSError:
                continue
        return found

    def _texts(self, patterns):
        return [self._text(path) for path in self._paths(patterns)]

    def _paths(self, patterns):
        return sorted(path for pattern in patterns for path in glob.glob(
            os.path.join(glob.escape(self._folder), pattern)))

    def _text(self, name):
        try:
            with open(os.path.join(self._folder, name), 'rb') as file:
                return file.read(_MAX_BYTES).decode('utf-8', 'replace')
        except FileNotFoundError:
            return ''
        except OSError as error:
            LOG.warning('%s cannot be read: %s', error.filename, error)
            return ''
