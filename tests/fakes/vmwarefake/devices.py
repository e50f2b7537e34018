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

"""The devices that a .vmx defines."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import dictionary

_STORAGE = re.compile(r'((scsi|sata|nvme|ide)(\d+)):(\d+)\.(\w+)\Z', re.I)
_NIC = re.compile(r'ethernet(\d+)\.present\Z', re.I)
CDROMS = ('cdrom-image', 'cdrom-raw', 'atapi-cdrom')

#: bus -> (controllers, units of each, reserved units)
LIMITS = {'scsi': (4, 16, (7,)), 'sata': (4, 30, ()), 'nvme': (4, 15, ()),
          'ide': (2, 2, ())}


class Drive:
    """A disk or CD at a node such as ``scsi0:0``."""

    def __init__(self, config: dictionary.Dictionary, directory: str,
                 controller: str, unit: int) -> None:
        self.config = config
        self.directory = directory
        self.controller = controller.lower()
        self.bus = self.controller.rstrip('0123456789')
        self.bus_number = int(self.controller[len(self.bus):])
        self.unit = int(unit)

    @property
    def node(self) -> str:
        return '%s:%d' % (self.controller, self.unit)

    def get(self, name: str, default: str = '') -> str:
        return self.config.get('%s.%s' % (self.node, name), default)

    @property
    def present(self) -> bool:
        return self.config.true(self.node + '.present')

    @property
    def device_type(self) -> str:
        return self.get('deviceType', 'disk').lower()

    @property
    def is_cdrom(self) -> bool:
        return self.device_type in CDROMS

    @property
    def is_disk(self) -> bool:
        return not self.is_cdrom

    @property
    def mode(self) -> str:
        return self.get('mode', 'persistent').lower() or 'persistent'

    @property
    def independent(self) -> bool:
        return self.mode.startswith('independent')

    @property
    def writes_back(self) -> bool:
        """Whether the guest's writes go into the named file."""
        return self.mode not in ('nonpersistent', 'independent-nonpersistent')

    @property
    def start_connected(self) -> bool:
        return self.config.true(self.node + '.startConnected', True)

    @property
    def file_name(self) -> str:
        return self.get('fileName')

    @property
    def path(self) -> str:
        return os.path.normpath(os.path.join(self.directory,
                                             self.file_name))

    @property
    def sort_key(self) -> tuple[str, int, int]:
        """A key that sorts nodes by bus and number."""
        return (self.bus, self.bus_number, self.unit)


def drives(config: dictionary.Dictionary, directory: str) -> list[Drive]:
    """Return the drives that are present, sorted by node."""
    nodes = set()
    for key in config:
        found = _STORAGE.match(key)
        if found:
            nodes.add((found.group(1).lower(), int(found.group(4))))
    present = [Drive(config, directory, *node) for node in nodes]
    return sorted((d for d in present if d.present),
                  key=lambda d: d.sort_key)


def disks(config: dictionary.Dictionary, directory: str) -> list[Drive]:
    return [d for d in drives(config, directory) if d.is_disk]


def nics(config: dictionary.Dictionary) -> list[int]:
    """Return the numbers N of each ethernetN that is present."""
    found = []
    for key in config:
        nic = _NIC.match(key)
        if nic and config.true(key):
            found.append(int(nic.group(1)))
    return sorted(found)


def mac(config: dictionary.Dictionary, number: int) -> str:
    """Return the MAC address of a NIC in lower case, '' if it has none."""
    nic = 'ethernet%d' % number
    kind = config.get(nic + '.addressType', 'generated').lower()
    name = 'generatedAddress' if kind == 'generated' else 'address'
    return config.get('%s.%s' % (nic, name), '').lower()


def vmnet(config: dictionary.Dictionary, number: int) -> str | None:
    """Return the host network of a NIC, such as ``vmnet8``, or None.

    LAN segments (pvn) have no host network.
    """
    nic = 'ethernet%d' % number
    kind = config.get(nic + '.connectionType', 'bridged').lower()
    if kind == 'custom':
        name = config.get(nic + '.vnet', '')
        return name.rpartition('/')[2].lower()
    return {'bridged': 'vmnet0', 'hostonly': 'vmnet1',
            'nat': 'vmnet8'}.get(kind)
