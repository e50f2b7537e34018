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

"""Properties that a snapshot's image needs so that it boots again.

Nova copies the properties of the server's image. The driver's own choices are
missing from them, and those that describe the old file are wrong.
"""

from collections.abc import Mapping

from nova_vmrun.catalog import properties as props
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx

# The guest was installed from these. A list that Nova has cut off at 255 bytes
# would even keep the image from booting.
OBSOLETE = frozenset(name for own in ('iso_images', 'floppy_image',
                                      'tools_iso')
                     for name in props.names(own))

_DISK_TYPES = ('vmware_disktype', 'hw_disk_type')
_NAMES_OF_THE_GUEST = props.names('guestos') + (
    'vmware_ostype', 'os_distro', 'os_type')
# The property that selects each bus on its own. Nova has no NVMe.
_BUSES = {
    'ide': ('vmware_adaptertype', 'ide'),
    'buslogic': ('vmware_adaptertype', 'busLogic'),
    'lsilogic': ('vmware_adaptertype', 'lsiLogic'),
    'lsisas1068': ('vmware_adaptertype', 'lsiLogicsas'),
    'pvscsi': ('vmware_adaptertype', 'paraVirtual'),
    'sata': ('hw_disk_bus', 'sata'),
    'nvme': (props.PREFIX + 'disk_bus', 'nvme'),
}


def describe(keys: vmx.Vmx, bus: str,
             inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the properties that an image gets in addition to inherited ones.

    :param keys: the settings of the server
    :param bus: bus of its root disk, one of machine.BUSES
    :param inherited: properties of the server's image
    """
    name, value = _BUSES[bus]
    found = {
        name: value,
        'vmware_disktype': vmdk.STREAM_OPTIMIZED,
        'hw_firmware_type':
            'uefi' if keys.get('firmware', '').lower() == 'efi' else 'bios',
    }
    for name in _DISK_TYPES:
        if name in inherited:
            found[name] = vmdk.STREAM_OPTIMIZED
    if props.first(inherited, _NAMES_OF_THE_GUEST) == (None, None):
        guest = guestos.find(keys.get('guestOS', ''))
        if guest is not None:
            found['vmware_ostype'] = guest.vsphere or guest.id
    return found
