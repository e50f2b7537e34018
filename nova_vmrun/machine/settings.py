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

"""The keys of a Machine's .vmx.

Only the keys that differ from server to server are here. Those that every
server of a family shares are written out in the templates.
"""

import dataclasses
import operator

from nova_vmrun.catalog import options
from nova_vmrun.formats import identity
from nova_vmrun.machine import model as machines
from nova_vmrun.machine import placement

# Snapshots leave out a disk of this mode, and it keeps what is written to it.
INDEPENDENT = 'independent-persistent'

# The origins of fields that have no entry in Hardware.origins.
_ORIGINS = {
    'uuid': 'server', 'name': 'server', 'annotation': 'server',
    'disks': 'server', 'cdroms': 'server', 'floppy': 'server',
    'serials': 'server', 'guestinfo': 'server', 'machine_id': 'server',
    'memory_mb': 'flavor', 'vcpus': 'flavor', 'nics': 'network port',
    'hw_version': 'product', 'vnc': 'option [vnc] enabled',
    'desktop_integration': 'option desktop_integration',
    'typematic_delay_us': 'option console_delay_seconds',
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """A line of a .vmx.

    :ivar origin: where the value comes from: flavor, image property …
    """

    key: str
    value: str
    origin: str


class _Group:
    """A group of settings."""

    def __init__(self, machine: machines.Machine) -> None:
        self._machine = machine
        self.settings: list[Setting] = []

    def add(self, field: str, key: str, value: object) -> None:
        if isinstance(value, bool):
            value = 'TRUE' if value else 'FALSE'
        origin = self._machine.hardware.origins.get(
            field, _ORIGINS.get(field, 'default'))
        self.settings.append(Setting(key, str(value), origin))


def build(machine: machines.Machine) -> dict[str, tuple[Setting, ...]]:
    """Return every setting that the template must contain, by group.

    :param machine: a VM that model.validate accepts
    :returns: names of groups to their settings; a group may be empty
    :raises InvalidMachine: a bus is full
    """
    placed = placement.place(machine)
    builders = {
        'identity': _identity, 'cpu': _cpu, 'firmware': _firmware,
        'storage': _storage, 'floppy': _floppy, 'network': _network,
        'serial': _serial, 'console': _console, 'guest': _guest,
        'isolation': _isolation,
    }
    groups = {name: _Group(machine) for name in (*builders, 'devices')}
    for name, builder in builders.items():
        builder(groups[name], machine, placed)
    for option in options.ROWS:
        value = machine.hardware.options[option.field]
        for key, text in option.writer.lines(value).items():
            groups[option.group].add(option.field, key, text)
    return {name: tuple(group.settings) for name, group in groups.items()}


def _identity(group: _Group, machine: machines.Machine,
              placed: placement.Placement) -> None:
    bios = identity.to_vmware(machine.uuid, machine.hardware.hw_version)
    group.add('name', 'displayName', machine.name)
    if machine.annotation is not None:
        group.add('annotation', 'annotation', machine.annotation)
    group.add('guestos', 'guestOS', machine.guestos)
    group.add('hw_version', 'virtualHW.version', machine.hardware.hw_version)
    group.add('uuid', 'uuid.bios', bios)
    # If it is missing, VMware asks whether the files were moved or copied.
    group.add('uuid', 'uuid.location', machine.uuid_location or bios)


def _cpu(group: _Group, machine: machines.Machine,
         placed: placement.Placement) -> None:
    group.add('vcpus', 'numvcpus', machine.vcpus)
    if machine.hardware.cores_per_socket is not None:
        group.add('cores_per_socket', 'cpuid.coresPerSocket',
                  machine.hardware.cores_per_socket)
    group.add('memory_mb', 'memsize', machine.memory_mb)


def _firmware(group: _Group, machine: machines.Machine,
              placed: placement.Placement) -> None:
    hardware = machine.hardware
    group.add('firmware', 'firmware', hardware.firmware)
    if hardware.firmware == 'efi':
        group.add('secure_boot', 'uefi.secureBoot.enabled',
                  hardware.secure_boot)
    if not hardware.local_time:
        # Otherwise VMware shows the host's local time.
        group.add('local_time', 'rtc.diffFromUTC', 0)
    group.add('boot_order', 'bios.bootOrder', ','.join(hardware.boot_order))
    if placed.disks:
        group.add('disks', 'bios.hddOrder', placed.disks[0])


def _storage(group: _Group, machine: machines.Machine,
             placed: placement.Placement) -> None:
    fields = {node.partition(':')[0]: _bus_field(machine, disk)
              for disk, node in zip(machine.disks, placed.disks)}
    for name, model in placed.controllers:
        field = fields.get(name, 'cdrom_bus')
        group.add(field, name + '.present', True)
        if model:
            group.add(field, name + '.virtualDev', model)
    for disk, node in zip(machine.disks, placed.disks):
        group.add(_bus_field(machine, disk), node + '.present', True)
        group.add('disks', node + '.fileName', disk.path)
        if disk.is_independent:
            group.add('disks', node + '.mode', INDEPENDENT)
    for cdrom, node in zip(machine.cdroms, placed.cdroms):
        group.add('cdrom_bus', node + '.present', True)
        if cdrom.path is None:
            group.add('cdroms', node + '.deviceType', 'cdrom-raw')
            group.add('cdroms', node + '.fileName', 'auto detect')
            group.add('cdroms', node + '.autodetect', True)
            group.add('cdroms', node + '.startConnected', False)
        else:
            group.add('cdroms', node + '.deviceType', 'cdrom-image')
            group.add('cdroms', node + '.fileName', cdrom.path)
            group.add('cdroms', node + '.startConnected', True)


def _bus_field(machine: machines.Machine, disk: machines.Disk) -> str:
    is_data_volume = disk.is_independent and disk != machine.disks[0]
    return 'volume_bus' if is_data_volume else 'disk_bus'


def _floppy(group: _Group, machine: machines.Machine,
            placed: placement.Placement) -> None:
    # VMware adds a floppy drive unless it is turned off.
    group.add('floppy', 'floppy0.present', machine.floppy is not None)
    if machine.floppy is not None:
        group.add('floppy', 'floppy0.fileType', 'file')
        group.add('floppy', 'floppy0.fileName', machine.floppy)
        group.add('floppy', 'floppy0.startConnected', True)


def _network(group: _Group, machine: machines.Machine,
             placed: placement.Placement) -> None:
    # Sorted by slot, so that the order of attachment makes no difference.
    for slot, nic in sorted(zip(placed.nics, machine.nics),
                            key=operator.itemgetter(0)):
        name = 'ethernet%d.' % slot
        group.add('nics', name + 'present', True)
        group.add('nic_model', name + 'virtualDev', nic.model)
        group.add('nics', name + 'connectionType', nic.connection)
        if nic.connection == 'custom':
            group.add('nics', name + 'vnet', nic.vnet)
        elif nic.connection == machines.SEGMENT:
            group.add('nics', name + 'pvnID', nic.segment)
        group.add('nics', name + 'addressType', 'static')
        group.add('nics', name + 'address', nic.mac.lower())
        # Neutron's addresses are outside VMware's range.
        group.add('nics', name + 'checkMACAddress', False)
        group.add('nics', name + 'startConnected', nic.connected)
        group.add('nics', name + 'allowGuestConnectionControl', False)
        if nic.rx_kbps is not None:
            group.add('nic_rx_kbps', name + 'rxbw.limit', nic.rx_kbps)
        if nic.tx_kbps is not None:
            group.add('nic_tx_kbps', name + 'txbw.limit', nic.tx_kbps)


def _serial(group: _Group, machine: machines.Machine,
            placed: placement.Placement) -> None:
    for number, serial in machine.numbered_serials():
        name = 'serial%d.' % number
        field = ('guest_agent' if serial.path == machine.agent_socket
                 else 'serials')
        group.add(field, name + 'present', True)
        group.add(field, name + 'fileType', serial.kind)
        group.add(field, name + 'fileName', serial.path)
        group.add(field, name + 'startConnected', True)
        group.add(field, name + 'yieldOnMsrRead', True)
        if serial.kind == 'pipe':
            group.add(field, name + 'pipe.endPoint', 'server')
            group.add(field, name + 'tryNoRxLoss', True)
        elif serial.kind == 'network':
            group.add(field, name + 'network.endPoint',
                      'server' if serial.server else 'client')
            if serial.proxy is not None:
                group.add(field, name + 'vspc', serial.proxy)
    if any(serial.kind == 'file' for serial in machine.serials):
        # VMware asks if the file exists; autoAnswer alone might replace it.
        group.add('serials', 'answer.msg.serial.file.open', 'Append')


def _console(group: _Group, machine: machines.Machine,
             placed: placement.Placement) -> None:
    vnc = machine.vnc
    group.add('vnc', 'RemoteDisplay.vnc.enabled', vnc is not None)
    if vnc is not None:
        group.add('vnc', 'RemoteDisplay.vnc.ip', vnc.address)
        group.add('vnc', 'RemoteDisplay.vnc.port', vnc.port)
        if vnc.keymap is not None:
            group.add('vnc', 'RemoteDisplay.vnc.keyMap', vnc.keymap)
    if machine.typematic_delay_us is not None:
        group.add('typematic_delay_us', 'keyboard.typematicMinDelay',
                  machine.typematic_delay_us)


def _guest(group: _Group, machine: machines.Machine,
           placed: placement.Placement) -> None:
    for name, value in machine.guestinfo.items():
        group.add('guestinfo', 'guestinfo.' + name, value)
    if machine.machine_id is not None:
        group.add('machine_id', 'machine.id', machine.machine_id)


def _isolation(group: _Group, machine: machines.Machine,
               placed: placement.Placement) -> None:
    shared = machine.desktop_integration
    for name in ('copy', 'paste', 'dnd'):
        group.add('desktop_integration',
                  'isolation.tools.%s.disable' % name, not shared)
    group.add('desktop_integration', 'isolation.tools.setGUIOptions.enable',
              shared)
