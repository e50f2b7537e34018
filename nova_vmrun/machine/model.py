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

"""A complete VM, described in terms of neither Nova nor a .vmx."""

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
import operator
import re
from typing import Any
from typing import NoReturn
import uuid as uuidlib

from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import options
from nova_vmrun import exception
from nova_vmrun.formats import identity
from nova_vmrun.formats import vmx

SCSI_BUSES = ('buslogic', 'lsilogic', 'lsisas1068', 'pvscsi')
BUSES = ('ide', 'sata', 'nvme') + SCSI_BUSES
CDROM_BUSES = ('ide', 'sata') + SCSI_BUSES
NIC_MODELS = ('vlance', 'vmxnet', 'e1000', 'e1000e', 'vmxnet3')
# A VMware network whose connectionType is pvn is a LAN segment.
SEGMENT = 'pvn'
CONNECTIONS = ('bridged', 'nat', 'hostonly', 'custom', SEGMENT)
FIRMWARE = ('bios', 'efi')
BOOT_DEVICES = ('hdd', 'cdrom', 'floppy', 'ethernet0')
SERIAL_KINDS = ('file', 'pipe', 'network')
# Keyboard maps that VMware's VNC server ships (the files vnckeymap/*).
KEYMAPS = (
    'da', 'de', 'de-ch', 'es', 'fi', 'fr', 'fr-be', 'fr-ch', 'is',
    'it', 'jp', 'nl-be', 'no', 'pt', 'uk', 'us')

MAX_NICS = 10
MAX_SERIALS = obeyed.MAX_SERIAL_PORTS
# The port of the guest agent has the same number in every server: a guest
# knows it as ttyS1 or COM2, however many ports are for consoles.
AGENT_SERIAL = 1
MEMORY_STEP_MB = 4
MAX_MEMORY_MB = 128 * 1024
# A longer displayName is legal but unreadable.
MAX_NAME = 255

_MAC = re.compile('(?:[0-9a-f]{2}:){5}[0-9a-f]{2}')
_VNET = re.compile('/dev/vmnet[0-9]{1,3}|vmnet[0-9]{1,3}', re.IGNORECASE)
_GUESTINFO_NAME = re.compile('[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+)*')


class InvalidMachine(exception.InvalidInput):
    """VMware cannot run such a VM."""


@dataclasses.dataclass(frozen=True)
class Disk:
    """A hard disk.

    :ivar path: path of the .vmdk, absolute or relative to the .vmx
    :ivar bus: one of BUSES
    :ivar node: node that it must be attached to (scsi0:1); None lets place()
        choose
    :ivar is_independent: whether VMware leaves it out of snapshots
    """

    path: str
    bus: str
    node: str | None = None
    is_independent: bool = False


@dataclasses.dataclass(frozen=True)
class Cdrom:
    """A CD drive.

    :ivar path: path of the ISO image, or None for an empty drive
    :ivar bus: one of CDROM_BUSES
    :ivar node: as in Disk
    """

    path: str | None
    bus: str
    node: str | None = None


@dataclasses.dataclass(frozen=True)
class Nic:
    """A network adapter with a static MAC address.

    :ivar mac: six pairs of hexadecimal digits with colons
    :ivar model: one of NIC_MODELS
    :ivar connection: one of CONNECTIONS
    :ivar vnet: vmnetN or /dev/vmnetN; only needed with custom
    :ivar segment: pvnID of a LAN segment; only needed with SEGMENT
    :ivar connected: whether the link is up when the VM starts
    :ivar slot: N of ethernetN; None lets place() choose
    :ivar rx_kbps: limit on what the guest receives, kbit/s, or None
    :ivar tx_kbps: limit on what the guest sends, kbit/s, or None
    """

    mac: str
    model: str
    connection: str
    vnet: str | None = None
    slot: int | None = None
    rx_kbps: int | None = None
    tx_kbps: int | None = None
    segment: str | None = None
    connected: bool = True


@dataclasses.dataclass(frozen=True)
class Serial:
    """A serial port.

    :ivar kind: file (VMware appends what the guest writes), pipe (VMware
        creates a Unix socket or a Windows pipe) or network
    :ivar path: path of the file or pipe; for network, a URI
        (telnet://host:port)
    :ivar server: for network: whether VMware listens rather than connects
    :ivar proxy: for network: URI of a virtual serial port concentrator
    """

    kind: str
    path: str
    server: bool = False
    proxy: str | None = None


@dataclasses.dataclass(frozen=True)
class Vnc:
    """A VNC console without a password.

    :ivar address: IP address that it listens on
    :ivar port: TCP port
    :ivar keymap: one of KEYMAPS, or None for VMware's default
    """

    address: str
    port: int
    keymap: str | None = None


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What properties and defaults have chosen.

    :ivar hw_version: virtualHW.version
    :ivar disk_bus: bus of the disks, one of BUSES
    :ivar volume_bus: bus of the volumes that it does not boot from
    :ivar cdrom_bus: bus of the CD drives, one of CDROM_BUSES
    :ivar nic_model: one of NIC_MODELS
    :ivar nic_rx_kbps: limit on what the guest receives, kbit/s, or None
    :ivar nic_tx_kbps: limit on what the guest sends, kbit/s, or None
    :ivar firmware: one of FIRMWARE
    :ivar secure_boot: whether the firmware verifies what it boots
    :ivar local_time: whether the hardware clock shows the host's local time
        rather than UTC
    :ivar boot_order: names from BOOT_DEVICES
    :ivar cores_per_socket: None leaves it to VMware
    :ivar serial_ports: number of serial ports for consoles
    :ivar guest_agent: whether the image wants a port for the QEMU guest agent
    :ivar options: a value for each of catalog.options.FIELDS
    :ivar show_gui: whether the image wants a window on the host, or None; as
        tenants must not decide that, [vmrun] show_gui comes first
    :ivar linked_clone: whether the image insists on a linked root disk
        (True) or forbids it (False), or None
    :ivar disk_type: the kind of VMDK that the image claims to be, or None
    :ivar storage_tag: of the storage folder that the disks are to be in, or
        None
    :ivar storage_policy: the same by its name in Nova's vSphere driver
    :ivar ephemeral_storage_tag: that of ephemeral disks, or None
    :ivar swap_storage_tag: that of the swap disk, or None
    :ivar iso_images: ids of images to attach, each in its own CD drive
    :ivar floppy_image: id of the image in the floppy drive, or None
    :ivar tools_isos: names of files in the product's folder of ISO images
    :ivar unsupported: properties and extra specs that are not obeyed although
        somebody may rely on them
    :ivar origins: names of these fields, of options and guestos to a phrase
        that says where the value comes from
    """

    hw_version: int
    disk_bus: str
    volume_bus: str
    cdrom_bus: str
    nic_model: str
    nic_rx_kbps: int | None
    nic_tx_kbps: int | None
    firmware: str
    secure_boot: bool
    local_time: bool
    boot_order: tuple[str, ...]
    cores_per_socket: int | None
    serial_ports: int
    guest_agent: bool
    options: Mapping[str, Any]
    show_gui: bool | None
    linked_clone: bool | None
    disk_type: str | None
    storage_tag: str | None
    storage_policy: str | None
    ephemeral_storage_tag: str | None
    swap_storage_tag: str | None
    iso_images: tuple[str, ...]
    floppy_image: str | None
    tools_isos: tuple[str, ...]
    unsupported: tuple[str, ...]
    origins: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Machine:
    """A VM.

    :ivar uuid: what the guest reads from its SMBIOS, in the usual form
    :ivar name: any printable text
    :ivar guestos: VMware's id of the guest operating system (ubuntu-64)
    :ivar family: name of the template, one of nova_vmrun.formats.guestos
    :ivar memory_mb: MiB, a multiple of 4; see round_memory
    :ivar uuid_location: VMware's own note of where the files are, as an
        existing .vmx has it, or None
    :ivar floppy: path of the floppy image, or None
    :ivar annotation: text that may have line breaks, or None
    :ivar serials: the ports for consoles, in order
    :ivar agent_socket: path of the Unix socket for the guest agent, or None
    :ivar guestinfo: names (without "guestinfo.") to values
    :ivar machine_id: text for the guest's tools, or None
    :ivar typematic_delay_us: time until a held key repeats, microseconds
    :ivar desktop_integration: whether the clipboard is shared with the host
    """

    uuid: str
    name: str
    guestos: str
    family: str
    memory_mb: int
    vcpus: int
    hardware: Hardware
    uuid_location: str | None = None
    disks: tuple[Disk, ...] = ()
    cdroms: tuple[Cdrom, ...] = ()
    floppy: str | None = None
    nics: tuple[Nic, ...] = ()
    serials: tuple[Serial, ...] = ()
    agent_socket: str | None = None
    vnc: Vnc | None = None
    annotation: str | None = None
    guestinfo: Mapping[str, str] = dataclasses.field(default_factory=dict)
    machine_id: str | None = None
    typematic_delay_us: int | None = None
    desktop_integration: bool = False

    def numbered_serials(self) -> list[tuple[int, Serial]]:
        """Return all serial ports with the N of their serialN."""
        if self.agent_socket is None:
            return list(enumerate(self.serials))
        numbers = [number for number in range(MAX_SERIALS)
                   if number != AGENT_SERIAL]
        return sorted([*zip(numbers, self.serials),
                       (AGENT_SERIAL, Serial('pipe', self.agent_socket))],
                      key=operator.itemgetter(0))


def round_memory(memory_mb: int) -> int:
    """Round a flavor's memory up to what a VM can have.

    :returns: MiB, the next multiple of 4
    """
    return -(-memory_mb // MEMORY_STEP_MB) * MEMORY_STEP_MB


def max_vcpus(hw_version: int) -> int:
    """Return how many virtual CPUs a VM can have.

    16 up to Workstation 15, 32 in 16 and 17. For newer products no limit is
    documented, so that VMware itself has the last word.
    """
    if hw_version < 18:
        return 16
    return 32 if hw_version < 22 else 128


def validate(machine: Machine) -> None:
    """Refuse what VMware would only refuse at power-on, or silently drop.

    :raises InvalidMachine: a number or a name outside its range
    :raises InvalidText: characters that must not reach a .vmx
    """
    _validate_texts(machine)
    _validate_size(machine)
    _validate_choices(machine)
    _validate_nics(machine.nics)
    _validate_serials(machine)


def _refuse(brief: str, resolution: str = '') -> NoReturn:
    raise InvalidMachine(brief, resolution=resolution)


def _one_of(value: object, allowed: Collection[Any], what: str) -> None:
    if value not in allowed:
        _refuse('%s cannot be %r.' % (what, value),
                'Use one of: %s.' % ', '.join(map(str, allowed)))


def _validate_texts(machine: Machine) -> None:
    try:
        uuidlib.UUID(machine.uuid)
    except ValueError:
        _refuse('%r is not a UUID.' % machine.uuid)
    vmx.quote(machine.name)
    if len(machine.name) > MAX_NAME:
        _refuse('The name is %d characters long.' % len(machine.name),
                'Use at most %d.' % MAX_NAME)
    paths = [d.path for d in machine.disks + machine.cdroms + machine.serials]
    for text in filter(None, paths + [machine.floppy, machine.machine_id,
                                      machine.agent_socket]):
        vmx.quote(text)
    for name, value in machine.guestinfo.items():
        if not _GUESTINFO_NAME.fullmatch(name):
            _refuse('%r cannot be the name of a guestinfo variable.' % name)
        vmx.quote(value)


def _validate_size(machine: Machine) -> None:
    if not MEMORY_STEP_MB <= machine.memory_mb <= MAX_MEMORY_MB:
        _refuse('%s MiB of memory are out of range.' % machine.memory_mb,
                'VMware runs VMs of 4 to %d MiB.' % MAX_MEMORY_MB)
    if machine.memory_mb % MEMORY_STEP_MB:
        _refuse('%d MiB of memory are not a multiple of 4.'
                % machine.memory_mb, 'Use a flavor of %d MiB.'
                % round_memory(machine.memory_mb))
    limit = max_vcpus(machine.hardware.hw_version)
    if not 1 <= machine.vcpus <= limit:
        _refuse('A VM cannot have %s virtual CPUs.' % machine.vcpus,
                'Use 1 to %d on virtual hardware %d.'
                % (limit, machine.hardware.hw_version))
    cores = machine.hardware.cores_per_socket
    if cores is not None and (cores < 1 or machine.vcpus % cores):
        _refuse('%s virtual CPUs cannot be divided into sockets of %s cores.'
                % (machine.vcpus, cores),
                'Use a divisor of the number of virtual CPUs.')


def _validate_choices(machine: Machine) -> None:
    hardware = machine.hardware
    _one_of(hardware.firmware, FIRMWARE, 'The firmware')
    if hardware.secure_boot and hardware.firmware != 'efi':
        _refuse('Secure boot needs UEFI firmware.',
                'Set the image property hw_firmware_type=uefi.')
    for device in hardware.boot_order:
        _one_of(device, BOOT_DEVICES, 'A boot device')
    for disk in machine.disks:
        _one_of(disk.bus, BUSES, 'The bus of a disk')
    for cdrom in machine.cdroms:
        _one_of(cdrom.bus, CDROM_BUSES, 'The bus of a CD drive')
    for field, value in hardware.options.items():
        _one_of(field, options.FIELDS, 'The name of an option')
        if not options.FIELDS[field].allows(value):
            _refuse('The option %s cannot be %r.' % (field, value))
    if machine.vnc:
        _one_of(machine.vnc.keymap, (None,) + KEYMAPS, 'The VNC keyboard map')
        if not 1 <= machine.vnc.port <= 65535:
            _refuse('%s is not a TCP port.' % machine.vnc.port)


def _validate_nics(nics: tuple[Nic, ...]) -> None:
    if len(nics) > MAX_NICS:
        _refuse('A VM cannot have %d network adapters.' % len(nics),
                'Use at most %d.' % MAX_NICS)
    seen: set[str] = set()
    for nic in nics:
        mac = nic.mac.lower()
        if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1:
            _refuse('%r cannot be the MAC address of an adapter.' % nic.mac)
        if mac.startswith(identity.RESERVED_MACS):
            _refuse('VMware reserves MAC addresses such as %s.' % mac,
                    'Use a port with another MAC address, for example one '
                    'that Neutron generates.')
        if mac in seen:
            _refuse('Two network adapters have the address %s.' % mac,
                    'Use ports with different MAC addresses, or remove one of '
                    'the two from the server.')
        seen.add(mac)
        _one_of(nic.model, NIC_MODELS, 'The model of a network adapter')
        _one_of(nic.connection, CONNECTIONS, 'The connection of an adapter')
        if nic.connection == 'custom' and not _VNET.fullmatch(nic.vnet or ''):
            _refuse('%r is not a VMware virtual network.' % nic.vnet,
                    'Use vmnet0 to vmnet255.')
        if (nic.connection == SEGMENT and
                not identity.is_segment(nic.segment or '')):
            _refuse('%r is not the id of a LAN segment.' % nic.segment,
                    'Use 16 bytes as VMware writes them: 52 54 ab 10 00 00 '
                    '00 00-00 00 00 00 00 00 00 01.')


def _validate_serials(machine: Machine) -> None:
    count = len(machine.serials) + (machine.agent_socket is not None)
    if count > MAX_SERIALS:
        _refuse('A VM cannot have %d serial ports.' % count,
                'Use at most %d.' % MAX_SERIALS)
    for serial in machine.serials:
        _one_of(serial.kind, SERIAL_KINDS, 'The kind of a serial port')
        vmx.quote(serial.proxy or '')
