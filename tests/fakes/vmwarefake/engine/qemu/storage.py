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

import os

from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake import vmdk
from vmwarefake.vmdk import disk as disks

#: virtualDev -> QEMU's device; a .vmx without virtualDev means LSI Logic.
_SCSI = {'pvscsi': 'pvscsi', 'lsisas1068': 'mptsas1068'}
_SCSI_NEAREST = {'lsilogic': 'lsi53c895a', 'buslogic': 'lsi53c895a'}
#: Units that QEMU's controller has, where these are fewer than VMware's.
_UNITS = {'mptsas1068': 8, 'ich9-ahci': 6}
#: Those that Debian's OVMF can boot from.
_OVMF_SCSI = 'virtio-scsi-pci'

_SAS_ADDRESS = 0x5000c29000000000       # VMware's

_RAW_TYPES = ('rawdisk', 'plaindisk')
#: Seconds that QEMU waits for a disk whose server is being replaced.
_RECONNECT = 3600
#: Seconds that it takes at most until a server that is there listens.
_OPEN = 10


class Export(object):
    """A disk that a server gives to QEMU.

    :ivar name: of the server, its socket and its record.
    :ivar node: of the disk in the .vmx.
    :ivar path: of the disk's file.
    :ivar throw_away: True when nothing that the guest writes is kept.
    """

    def __init__(self, drive):
        self.name = 'disk-' + device_id(drive.node)
        self.node = drive.node
        self.path = drive.path
        self.throw_away = not drive.writes_back


def device_id(node):
    """QEMU's name for a drive or a NIC: ``scsi0:1`` cannot be one."""
    return node.replace(':', '-')


class Storage(object):
    """The drives of a .vmx as QEMU's block nodes and devices.

    :ivar exports: list of :class:`Export`.
    :ivar nodes: block nodes, as QEMU's -blockdev has them.
    :ivar devices: controllers and drives, as its -device has them.
    :ivar notes: lines for the log.
    :param address: a function that names the socket of an export.
    :param order: boot indices, {node: number}.
    """

    def __init__(self, config, directory, slots, hardware, address, order):
        self.config = config
        self.hardware = hardware
        self.exports = []
        self.nodes = []
        self.devices = []
        self.notes = []
        self._slots = slots
        self._address = address
        self._order = order
        drives = devices.drives(config, directory)
        controllers = {}
        for drive in drives:
            if drive.controller not in controllers:
                controllers[drive.controller] = self._controller(drive)
            self._drive(drive, controllers[drive.controller])

    def _controller(self, drive):
        """Add the drive's controller; return QEMU's kind of it."""
        kind = self._kind(drive)
        if kind != 'ide':
            device = {'driver': kind, 'id': drive.controller}
            if kind == 'nvme':
                device['serial'] = 'VMWare NVME_%04d' % drive.bus_number
            device.update(self._slots.address(self.config, drive.controller))
            self.devices.append(device)
        return kind

    def _kind(self, drive):
        if drive.bus in ('ide', 'nvme'):
            return drive.bus
        key = drive.controller + '.virtualDev'
        said = self.config.get(key, '').lower()
        if drive.bus == 'sata':
            return self._sata(key, said or 'ahci')
        self._check_shared(drive.controller)
        return self._scsi(key, said or 'lsilogic')

    def _sata(self, key, said):
        if said != 'ahci':
            raise base.Unsupported(key, 'there is no SATA controller ' + said)
        if self.hardware == 'cloud':
            return self._instead(key, said, self._cloud_scsi())
        return 'ich9-ahci'

    def _scsi(self, key, said):
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

    def _needs_ovmf(self):
        """OVMF, as Debian builds it, boots from no other SCSI controller."""
        return self.config.get('firmware', 'bios').lower() == 'efi'

    def _cloud_scsi(self):
        return _OVMF_SCSI if self._needs_ovmf() else 'pvscsi'

    def _instead(self, key, said, given):
        if said != given:
            self.notes.append('%s = "%s": the guest gets %s instead.'
                              % (key, said, given))
        return given

    def _check_shared(self, controller):
        key = controller + '.sharedBus'
        if self.config.get(key, 'none').lower() not in ('', 'none'):
            raise base.Unsupported(key, 'no bus can be shared between '
                                   'virtual machines')

    # -- drives ----------------------------------------------------------

    def _drive(self, drive, kind):
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
            # Without, its drives have no SAS address and are not found.
            device['wwn'] = _SAS_ADDRESS + drive.bus_number * 16 + drive.unit
        device['id'] = device_id(drive.node)
        if medium:
            device['drive'] = medium
        if drive.node in self._order:
            device['bootindex'] = self._order[drive.node]
        self.devices.append(device)

    @staticmethod
    def _position(drive, kind):
        if kind == 'ide':
            return {'bus': 'ide.%d' % drive.bus_number, 'unit': drive.unit}
        if kind == 'ich9-ahci':
            return {'bus': '%s.%d' % (drive.controller, drive.unit)}
        if kind == 'nvme':
            return {'bus': drive.controller, 'nsid': drive.unit + 1}
        return {'bus': drive.controller + '.0', 'channel': 0,
                'scsi-id': drive.unit, 'lun': 0}

    def _family(self, drive, what):
        """Return ``ide-cd`` and the like for what the guest is to see."""
        scsi = drive.bus == 'scsi' or (drive.bus == 'sata'
                                       and self.hardware == 'cloud')
        return '%s-%s' % ('scsi' if scsi else 'ide', what)

    def _cdrom(self, drive):
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

    def _disk(self, drive):
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
        device = {'driver': self._family(drive, 'hd')}
        if drive.get('virtualSSD') == '1':
            device['rotation_rate'] = 1
        if device['driver'] == 'scsi-hd' and self.config.true(
                'disk.EnableUUID'):
            device.update(_serial(drive))
        return device, export.name


def _serial(drive):
    """What disk.EnableUUID shows to the guest: ddb.uuid."""
    try:
        text = disks.open_link(drive.path).descriptor.ddb.get('ddb.uuid', '')
    except vmdk.DiskError:
        return {}
    digits = text.replace(' ', '').replace('-', '').lower()
    return {'serial': digits} if digits else {}


def boot_order(config, directory):
    """Return {device: boot index} by bios.bootOrder and bios.hddOrder.

    Kinds that bios.bootOrder does not name come behind those that it does,
    network cards only when they are named.
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
    indices = {}
    for node in sequence:
        indices.setdefault(node, len(indices))
    return indices


_ALIASES = {'hd': 'hdd', 'cd': 'cdrom', 'fd': 'floppy', 'net': 'ethernet0'}
_BUSES = ('scsi', 'sata', 'ide', 'nvme')        # inferred


def _hdd_order(config, drives):
    first = _words(config, 'bios.hddOrder')
    drives = sorted(drives, key=lambda d: (
        first.index(d.node) if d.node in first else len(first),
        _BUSES.index(d.bus), d.bus_number, d.unit))
    return [d.node for d in drives]


def _words(config, key):
    text = config.get(key, '').lower()
    return [word.strip() for word in text.split(',') if word.strip()]
