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

"""Disks and CDs: which controller, where, from which file."""

from __future__ import annotations

import os

from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake import vmdk
from vmwarefake.vmdk import disk as disks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any
    from vmwarefake import dictionary
    from vmwarefake.engine.qemu import pci

#: virtualDev -> QEMU's device; a .vmx without virtualDev means LSI Logic.
_SCSI = {'pvscsi': 'pvscsi', 'lsisas1068': 'mptsas1068'}
_SCSI_NEAREST = {'lsilogic': 'lsi53c895a', 'buslogic': 'lsi53c895a'}
#: Units of QEMU's controllers that have fewer than VMware's.
_UNITS = {'mptsas1068': 8, 'ich9-ahci': 6}
#: The SCSI controller that Debian's OVMF can boot from.
_OVMF_SCSI = 'virtio-scsi-pci'

_SAS_ADDRESS = 0x5000c29000000000       # VMware's

_RAW_TYPES = ('rawdisk', 'plaindisk')
#: Seconds that QEMU waits for a disk while its server is replaced.
_RECONNECT = 3600
#: Seconds that QEMU waits for a new server to listen.
_OPEN = 10


class Export:
    """A disk that a server provides to QEMU.

    :ivar name: name of the server, its socket and its record.
    :ivar node: node of the disk in the .vmx.
    :ivar throw_away: whether the guest's writes are discarded.
    """

    def __init__(self, drive: devices.Drive) -> None:
        self.name = 'disk-' + device_id(drive.node)
        self.node = drive.node
        self.path = drive.path
        self.throw_away = not drive.writes_back


def device_id(node: str) -> str:
    """Return QEMU's id of a device, which must not have a colon."""
    return node.replace(':', '-')


class Storage:
    """The drives of a .vmx as QEMU's block nodes and devices.

    :ivar nodes: arguments of QEMU's -blockdev.
    :ivar devices: arguments of QEMU's -device: controllers and drives.
    :ivar notes: lines for the log.
    :param address: returns the address of the socket of an export.
    :param order: {node: boot index}.
    """

    def __init__(self, config: dictionary.Dictionary, directory: str,
                 slots: pci.Slots, hardware: str,
                 address: abc.Callable[[str], str],
                 order: dict[str, int]) -> None:
        self.config = config
        self.hardware = hardware
        self.exports: list[Export] = []
        self.nodes: list[dict[str, Any]] = []
        self.devices: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self._slots = slots
        self._address = address
        self._order = order
        drives = devices.drives(config, directory)
        controllers = {}
        for drive in drives:
            if drive.controller not in controllers:
                controllers[drive.controller] = self._controller(drive)
            self._drive(drive, controllers[drive.controller])

    def _controller(self, drive: devices.Drive) -> str:
        """Add the controller of a drive and return QEMU's model."""
        kind = self._kind(drive)
        if kind != 'ide':
            device = {'driver': kind, 'id': drive.controller}
            if kind == 'nvme':
                device['serial'] = 'VMWare NVME_%04d' % drive.bus_number
            device.update(self._slots.address(self.config, drive.controller))
            self.devices.append(device)
        return kind

    def _kind(self, drive: devices.Drive) -> str:
        if drive.bus in ('ide', 'nvme'):
            return drive.bus
        key = drive.controller + '.virtualDev'
        said = self.config.get(key, '').lower()
        if drive.bus == 'sata':
            return self._sata(key, said or 'ahci')
        self._check_shared(drive.controller)
        return self._scsi(key, said or 'lsilogic')

    def _sata(self, key: str, said: str) -> str:
        if said != 'ahci':
            raise base.Unsupported(key, 'there is no SATA controller ' + said)
        if self.hardware == 'cloud':
            return self._instead(key, said, self._cloud_scsi())
        return 'ich9-ahci'

    def _scsi(self, key: str, said: str) -> str:
        if self.hardware == 'exact':
            if said not in _SCSI:
                raise base.Unsupported(
                    key, 'QEMU has no %s, and FAKE_VMRUN_QEMU_HARDWARE=exact '
                    'allows no other' % said)
            return _SCSI[said]
        if self._needs_ovmf():
            return self._instead(key, said, _OVMF_SCSI)
        if self.hardware == 'cloud':
            return self._instead(key, said, self._cloud_scsi())
        if said in _SCSI:
            return _SCSI[said]
        return self._instead(key, said, _SCSI_NEAREST[said])

    def _needs_ovmf(self) -> bool:
        """Return whether OVMF boots; Debian's supports one SCSI controller."""
        return self.config.get('firmware', 'bios').lower() == 'efi'

    def _cloud_scsi(self) -> str:
        return _OVMF_SCSI if self._needs_ovmf() else 'pvscsi'

    def _instead(self, key: str, said: str, given: str) -> str:
        if said != given:
            self.notes.append('%s = "%s": the guest gets %s instead.'
                              % (key, said, given))
        return given

    def _check_shared(self, controller: str) -> None:
        key = controller + '.sharedBus'
        if self.config.get(key, 'none').lower() not in ('', 'none'):
            raise base.Unsupported(key, 'no bus can be shared between '
                                   'virtual machines')

    # -- drives ----------------------------------------------------------

    def _drive(self, drive: devices.Drive, kind: str) -> None:
        if drive.unit >= _UNITS.get(kind, 64):
            raise base.Unsupported(
                drive.node + '.present', 'QEMU\'s %s has only units 0 to %d'
                % (kind, _UNITS[kind] - 1))
        if drive.is_cdrom:
            device, medium = self._cdrom(drive)
        else:
            device, medium = self._disk(drive)
        device.update(self._position(drive, kind))
        if kind == 'mptsas1068':
            # Without a SAS address the guest does not find the drive.
            device['wwn'] = _SAS_ADDRESS + drive.bus_number * 16 + drive.unit
        device['id'] = device_id(drive.node)
        if medium:
            device['drive'] = medium
        if drive.node in self._order:
            device['bootindex'] = self._order[drive.node]
        self.devices.append(device)

    @staticmethod
    def _position(drive: devices.Drive, kind: str) -> dict[str, Any]:
        if kind == 'ide':
            return {'bus': 'ide.%d' % drive.bus_number, 'unit': drive.unit}
        if kind == 'ich9-ahci':
            return {'bus': '%s.%d' % (drive.controller, drive.unit)}
        if kind == 'nvme':
            return {'bus': drive.controller, 'nsid': drive.unit + 1}
        return {'bus': drive.controller + '.0', 'channel': 0,
                'scsi-id': drive.unit, 'lun': 0}

    def _family(self, drive: devices.Drive, what: str) -> str:
        """Return the model of a drive, such as ``ide-cd``."""
        scsi = drive.bus == 'scsi' or (drive.bus == 'sata'
                                       and self.hardware == 'cloud')
        return '%s-%s' % ('scsi' if scsi else 'ide', what)

    def _cdrom(self,
               drive: devices.Drive) -> tuple[dict[str, Any], str | None]:
        node = None
        if drive.device_type != 'cdrom-image':
            if drive.start_connected and drive.file_name.lower() not in (
                    '', 'auto detect'):
                raise base.Unsupported(
                    drive.node + '.fileName', 'a CD drive of the host cannot '
                    'be used; use a cdrom-image')
        elif drive.start_connected and os.path.isfile(drive.path):
            node = 'cd-' + device_id(drive.node)
            self.nodes.append({
                'driver': 'raw', 'node-name': node, 'read-only': True,
                'file': {'driver': 'file', 'filename': drive.path}})
        return {'driver': self._family(drive, 'cd')}, node

    def _disk(self, drive: devices.Drive) -> tuple[dict[str, Any], str | None]:
        if drive.device_type in _RAW_TYPES:
            raise base.Unsupported(
                drive.node + '.deviceType', 'disks of the host cannot be '
                'used')
        export = Export(drive)
        self.exports.append(export)
        self.nodes.append({
            'driver': 'raw', 'node-name': export.name,
            'file': {'driver': 'nbd', 'open-timeout': _OPEN,
                     'reconnect-delay': _RECONNECT,
                     'server': {'type': 'unix',
                                'path': self._address(export.name)}}})
        if drive.bus == 'nvme':
            return {'driver': 'nvme-ns'}, export.name
        device: dict[str, Any] = {'driver': self._family(drive, 'hd')}
        if drive.get('virtualSSD') == '1':
            device['rotation_rate'] = 1
        if device['driver'] == 'scsi-hd' and self.config.true(
                'disk.EnableUUID'):
            device.update(_serial(drive))
        return device, export.name


def _serial(drive: devices.Drive) -> dict[str, Any]:
    """Return the serial number for disk.EnableUUID, which is ddb.uuid."""
    try:
        text = disks.open_link(drive.path).descriptor.ddb.get('ddb.uuid', '')
    except vmdk.DiskError:
        return {}
    digits = text.replace(' ', '').replace('-', '').lower()
    return {'serial': digits} if digits else {}


def boot_order(config: dictionary.Dictionary,
               directory: str) -> dict[str, int]:
    """Return {device: boot index} by bios.bootOrder and bios.hddOrder.

    Kinds that bios.bootOrder does not name come after those that it names;
    network cards boot only if they are named.
    """
    order = [word for word in _words(config, 'bios.bootOrder')
             if not word.startswith('deny')]
    order += ['floppy', 'hdd', 'cdrom']
    drives = devices.drives(config, directory)
    found = {'hdd': _hdd_order(config, [d for d in drives if d.is_disk]),
             'cdrom': [d.node for d in drives if d.is_cdrom],
             'floppy': ['floppy0', 'floppy1']}
    sequence = []
    for word in order:
        word = _ALIASES.get(word.rpartition(':')[2], word)
        sequence += found.get(word, [word])
    indices: dict[str, int] = {}
    for node in sequence:
        indices.setdefault(node, len(indices))
    return indices


_ALIASES = {'hd': 'hdd', 'cd': 'cdrom', 'fd': 'floppy', 'net': 'ethernet0'}
_BUSES = ('scsi', 'sata', 'ide', 'nvme')        # inferred


def _hdd_order(config: dictionary.Dictionary,
               drives: list[devices.Drive]) -> list[str]:
    first = _words(config, 'bios.hddOrder')
    drives = sorted(drives, key=lambda d: (
        first.index(d.node) if d.node in first else len(first),
        _BUSES.index(d.bus), d.bus_number, d.unit))
    return [d.node for d in drives]


def _words(config: dictionary.Dictionary, key: str) -> list[str]:
    text = config.get(key, '').lower()
    return [word.strip() for word in text.split(',') if word.strip()]
