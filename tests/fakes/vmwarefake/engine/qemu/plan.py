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

"""The whole machine: from a .vmx to QEMU's command line."""

from __future__ import annotations

import json
import time

from vmwarefake import efi
from vmwarefake.engine.qemu import cards
from vmwarefake.engine.qemu import keys
from vmwarefake.engine.qemu import pci
from vmwarefake.engine.qemu import ports
from vmwarefake.engine.qemu import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake.engine import base
    from vmwarefake.engine.qemu import options as qemu_options
    from vmwarefake.engine.qemu import sockets as qemu_sockets

    #: Words of a command line; QEMU gets a dict as JSON.
    _Argv = list[str | dict[str, Any]]

#: Where the guest finds guestinfo and machine.id.
GUEST_INFORMATION = 'opt/vmrun/guestinfo'


class Plan:
    """What to run for a .vmx; the constructor starts nothing.

    :ivar exports: disks to serve.
    :ivar links: network cables.
    :ivar vnc: address and port of the VNC server, or None.
    :ivar notes: lines for vmware.log about differences from the .vmx.
    :ivar files: {name: content} of files to make in the run folder.
    :raises base.Unsupported: for a key that asks for hardware that QEMU lacks.
    """

    def __init__(self, machine: base.Machine, options: qemu_options.Options,
                 sockets: qemu_sockets.Folder) -> None:
        self._config = machine.config
        self._machine = machine
        self._options = options
        self._sockets = sockets
        notes = keys.check(self._config, options.accel)
        slots = pci.Slots()
        order = storage.boot_order(self._config, machine.directory)
        if options.arm:
            efi.drop_unseen(order, self._config, machine.directory)
        self._storage = storage.Storage(
            self._config, machine.directory, slots, options.hardware,
            sockets.address, order)
        self._cards = cards.Cards(self._config, slots, options.hardware,
                                  order)
        self._ports = ports.Ports(self._config, slots, machine.path,
                                  machine.run_file, order)
        vnc = self._ports.vnc()
        self.vnc = vnc[0] if vnc else None
        self._vnc_option = vnc[1] if vnc else ''
        self._slots = slots
        self.exports = self._storage.exports
        self.links = self._cards.links
        self.notes = (notes + slots.notes + self._storage.notes
                      + self._cards.notes + self._ports.notes)
        self.files = dict(self._ports.secrets)
        self.files['guestinfo'] = ports.guest_information(self._config)

    @property
    def unplugged(self) -> list[cards.Link]:
        """The cables to disconnect before the guest starts.

        Only for them does the machine start stopped: if the tool is killed
        then, the machine stays stopped.
        """
        return [link for link in self.links if not link.connected]

    def argv(self, link_fds: dict[str, int], memory_fd: int | None = None,
             with_vnc: bool = True) -> list[str]:
        """Return QEMU's command line.

        :param link_fds: {netdev: descriptor of its cable}.
        :param memory_fd: descriptor of a saved memory to resume from, or None.
        :param with_vnc: False if the port of the VNC server is in use.
        """
        argv = self._machine_options()
        argv += self._firmware()
        argv += ports.smbios(self._config)
        argv += ['-fw_cfg', 'name=%s,file=%s' % (
            GUEST_INFORMATION, ports.escaped(
                self._machine.run_file('guestinfo')))]
        argv += ['-qmp', 'unix:%s,server=on,wait=off'
                 % ports.escaped(self._sockets.address('qmp'))]
        argv += self._display(with_vnc)
        for bridge in self._slots.bridges():
            argv += ['-device', bridge]
        for node in self._storage.nodes:
            argv += ['-blockdev', node]
        for device in self._storage.devices:
            argv += ['-device', device]
        for netdev, fd in sorted(link_fds.items()):
            argv += ['-netdev', {'type': 'socket', 'id': netdev,
                                 'fd': str(fd)}]
        for device in self._cards.devices:
            argv += ['-device', device]
        argv += self._ports.argv + self._agent()
        if memory_fd is not None:
            argv += ['-incoming', 'fd:%d' % memory_fd]
        if self.unplugged:
            argv.append('-S')
        return [word if isinstance(word, str) else json.dumps(word)
                for word in argv]

    def _machine_options(self) -> _Argv:
        config = self._config
        cpus = config.integer('numvcpus', 1)
        cores = config.integer('cpuid.coresPerSocket', 1)
        machine = 'pc,vmport=off,usb=off'
        if not config.true('hpet0.present', True):
            machine += ',hpet=off'
        if self._is_efi():
            machine += ',pflash0=firmware-code,pflash1=firmware-variables'
        cpu = self._options.cpu
        if not config.true('hypervisor.cpuid.v0', True):
            cpu += ',hypervisor=off'
        return [self._options.qemu(), '-name',
                # This is the title of the VNC desktop, as in the products.
                ports.escaped('guest=%s' % config.get(
                    'displayName', 'virtual machine')),
                '-accel', self._options.accel, '-machine', machine,
                '-cpu', cpu, '-m', '%dM' % config.integer('memsize', 32),
                '-smp', 'cpus=%d,sockets=%d,cores=%d,threads=1'
                % (cpus, cpus // cores, cores),
                '-nodefaults', '-no-user-config', '-rtc', 'base='
                + ports.clock(config, time.time()),
                '-action', 'reboot=reset,shutdown=poweroff,panic=none',
                '-trace', 'enable=qemu_system_shutdown_request']

    def _is_efi(self) -> bool:
        return self._config.get('firmware', 'bios').lower() == 'efi'

    def _firmware(self) -> _Argv:
        if not self._is_efi():
            return []
        code, _ = self._options.firmware()
        return ['-blockdev', {
            'driver': 'raw', 'node-name': 'firmware-code', 'read-only': True,
            'file': {'driver': 'file', 'filename': code}},
            '-blockdev', {
                'driver': 'raw', 'node-name': 'firmware-variables',
                'file': {'driver': 'file', 'filename': self.variables()}}]

    def variables(self) -> str | None:
        """Return the path of the firmware's variables, the .nvram.

        It is None for a BIOS, which has no variables.
        """
        if not self._is_efi():
            return None
        return self._machine.path(self._config.get('nvram', 'efi.nvram'))

    def _display(self, with_vnc: bool) -> _Argv:
        argv: _Argv = ['-display', 'none', '-device', {
            'driver': 'VGA', 'id': 'svga', 'bus': pci.ROOT,
            'addr': hex(pci.DISPLAY)}]
        if self.vnc and with_vnc:
            for name in self._ports.secrets:
                argv += ['-object', {
                    'qom-type': 'secret', 'id': name,
                    'file': self._machine.run_file(name)}]
            argv += ['-vnc', self._vnc_option]
        return argv

    def _agent(self) -> _Argv:
        return ['-device', {
            'driver': 'virtio-serial-pci', 'id': 'channel',
            'bus': pci.ROOT, 'addr': hex(pci.CHANNEL)},
            '-chardev', 'socket,id=agent,path=%s,server=on,wait=off'
            % ports.escaped(self._sockets.address('agent')),
            '-device', {'driver': 'virtserialport', 'chardev': 'agent',
                        'name': ports.AGENT_PORT, 'id': 'agent-port'}]
