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

"""What a compute node tells the others of its networks, before a server moves.

nova-compute keeps it in the file in ``locks`` that names the compute node, and
nova-vmrun-receive, which knows no option of nova-compute, passes it on. The
host that reads it does not trust it.
"""

from collections import abc
import dataclasses
import ipaddress
import json

from nova_vmrun.host import product

# VMware has up to 256 virtual networks, and nobody has more physical ones.
LONGEST = 64 * 1024
_MOST = 300
_LONGEST_NAME = 255


@dataclasses.dataclass(frozen=True)
class NetworkCard:
    """The networks of a compute node.

    :ivar kind: of its product, which says whether it has LAN segments
    :ivar mappings: [vmrun] vmnet_mappings
    :ivar default: [vmrun] default_vmnet, or ''
    :ivar ranges: the range of each virtual network; None: it has none, or it
        is unknown. Empty if VMware does not list its networks.
    """

    kind: str
    mappings: abc.Mapping[str, str]
    default: str
    ranges: abc.Mapping[str, ipaddress.IPv4Network | None]

    def dump(self) -> str:
        """Return it as one line."""
        return json.dumps({
            'kind': self.kind, 'mappings': dict(self.mappings),
            'default': self.default, 'ranges': {
                name: found and str(found)
                for name, found in self.ranges.items()}})


def parse(text: str) -> NetworkCard | None:
    """Return what another host says of its networks.

    :returns: None if it says nothing that can be used
    """
    if len(text) > LONGEST:
        return None
    try:
        found = json.loads(text)
        mappings = {**found['mappings'], '': found['default']}
        ranges = found['ranges']
        if len(mappings) > _MOST or len(ranges) > _MOST:
            return None
        if found['kind'] not in product.KINDS or not all(
                map(_is_name, (*mappings, *mappings.values(), *ranges))):
            return None
        default = mappings.pop('')
        return NetworkCard(
            found['kind'], mappings, default,
            {name: None if value is None
             else ipaddress.IPv4Network(str(value))
             for name, value in ranges.items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_name(text: object) -> bool:
    return (isinstance(text, str) and text.isprintable() and
            len(text) <= _LONGEST_NAME)
