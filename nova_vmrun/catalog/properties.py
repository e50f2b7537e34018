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

"""Image and flavor properties: their names and how their values are read.

Tenants write these values. Each goes through a closed table: a word comes in,
a constant of ours comes out, and anything else is refused with the name of
the property.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import re
from typing import TypeVar

from nova_vmrun import exception

T = TypeVar('T')

# The driver's own properties, by their names without the prefix. vmrun_NAME
# wins; the other names, strongest first, include those of the predecessor.
OWN = {
    'guestos': ('vix_guestos',),
    'disk_bus': (),
    'nested_hypervisor': ('vix_nested_hypervisor',),
    'iso_images': ('vix_iso_images',),
    'floppy_image': ('vix_floppy_image',),
    'tools_iso': ('vmrun_tools', 'vix_tools_iso', 'vix_tools'),
    'boot_order': ('vix_boot_order',),
    'ova_disk': (),
    'storage_tag': (),
    'cow': ('vix_cow', 'cow'),
    'show_gui': ('vix_show_gui', 'show_gui'),
}
PREFIX = 'vmrun_'

# From values of vmware_adaptertype, hw_scsi_model and vmrun_disk_bus to
# VMware's names.
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
# VMware Tools ISO images in the product's isoimages folder, without ".iso".
TOOLS_ISOS = {name.lower(): name for name in (
    'linux', 'windows', 'darwin', 'freebsd', 'solaris', 'netware',
    'winPreVista', 'winPre2k', 'linuxPreGlibc25', 'darwinPre15')}

# The users whose password Nova sets if an image has no os_admin_user.
ADMIN_USER = 'root'
WINDOWS_ADMIN_USER = 'Administrator'

_BOOLEANS = {'true': True, 'yes': True, '1': True, 'on': True, 't': True,
             'y': True, 'false': False, 'no': False, '0': False,
             'off': False, 'f': False, 'n': False}
_UUID = re.compile('[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}')


def names(own: str) -> tuple[str, ...]:
    """Return all names of one of the driver's own properties, strongest first.

    :param own: its name without the prefix
    """
    return (PREFIX + own,) + OWN[own]


OWN_NAMES = frozenset(name for own in OWN for name in names(own))


def refuse_unknown(properties: Mapping[str, str]) -> None:
    """Refuse properties with the driver's prefix that do not exist.

    :raises InvalidProperty: a misspelt vmrun_ or vix_ property
    """
    for name in properties:
        if name.startswith((PREFIX, 'vix_')) and name not in OWN_NAMES:
            raise exception.InvalidProperty(
                name, properties[name], 'There is no such property.',
                'Use one of: %s.' % ', '.join(sorted(OWN_NAMES)))


def first(properties: Mapping[str, str],
          candidates: Iterable[str]) -> tuple[str, str] | tuple[None, None]:
    """Return the name and value of the first property that is set.

    :param candidates: names, strongest first
    :returns: (None, None) if none is set
    """
    for name in candidates:
        if properties.get(name, '') != '':
            return name, properties[name]
    return None, None


def one_of(name: str, value: object, table: Mapping[str, T]) -> T:
    """Look up a word in a closed table, whatever its case.

    :raises InvalidProperty: the table does not have it
    """
    word = str(value).strip().lower()
    if word not in table:
        raise exception.InvalidProperty(
            name, value, 'VMware does not offer it.',
            'Use one of: %s.' % ', '.join(table))
    return table[word]


def disk_type(properties: Mapping[str, str]) -> str | None:
    """Return the kind of VMDK that an image claims to be, or None.

    :raises InvalidProperty: there is no such kind
    """
    name, value = first(properties, DISK_TYPE_NAMES)
    return one_of(name, value, DISK_TYPES) if name is not None else None


def ova_disk(properties: Mapping[str, str]) -> str | None:
    """Return the disk of an OVA that an image selects, or None.

    :returns: a disk's id or file name; the OVA may have no such disk
    """
    return first(properties, names('ova_disk'))[1]


def boolean(name: str, value: object) -> bool:
    """Read a boolean in the spellings that Nova accepts."""
    return one_of(name, value, _BOOLEANS)


def integer(name: str, value: object, minimum: int, maximum: int) -> int:
    """Read a decimal integer.

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
    """Read a list of image ids, separated by commas.

    :returns: the ids in lower case, in the given order
    :raises InvalidProperty: an id that is not a UUID; a list that Nova has
        cut off at 255 bytes ends in one
    """
    ids = tuple(part.strip().lower() for part in value.split(','))
    if not all(_UUID.fullmatch(part) for part in ids):
        raise exception.InvalidProperty(
            name, value, 'It is not a list of image ids.',
            'Use UUIDs, separated by commas.')
    return ids


def image_id(name: str, value: str) -> str:
    """Read the id of one image.

    :raises InvalidProperty: it is not a UUID, or there are several
    """
    ids = image_ids(name, value)
    if len(ids) > 1:
        raise exception.InvalidProperty(
            name, value, 'It names %d images.' % len(ids),
            'Name only one image.')
    return ids[0]


def words(name: str, value: str, table: Mapping[str, T]) -> tuple[T, ...]:
    """Read a list of words from a closed table, separated by commas.

    :raises InvalidProperty: an unknown word, or one that is listed twice
    """
    found = tuple(one_of(name, part, table) for part in value.split(','))
    if len(set(found)) != len(found):
        raise exception.InvalidProperty(
            name, value, 'A word is listed twice.', 'List each word once.')
    return found
