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

"""The VLAN of a host's network interface, and the adapter below it."""

import json
import re

_VLAN = re.compile(r'\bvlan:\s+(\d+)\s+parent interface:\s+(\S+)')


def parse_ip(text: str) -> tuple[str, int] | None:
    """Parse what ``ip -json -details link show dev NAME`` prints on Linux.

    :returns: (adapter below, VLAN id), or None if it is not a VLAN interface
    """
    try:
        link, = json.loads(text)
        info = link['linkinfo']
        if info['info_kind'] == 'vlan':
            return link['link'], int(info['info_data']['id'])
    except (ValueError, TypeError, KeyError):
        return None
    return None


def parse_ifconfig(text: str) -> tuple[str, int] | None:
    """Parse what ``ifconfig NAME`` prints on macOS.

    :returns: (adapter below, VLAN id), or None if it is not a VLAN interface
    """
    match = _VLAN.search(text)
    return (match.group(2), int(match.group(1))) if match else None
