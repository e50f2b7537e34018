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

"""Image and flavor properties: their names, and the tables of their values.

Whatever a tenant can set goes through a closed table here: a word comes in, a
constant of ours goes out, and anything else is refused by the name of the
property.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import re
from typing import TypeVar

from nova_vmrun import exception

T = TypeVar('T')

# The driver's own properties, by their name without prefix. Each is known as
# vmrun_NAME, which wins, and by other names, the stronger first: those of the
# predecessor among them.
OWN = {
    'guestos': ('vix_guestos',),
    'disk_bus': (),
    'nested_hypervisor': ('vix_nested_hypervisor',),
    'iso_images': ('vix_iso_images',),
    'floppy_image': ('vix_floppy_image',),
    'tools_iso': ('vmrun_tools', 'vix_tools_iso', 'vix_tools'),
    'boot_order': ('vix_boot_order',),
    'ova_disk': (),
    'cow': ('vix_cow', 'cow'),
    'show_gui': ('vix_show_gui', 'show_gui'),
}
PREFIX = 'vmrun_'

# Values of vmware_adaptertype, hw_scsi_model and vmrun_disk_bus to VMware's.
SCSI_MODELS = {
    'buslogic': 'buslogic', 'lsilogic': 'lsilogic',
    'lsilogicsas': 'lsisas1068', 'lsisas1068': 'lsisas1068',
    'paravirtual': 'pvscsi', 'vmpvscsi': 'pvscsi', 'pvscsi': 'pvscsi',
}
ADAPTER_TYPES = dict(SCSI_MODELS, ide='ide')
DISK_BUSES = dict(ADAPTER_TYPES, sata='sata', nvme='nvme', scsi='scsi')
NOVA_DISK_BUSES = {'ide': 'ide', 'sata': 'sata', 'scsi': 'scsi'}
NIC_MODELS = {
    'e1000': 'e1000', 'virtuale1000': 'e1000',
    'e1000e': 'e1000e', 'virtuale1000e': 'e1000e',
    'pcnet': 'vlance', 'virtualpcnet32': 'vlance', 'vlance': 'vlance',
    'vmxnet': 'vmxnet', 'virtualvmxnet': 'vmxnet',
    'vmxnet3': 'vmxnet3', 'virtualvmxnet3': 'vmxnet3',
}
FIRMWARE = {'bios': 'bios', 'uefi': 'efi'}
SECURE_BOOT = {'required': 'required', 'disabled': 'disabled',
               'optional': 'optional'}
DISK_TYPE_NAMES = ('hw_disk_type', 'vmware_disktype')
DISK_TYPES = {'sparse': 'sparse', 'thin': 'thin',
              'preallocated': 'preallocated',
              'streamoptimized': 'streamOptimized'}
BOOT_DEVICES = {'hdd': 'hdd', 'cdrom': 'cdrom', 'floppy': 'floppy',
                'ethernet0': 'ethernet0'}
SOUND = {'sb16': 'sb16', 'es1370': 'es1371', 'ich6': 'hdaudio',
         'ich9': 'hdaudio'}
USB = {'none': 'none', 'nec-xhci': 'xhci', 'qemu-xhci': 'xhci'}
# ISO images of VMware Tools in the products' isoimages folder, less ".iso".
TOOLS_ISOS = {name.lower(): name for name in (
    'linux', 'windows', 'darwin', 'freebsd', 'solaris', 'netware',
    'winPreVista', 'winPre2k', 'linuxPreGlibc25', 'darwinPre15')}

_BOOLEANS = {'true': True, 'yes': True, '1': True, 'on': True, 't': True,
             'y': True, 'false': False, 'no': False, '0': False,
             'off': False, 'f': False, 'n': False}
_UUID = re.compile('[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}')


def names(own: str) -> tuple[str, ...]:
    """All names of one of the driver's own properties, the winner first."""
    return (PREFIX + own,) + OWN[own]


OWN_NAMES = frozenset(name for own in OWN for name in names(own))


def refuse_unknown(properties: Mapping[str, str]) -> None:
    """Refuses a property that has our prefix and means nothing.

    :raises InvalidProperty: a misspelt vmrun_ or vix_ property
    """
    for name in properties:
        if name.startswith((PREFIX, 'vix_')) and name not in OWN_NAMES:
            raise exception.InvalidProperty(
                name, properties[name], 'There is no such property.',
                'Known ones: %s.' % ', '.join(sorted(OWN_NAMES)))


def first(properties: Mapping[str, str],
          candidates: Iterable[str]) -> tuple[str, str] | tuple[None, None]:
    """Finds the first property that is set.

    :param candidates: names, the strongest first
    :returns: (name, value), or (None, None)
    """
    for name in candidates:
        if properties.get(name, '') != '':
            return name, properties[name]
    return None, None


def one_of(name: str, value: object, table: Mapping[str, T]) -> T:
    """Looks a word up in a closed table; its case does not matter.

    :raises InvalidProperty: it is not there
    """
    found = table.get(str(value).strip().lower())
    if found is None:
        raise exception.InvalidProperty(
            name, value, 'VMware does not offer it.',
            'Use one of: %s.' % ', '.join(table))
    return found


def disk_type(properties: Mapping[str, str]) -> str | None:
    """Tells what kind of VMDK an image claims to be, or None.

    :param properties: dict of the image's properties
    :raises InvalidProperty: a kind that is not known
    """
    name, value = first(properties, DISK_TYPE_NAMES)
    return name and one_of(name, value, DISK_TYPES)


def ova_disk(properties: Mapping[str, str]) -> str | None:
    """Tells which disk of an OVA the image is, or None.

    :param properties: dict of the image's properties
    :returns: a disk's id or file name, of which nothing is known yet
    """
    return first(properties, names('ova_disk'))[1]


def boolean(name: str, value: object) -> bool:
    """Reads a boolean in the spellings that Nova takes."""
    return one_of(name, value, _BOOLEANS)


def integer(name: str, value: object, minimum: int, maximum: int) -> int:
    """Reads a decimal integer.

    :raises InvalidProperty: not a number, or out of range
    """
    text = str(value).strip()
    if (not re.fullmatch('[0-9]{1,9}', text) or
            not minimum <= int(text) <= maximum):
        raise exception.InvalidProperty(
            name, value, resolution='Use a number from %d to %d.'
            % (minimum, maximum))
    return int(text)


def image_ids(name: str, value: str) -> tuple[str, ...]:
    """Reads a list of image ids, separated by commas.

    :returns: a tuple of ids in lower case, in the given order
    :raises InvalidProperty: an id that is no UUID; a list that Nova cut off
        ends in one
    """
    ids = tuple(part.strip().lower() for part in value.split(','))
    if not all(_UUID.fullmatch(part) for part in ids):
        raise exception.InvalidProperty(
            name, value, 'It is not a list of image ids.',
            'Use UUIDs, separated by commas.')
    return ids


def words(name: str, value: str, table: Mapping[str, T]) -> tuple[T, ...]:
    """Reads a list of words of a closed table, separated by commas.

    :returns: a tuple of what the table has for them
    :raises InvalidProperty: an unknown word, or one that comes twice
    """
    found = tuple(one_of(name, part, table) for part in value.split(','))
    if len(set(found)) != len(found):
        raise exception.InvalidProperty(name, value, 'A word comes twice.',
                                        'Name each once.')
    return found
