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

"""Host networks, NAT port forwardings, and Fusion's network adapters."""

from __future__ import annotations

import os
import re

from vmwarefake import devices
from vmwarefake import errors
from vmwarefake import hostnet
from vmwarefake import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake import dictionary
    from vmwarefake import session as sessions
    from vmwarefake import vm as vms

_IP = re.compile(r'\d{1,3}(\.\d{1,3}){3}\Z')


def _number(name: str) -> int:
    return int(name[len('vmnet'):])


def list_networks(session: sessions.Session, words: list[str]) -> None:
    networks = hostnet.read(session.state)['networks']
    row = '%-7s%-13s%-13s%-13s%-17s%s'
    session.line('Total host networks: %d' % len(networks))
    session.line(row % ('INDEX', 'NAME', 'TYPE', 'DHCP', 'SUBNET', 'MASK'))
    for name in sorted(networks, key=_number):
        network = networks[name]
        session.line(row % (_number(name), name, network['type'],
                            'true' if network['dhcp'] else 'false',
                            network['subnet'] or 'empty',
                            network['mask'] or 'empty'))


def _nat(host: dict[str, Any], name: str) -> list[list[Any]]:
    """Return the forwardings of a NAT network, which may be changed.

    The message for other networks is not known.
    """
    network = host['networks'].get(name.lower())
    if not network or network['type'] != 'nat':
        raise errors.vix(3)
    rows: list[list[Any]] = host['forwardings'].setdefault(name.lower(), [])
    return rows


def list_forwardings(session: sessions.Session, words: list[str]) -> None:
    rows = _nat(hostnet.read(session.state), words[0])
    layout = '%-7s%-13s%-13s%-17s%-17s%s'
    session.line('Total port forwardings: %d' % len(rows))
    if rows:
        session.line(layout % ('INDEX', 'PROTOCOL', 'HOST PORT', 'GUEST IP',
                               'GUEST PORT', 'DESCRIPTION'))
    for number, row in enumerate(rows):
        session.line((layout % ((number,) + tuple(row))).rstrip())


def _need_root(session: sessions.Session) -> None:
    if not session.knobs.flag('HOST_ROOT', os.geteuid() == 0):
        raise errors.vix(3014)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise errors.vix(3)
    return int(text)


def _protocol(text: str) -> str:
    if text.lower() not in ('tcp', 'udp'):
        raise errors.vix(3)
    return text.lower()


def set_forwarding(session: sessions.Session, words: list[str]) -> None:
    _need_root(session)
    protocol, port = _protocol(words[1]), _port(words[2])
    if not _IP.match(words[3]):
        raise errors.vix(3)
    row = [protocol, port, words[3], _port(words[4]),
           words[5] if len(words) > 5 else '']
    with hostnet.change(session.state) as host:
        rows = _nat(host, words[0])
        rows[:] = [r for r in rows if r[:2] != row[:2]] + [row]


def delete_forwarding(session: sessions.Session, words: list[str]) -> None:
    _need_root(session)
    key = [_protocol(words[1]), _port(words[2])]
    with hostnet.change(session.state) as host:
        rows = _nat(host, words[0])
        left = [r for r in rows if r[:2] != key]
        if len(left) == len(rows):
            raise errors.vix(25)
        rows[:] = left


_TYPES = {'bridged': 'bridged', 'nat': 'nat', 'hostonly': 'hostonly',
          'custom': 'custom'}


def list_adapters(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    numbers = devices.nics(machine.config)
    session.line('Total network adapters: %d' % len(numbers))
    if numbers:
        session.line('%-7s%-13s%s' % ('INDEX', 'TYPE', 'VMNET'))
    for n in numbers:
        kind = machine.config.get('ethernet%d.connectionType' % n, 'bridged')
        shown = 'hostOnly' if kind.lower() == 'hostonly' else kind
        session.line('%-7d%-13s%s' % (
            n, shown, devices.vmnet(machine.config, n) or ''))


def _connect(session: sessions.Session, config: dictionary.Dictionary,
             number: int, words: list[str]) -> None:
    """Set the connection of a NIC from ``TYPE [vmnetN]``."""
    kind = _TYPES.get(words[0].lower())
    if kind is None or kind == 'custom' and len(words) < 2:
        raise errors.Usage()
    nic = 'ethernet%d.' % number
    config[nic + 'connectionType'] = kind
    config.pop(nic + 'vnet')
    if kind == 'custom':
        if not hostnet.exists(session.state, words[1].lower()):
            raise errors.vix(3)
        config[nic + 'vnet'] = words[1].lower()


def _open_off(session: sessions.Session, words: list[str]) -> vms.VM:
    machine = session.vm(words[0])
    if machine.is_on:
        raise errors.already_running()
    power.check_not_locked(machine)
    return machine


def _index(machine: vms.VM, word: str) -> int:
    if not word.isdigit() or int(word) not in devices.nics(machine.config):
        raise errors.vix(3)
    return int(word)


def add_adapter(session: sessions.Session, words: list[str]) -> None:
    machine = _open_off(session, words)
    with machine.locked():
        taken = devices.nics(machine.config)
        free = [n for n in range(10) if n not in taken]
        if not free:
            raise errors.vix(3)
        _connect(session, machine.config, free[0], words[1:])
        nic = 'ethernet%d.' % free[0]
        machine.config[nic + 'present'] = 'TRUE'
        machine.config[nic + 'addressType'] = 'generated'
        machine.config.setdefault(nic + 'virtualDev', 'e1000')
        machine.save_config()


def set_adapter(session: sessions.Session, words: list[str]) -> None:
    machine = _open_off(session, words)
    with machine.locked():
        number = _index(machine, words[1])
        _connect(session, machine.config, number, words[2:])
        machine.save_config()


def delete_adapter(session: sessions.Session, words: list[str]) -> None:
    machine = _open_off(session, words)
    with machine.locked():
        prefix = 'ethernet%d.' % _index(machine, words[1])
        for key in list(machine.config):
            if key.lower().startswith(prefix):
                del machine.config[key]
        machine.save_config()


def download_photon(session: sessions.Session, words: list[str]) -> None:
    """Refuse: the fakes download nothing."""
    raise errors.vix(6)
