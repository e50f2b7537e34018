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

"""Ports and the rest: serial, parallel, floppy, USB, sound, VNC, SMBIOS."""

from __future__ import annotations

import os
import time
import uuid

from vmwarefake.engine import base
from vmwarefake import firstboot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any
    from vmwarefake import dictionary
    from vmwarefake.engine.qemu import pci

_SERIAL_PORTS = 4
_PARALLEL_PORTS = 3
_FLOPPIES = 2
_LOWEST_VNC_PORT = 5900
#: The channel of QEMU's guest agent, which replaces VMware Tools.
AGENT_PORT = 'org.qemu.guest_agent.0'


def escaped(text: str) -> str:
    """Escape a value for an option in which commas separate values."""
    return text.replace(',', ',,')


class Ports:
    """All devices but drives and network cards.

    :ivar argv: QEMU's options.
    :ivar notes: lines for the log.
    :ivar secrets: {name: content} of files to make in the run folder.
    :param machine_path: resolves file names from the .vmx.
    :param run_file: returns the path of a file in the run folder.
    """

    def __init__(self, config: dictionary.Dictionary, slots: pci.Slots,
                 machine_path: abc.Callable[[str], str],
                 run_file: abc.Callable[[str], str],
                 order: dict[str, int]) -> None:
        self.argv: list[str | dict[str, Any]] = []
        self.notes: list[str] = []
        self.secrets: dict[str, bytes] = {}
        self._config = config
        self._slots = slots
        self._path = machine_path
        self._run_file = run_file
        for n in range(_SERIAL_PORTS):
            self._port('serial%d' % n, 'isa-serial', n)
        for n in range(_PARALLEL_PORTS):
            self._port('parallel%d' % n, 'isa-parallel', n)
        for n in range(_FLOPPIES):
            self._floppy(n, order.get('floppy%d' % n))
        self._usb()
        self._sound()

    def device(self, **properties: Any) -> None:
        self.argv += ['-device', properties]

    # -- serial and parallel ---------------------------------------------

    def _port(self, name: str, driver: str, index: int) -> None:
        config = self._config
        if not config.true(name + '.present'):
            return
        backend = 'null'
        if config.true(name + '.startConnected', True):
            backend = self._backend(name)
        self.argv += ['-chardev', '%s,id=%s' % (backend, name)]
        self.device(driver=driver, id='port-' + name, chardev=name,
                    index=index)

    def _backend(self, name: str) -> str:
        config = self._config
        kind = config.get(name + '.fileType', 'device').lower()
        path = self._path(config.get(name + '.fileName', ''))
        if kind == 'file':
            if not os.path.isdir(os.path.dirname(path)):
                return 'null'       # the user was asked; it is disconnected
            return 'file,path=%s,append=on' % escaped(path)
        if kind == 'pipe':
            return self._pipe(name, path)
        if kind == 'network':
            return 'null'           # the same
        raise base.Unsupported(name + '.fileType',
                               '"%s" is not supported: use file or pipe'
                               % kind)

    def _pipe(self, name: str, path: str) -> str:
        end = self._config.get(name + '.pipe.endPoint', 'server').lower()
        text = 'socket,path=%s' % escaped(path)
        return text + (',server=on,wait=off' if end == 'server'
                       else ',reconnect=1')

    # -- floppy ----------------------------------------------------------

    def _floppy(self, number: int, boot_index: int | None) -> None:
        name = 'floppy%d' % number
        config = self._config
        if not config.true(name + '.present', number == 0):
            return
        device = {'driver': 'floppy', 'id': name, 'unit': number}
        if boot_index is not None:
            self.argv += ['-global', 'isa-fdc.bootindex%s=%d'
                          % ('AB'[number], boot_index)]
        if name + '.present' in config and config.true(
                name + '.startConnected', True):
            path = self._path(config.get(name + '.fileName', ''))
            if config.get(name + '.fileType', 'device').lower() != 'file':
                raise base.Unsupported(name + '.fileType',
                                       'only floppy images can be used')
            if os.path.isfile(path):
                device['drive'] = 'medium-' + name
                self.argv += ['-blockdev', {
                    'driver': 'raw', 'node-name': 'medium-' + name,
                    'read-only': config.true(name + '.readonly'),
                    'file': {'driver': 'file', 'filename': path}}]
        self.device(**device)

    # -- USB and sound ---------------------------------------------------

    def _usb(self) -> None:
        for name, driver in (('usb', 'piix3-usb-uhci'), ('ehci', 'usb-ehci'),
                             ('usb_xhci', 'qemu-xhci')):
            if self._config.true(name + '.present'):
                self.device(driver=driver, id=name,
                            **self._slots.address(self._config, name))

    def _sound(self) -> None:
        config = self._config
        if not config.true('sound.present'):
            return
        kind = config.get('sound.virtualDev', 'es1371').lower()
        address = self._slots.address(config, 'sound')
        self.argv += ['-audiodev', 'none,id=silence']
        if kind == 'hdaudio':
            self.device(driver='intel-hda', id='sound', **address)
            self.device(driver='hda-duplex', bus='sound.0',
                        audiodev='silence')
        elif kind == 'es1371':
            self.notes.append('sound.virtualDev = "es1371": the guest gets '
                              'ES1370 instead.')
            self.device(driver='ES1370', audiodev='silence', **address)
        elif kind == 'sb16':
            self.device(driver='sb16', audiodev='silence')
        else:
            raise base.Unsupported('sound.virtualDev',
                                   'there is no sound card %s' % kind)

    # -- VNC -------------------------------------------------------------

    def vnc(self) -> tuple[tuple[str, int], str] | None:
        """Return ((address, port), QEMU's option), None without VNC."""
        config = self._config
        if not config.true('RemoteDisplay.vnc.enabled'):
            return None
        if config.integer('RemoteDisplay.vnc.webSocket.port'):
            raise base.Unsupported('RemoteDisplay.vnc.webSocket.port',
                                   'there is no VNC over WebSocket')
        address = config.get('RemoteDisplay.vnc.ip') or '0.0.0.0'
        port = config.integer('RemoteDisplay.vnc.port', _LOWEST_VNC_PORT)
        if not _LOWEST_VNC_PORT <= port <= 65535:
            raise base.Unsupported(
                'RemoteDisplay.vnc.port', 'QEMU\'s VNC server has only ports '
                'from %d' % _LOWEST_VNC_PORT)
        host = '[%s]' % address if ':' in address else address
        option = '%s:%d' % (escaped(host), port - _LOWEST_VNC_PORT)
        password = firstboot.vnc_password(config)
        if password is not None:
            self.secrets['vnc-password'] = password
            option += ',password-secret=vnc-password'
        return (address, port), option


def clock(config: dictionary.Dictionary, now: float) -> str:
    """Return the time of the hardware clock at power-on, for QEMU.

    Without a key about it, VMware shows the host's local time.

    :param now: seconds since 1970.
    """
    start = config.integer('rtc.startTime')
    ahead = config.integer('rtc.diffFromUTC')
    if not start and not ahead:
        is_utc = (config.true('rtc.startInUTC') or
                  'rtc.diffFromUTC' in config)
        return 'utc' if is_utc else 'localtime'
    return time.strftime('%Y-%m-%dT%H:%M:%S',
                         time.gmtime((start or now) + ahead))


def smbios(config: dictionary.Dictionary) -> list[str]:
    """Return QEMU's options for the SMBIOS.

    VMware copies the bytes of uuid.bios; the first three fields of a UUID are
    little-endian in an SMBIOS.
    """
    system = 'type=1,manufacturer=VMware,, Inc.,product=VMware7,,1'
    text = config.get('uuid.bios', '')
    raw = text.replace('-', ' ').replace(' ', '')
    if raw:
        seen = uuid.UUID(bytes_le=bytes.fromhex(raw))
        system += ',uuid=%s,serial=VMware-%s' % (seen, text)
    argv = ['-smbios', system,
            '-smbios', 'type=0,vendor=VMware,, Inc.,version=VMW71',
            '-smbios', 'type=2,manufacturer=Intel Corporation,'
                       'product=440BX Desktop Reference Platform']
    asset = config.get('SMBIOS.assetTag') or 'No Asset Tag'
    argv += ['-smbios', 'type=3,manufacturer=No Enclosure,asset='
             + escaped(asset)]
    return argv


def guest_information(config: dictionary.Dictionary) -> bytes:
    """Return the keys that the guest may read, as lines KEY BASE64.

    VMware has a backdoor for this, QEMU the firmware configuration.
    """
    import base64
    lines = []
    for key, value in config.items():
        if key.lower() == 'machine.id' or key.lower().startswith(
                'guestinfo.'):
            data = value.encode('utf-8', 'surrogateescape')
            lines.append('%s %s\n' % (
                key, base64.b64encode(data).decode('ascii')))
    return ''.join(lines).encode('utf-8', 'surrogateescape')
