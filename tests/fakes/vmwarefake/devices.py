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

"""What a .vmx says about devices, as lists that others walk."""

import os
import re

_STORAGE = re.compile(r'((scsi|sata|nvme|ide)(\d+)):(\d+)\.(\w+)\Z', re.I)
_NIC = re.compile(r'ethernet(\d+)\.present\Z', re.I)
CDROMS = ('cdrom-image', 'cdrom-raw', 'atapi-cdrom')

#: bus -> (controllers, units on each, units that are reserved)
LIMITS = {'scsi': (4, 16, (7,)), 'sata': (4, 30, ()), 'nvme': (4, 15, ()),
          'ide': (2, 2, ())}


class Drive(object):
    """A disk or CD at a node such as ``scsi0:0``."""

    def __init__(self, config, directory, controller, unit):
        self.config = config
        self.directory = directory
        self.controller = controller.lower()
        self.bus = self.controller.rstrip('0123456789')
        self.bus_number = int(self.controller[len(self.bus):])
        self.unit = int(unit)

    @property
    def node(self):
        return '%s:%d' % (self.controller, self.unit)

    def get(self, name, default=''):
        return self.config.get('%s.%s' % (self.node, name), default)

    @property
    def present(self):
        return self.config.true(self.node + '.present')

    @property
    def device_type(self):
        return self.get('deviceType', 'disk').lower()

    @property
    def is_cdrom(self):
        return self.device_type in CDROMS

    @property
    def is_disk(self):
        return not self.is_cdrom

    @property
    def mode(self):
        return self.get('mode', 'persistent').lower() or 'persistent'

    @property
    def independent(self):
        return self.mode.startswith('independent')

    @property
    def writes_back(self):
        """True when what the guest writes goes into the named file."""
        return self.mode not in ('nonpersistent', 'independent-nonpersistent')

    @property
    def start_connected(self):
        return self.config.true(self.node + '.startConnected', True)

    @property
    def file_name(self):
        return self.get('fileName')

    @property
    def path(self):
        return os.path.normpath(os.path.join(self.directory,
                                             self.file_name))

    @property
    def clean_name(self):
        """A key for sorting nodes as a person would."""
        return (self.bus, self.bus_number, self.unit)


def drives(config, directory):
    """Return the present :class:`Drive` objects in the order of nodes."""
    nodes = set()
    for key in config:
        found = _STORAGE.match(key)
        if found:
            nodes.add((found.group(1).lower(), int(found.group(4))))
    present = [Drive(config, directory, *node) for node in nodes]
    return sorted((d for d in present if d.present),
                  key=lambda d: d.clean_name)


def disks(config, directory):
    return [d for d in drives(config, directory) if d.is_disk]


def nics(config):
    """Return the numbers N of the present ethernetN."""
    found = []
    for key in config:
        nic = _NIC.match(key)
        if nic and config.true(key):
            found.append(int(nic.group(1)))
    return sorted(found)


def mac(config, number):
    """Return a NIC's address in lower case, '' when it has none yet."""
    nic = 'ethernet%d' % number
    kind = config.get(nic + '.addressType', 'generated').lower()
    name = 'generatedAddress' if kind == 'generated' else 'address'
    return config.get('%s.%s' % (nic, name), '').lower()


def vmnet(config, number):
    """Return the host network (``vmnet8``) that a NIC is on, or None.

    LAN segments (pvn) have no host side.
    """
    nic = 'ethernet%d' % number
    kind = config.get(nic + '.connectionType', 'bridged').lower()
    if kind == 'custom':
        name = config.get(nic + '.vnet', '')
        return name.rpartition('/')[2].lower()
    return {'bridged': 'vmnet0', 'hostonly': 'vmnet1',
            'nat': 'vmnet8'}.get(kind)
