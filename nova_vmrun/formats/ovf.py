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


"""OVF descriptors: the exported VM and its disks.

The terms are DMTF's (DSP0243, CIM resource types) and those that VMware's
products and VirtualBox add. The hardware is returned as settings of a .vmx, so
that the same code derives image properties from both.

Elements are matched by their names without the namespace, because it differs
between OVF 0.9, 1 and 2, and VirtualBox puts its own elements into OVF's.
Attributes are accepted with OVF's prefix or without one.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import re
from typing import Any

from lxml import etree

from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import ovf_guests
from nova_vmrun.formats import vmx

# Characters. The longest ones of DMTF and VMware have about 90.
_LONGEST_NAMESPACE = 250
_OVF = re.compile(r'ovf.*envelope', re.IGNORECASE)
_XSI_TYPE = '{http://www.w3.org/2001/XMLSchema-instance}type'
# OVF 0.9 names the kind of a section by its xsi:type.
_GENERAL = ('Section', 'Content')
_ITEMS = ('Item', 'StorageItem', 'EthernetPortItem')

_IDE, _SCSI, _NIC, _DISK, _OTHER_STORAGE = '5', '6', '10', '17', '20'
_SCSI_MODELS = {'buslogic': 'buslogic', 'lsilogic': 'lsilogic',
                'lsilogicsas': 'lsisas1068', 'virtualscsi': 'pvscsi',
                'pvscsi': 'pvscsi'}
_NICS = {'pcnet32': 'vlance', 'flexible': 'vlance', 'e1000': 'e1000',
         'e1000e': 'e1000e', 'vmxnet': 'vmxnet', 'vmxnet2': 'vmxnet',
         'vmxnet3': 'vmxnet3'}
_SECURE_BOOT = ('bootoptions.efisecurebootenabled',
                'uefi.secureboot.enabled')

_POWER = re.compile(r'byte\s*\*\s*(2|10)\s*\^\s*([0-9]{1,2})')
_UNITS = {'': 1, 'byte': 1, 'bytes': 1, 'kilobytes': 1 << 10,
          'megabytes': 1 << 20, 'gigabytes': 1 << 30, 'terabytes': 1 << 40}


class Invalid(exception.InvalidInput):
    """The file is not an OVF descriptor, or it is unsafe to read."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file beside the descriptor.

    :ivar href: as written, possibly percent-encoded
    :ivar size: size of the stored file in bytes, None if unknown
    :ivar compression: a word such as gzip, or an empty text
    :ivar chunk_size: size of each chunk in bytes, None if the file is not
        split
    """

    href: str
    size: int | None = None
    compression: str = ''
    chunk_size: int | None = None


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of the VM.

    :ivar id: its ovf:diskId
    :ivar file: None for a blank disk
    :ivar capacity: bytes, None if the descriptor has no number
    :ivar is_blank: whether it has no content
    :ivar is_child: whether it is a delta of another disk
    """

    id: str
    file: File | None
    capacity: int | None = None
    is_blank: bool = False
    is_child: bool = False


@dataclasses.dataclass(frozen=True)
class Envelope:
    """A parsed descriptor.

    :ivar disks: in the order of the descriptor
    """

    root: etree._Element
    disks: tuple[Disk, ...]


def parse(data: bytes) -> Envelope:
    """Parse a descriptor.

    Entities are neither defined nor resolved, and nothing is fetched.

    :raises Invalid: the XML is not well-formed, it defines entities, or it
        would need much more memory than it has bytes
    """
    parser = etree.XMLPullParser(
        ('start-ns',), resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True, collect_ids=False)
    try:
        parser.feed(data)
        root = parser.close()
    except (etree.XMLSyntaxError, ValueError) as error:
        if b'DOCTYPE' in data.replace(b'\0', b''):
            raise Invalid('The OVF descriptor defines entities.') from error
        raise Invalid('The OVF descriptor is not well-formed XML.') from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Invalid('The OVF descriptor defines entities.')
    # lxml copies the namespace into each name that it returns. Its types do
    # not know what comes with these events.
    declarations: Any = parser.read_events()
    for _event, (_prefix, namespace) in declarations:
        if len(namespace) > _LONGEST_NAMESPACE:
            raise Invalid('The OVF descriptor has a namespace with %d '
                          'characters; at most %d are allowed.'
                          % (len(namespace), _LONGEST_NAMESPACE))
    return Envelope(root, tuple(_disks(root)))


def _disks(root: etree._Element) -> Iterator[Disk]:
    files: dict[str, File] = {}
    for element in _children(_sections(root, 'References'), 'File'):
        files.setdefault(_get(element, 'id'), File(
            _get(element, 'href'), _number(_get(element, 'size')),
            _compression(_get(element, 'compression')),
            _number(_get(element, 'chunkSize'))))
    for element in _children(_sections(root, 'DiskSection'), 'Disk'):
        reference = _get(element, 'fileRef')
        yield Disk(
            _get(element, 'diskId'), files.get(reference), _capacity(element),
            # VMware writes a file even for a blank disk.
            not reference or _get(element, 'populatedSize') == '0',
            bool(_get(element, 'parentRef')))


def _compression(word: str) -> str:
    return '' if word.lower() in ('identity', 'none') else word.lower()


def _capacity(element: etree._Element) -> int | None:
    number = _number(_get(element, 'capacity'))
    unit = _get(element, 'capacityAllocationUnits').lower()
    match = _POWER.fullmatch(unit)
    if match:
        factor = int(match.group(1)) ** int(match.group(2))
    else:
        factor = _UNITS.get(unit)
    return number * factor if number and factor else None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch('[0-9]{1,19}', text) else None


def hardware(envelope: Envelope,
             disk_id: str | None = None) -> tuple[vmx.Vmx, str | None]:
    """Return the hardware of the VM.

    :param disk_id: id of the disk that the VM boots from; None: the first one
    :returns: guestOS, firmware, secure boot and the model of the first network
        adapter, if the descriptor has them; and the bus of the disk, one of
        machine.BUSES or None
    """
    keys = vmx.Vmx()
    system = _system_of(envelope.root, disk_id)
    guest = _guest(system)
    if guest:
        keys['guestOS'] = guest.id
    settings = _settings(system)
    firmware = settings.get('firmware') or _virtualbox_firmware(system)
    if firmware:
        keys['firmware'] = 'efi' if firmware.lower().startswith(
            'efi') else firmware
    if any(settings.get(key, '').lower() == 'true' for key in _SECURE_BOOT):
        keys['uefi.secureBoot.enabled'] = 'TRUE'
    items = list(_items(system))
    nics = [_NICS[word] for item in items
            if item.get('ResourceType') == _NIC
            for word in item.get('ResourceSubType', '').lower().split()
            if word in _NICS]
    if nics:
        keys['ethernet0.virtualDev'] = nics[0]
    return keys, _bus(items, disk_id)


def _system_of(root: etree._Element, disk_id: str | None) -> etree._Element:
    """Return the VM with a disk; an OVF may contain several VMs."""
    systems = [element for element in root.iter(etree.Element)
               if _kind(element) == 'VirtualSystem']
    for system in systems:
        if disk_id and any(_disk_of(item) == disk_id
                           for item in _items(system)):
            return system
    return systems[0] if systems else root


def _items(system: etree._Element) -> Iterator[dict[str, str]]:
    for element in system.iter(etree.Element):
        if _kind(element) in _ITEMS:
            item: dict[str, str] = {}
            for child in element:
                name = 'InstanceID' if _kind(child) == 'InstanceId' else (
                    _kind(child))
                item.setdefault(name, (child.text or '').strip())
            yield item


def _settings(system: etree._Element) -> dict[str, str]:
    """Return VMware's settings of the VM, with their keys in lower case."""
    found: dict[str, str] = {}
    for element in system.iter(etree.Element):
        if _kind(element) in ('Config', 'ExtraConfig'):
            found.setdefault(_get(element, 'key').lower(),
                             _get(element, 'value'))
    return found


def _virtualbox_firmware(system: etree._Element) -> str:
    for element in system.iter(etree.Element):
        if _kind(element) == 'Firmware':
            return _get(element, 'type') or (element.text or '').strip()
    return ''


def _guest(system: etree._Element) -> guestos.GuestOS | None:
    for section in _sections(system, 'OperatingSystemSection'):
        found = guestos.find(_get(section, 'osType'))
        for element in section.iter(etree.Element):
            if _kind(element) == 'OSType' or (
                    _kind(element) == 'Description'):
                found = found or ovf_guests.by_virtualbox(element.text or '')
        found = found or _virtualbox_machine(system)
        return found or ovf_guests.by_cim(_get(section, 'id'))
    return _virtualbox_machine(system)


def _virtualbox_machine(system: etree._Element) -> guestos.GuestOS | None:
    for element in system.iter(etree.Element):
        if _kind(element) == 'Machine':
            return ovf_guests.by_virtualbox(_get(element, 'OSType'))
    return None


def _bus(items: list[dict[str, str]], disk_id: str | None) -> str | None:
    controllers = {item.get('InstanceID'): item for item in items}
    disks = [item for item in items if item.get('ResourceType') == _DISK]
    chosen = [item for item in disks if _disk_of(item) == disk_id] or disks
    return _bus_of(controllers.get(chosen[0].get('Parent'), {})
                   ) if chosen else None


def _disk_of(item: dict[str, str]) -> str:
    """Return the id in ovf:/disk/ID, /disk/ID or disk/ID."""
    return item.get('HostResource', '').rpartition('disk/')[2]


def _bus_of(controller: dict[str, str]) -> str | None:
    kind = controller.get('ResourceType')
    models = controller.get('ResourceSubType', '').lower().split()
    if kind == _IDE:
        return 'ide'
    if kind == _SCSI:
        return next((_SCSI_MODELS[model] for model in models
                     if model in _SCSI_MODELS), None)
    if kind == _OTHER_STORAGE:
        text = ' '.join(models)
        return 'sata' if 'ahci' in text or 'sata' in text else (
            'nvme' if 'nvme' in text else None)
    return None


def _kind(element: etree._Element) -> str:
    """Return an element's name without the namespace."""
    name = etree.QName(element).localname
    type_name = element.get(_XSI_TYPE)
    if name in _GENERAL and type_name:
        return type_name.rpartition(':')[2].removesuffix('_Type')
    return name


def _sections(parent: etree._Element, kind: str) -> Iterator[etree._Element]:
    return (element for element in parent.iter(etree.Element)
            if _kind(element) == kind)


def _children(parents: Iterable[etree._Element],
              kind: str) -> Iterator[etree._Element]:
    return (child for parent in parents for child in parent
            if _kind(child) == kind)


def _get(element: etree._Element, name: str) -> str:
    """Return an attribute of OVF, else without a prefix, else of a vendor."""
    best, text = 3, ''
    for key, value in element.attrib.items():
        qname = etree.QName(key)
        if qname.localname == name:
            space = qname.namespace
            rank = 1 if space is None else 0 if _OVF.search(space) else 2
            if rank < best:
                best, text = rank, str(value).strip()
    return text
