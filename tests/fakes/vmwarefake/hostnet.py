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

import zlib

FILE = 'host.json'


def _default():
    return {
        'networks': {
            'vmnet0': {'type': 'bridged', 'dhcp': False, 'subnet': '',
                       'mask': ''},
            'vmnet1': {'type': 'hostOnly', 'dhcp': True,
                       'subnet': '172.16.11.0', 'mask': '255.255.255.0'},
            'vmnet8': {'type': 'nat', 'dhcp': True,
                       'subnet': '172.16.41.0', 'mask': '255.255.255.0'}},
        'forwardings': {}}


def read(state):
    """Return the host's networks as a dict; see :func:`change`."""
    from vmwarefake import state as states
    return states.read_json(state.path(FILE), None) or _default()


def change(state):
    """A context manager that yields the dict to be changed."""
    return state.shared(FILE, _default())


def exists(state, network):
    return network in read(state)['networks']


def address_for(state, network, mac):
    """Return an address of the network's DHCP pool (.128 to .253).

    The same MAC gets the same address. None where nobody serves DHCP.
    """
    known = read(state)['networks'].get(network or '')
    host = 128 + zlib.crc32(mac.encode()) % 126
    if known and known['type'] == 'bridged':
        return '192.168.0.%d' % host        # somebody else's DHCP server
    if not known or not known['dhcp']:
        return None
    return '%s.%d' % (known['subnet'].rpartition('.')[0], host)
