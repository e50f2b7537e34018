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

"""The host's virtual networks and NAT port forwardings (host.json)."""

from __future__ import annotations

import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    import contextlib
    from typing import Any
    from vmwarefake import state as states

    _Change = contextlib.AbstractContextManager[dict[str, Any]]

FILE = 'host.json'


def _default() -> dict[str, Any]:
    return {
        'networks': {
            'vmnet0': {'type': 'bridged', 'dhcp': False, 'subnet': '',
                       'mask': ''},
            'vmnet1': {'type': 'hostOnly', 'dhcp': True,
                       'subnet': '172.16.11.0', 'mask': '255.255.255.0'},
            'vmnet8': {'type': 'nat', 'dhcp': True,
                       'subnet': '172.16.41.0', 'mask': '255.255.255.0'}},
        'forwardings': {}}


def read(state: states.State) -> dict[str, Any]:
    """Return the content of host.json."""
    from vmwarefake import state as states
    return states.read_json(state.path(FILE), None) or _default()


def change(state: states.State) -> _Change:
    """Return a context manager that yields host.json to be changed."""
    return state.shared(FILE, _default())


def exists(state: states.State, network: str | None) -> bool:
    return network in read(state)['networks']


def address_for(state: states.State, network: str | None,
                mac: str) -> str | None:
    """Return the address that DHCP gives a MAC address (.128 to .253).

    It is None if the network has no DHCP server.
    """
    known = read(state)['networks'].get(network or '')
    host = 128 + zlib.crc32(mac.encode()) % 126
    if known and known['type'] == 'bridged':
        return '192.168.0.%d' % host        # somebody else's DHCP server
    if not known or not known['dhcp']:
        return None
    return '%s.%d' % (known['subnet'].rpartition('.')[0], host)
