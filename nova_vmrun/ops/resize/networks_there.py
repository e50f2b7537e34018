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

"""Whether the host that a server moves to has the networks of the server.

Its nova-compute has written down what it has (server/network_card.py). An
older release has not. Then the server is in ERROR there if a network is
missing, and it starts if only its addresses are out of range: a refusal after
the move would not bring it back.
"""

from collections import abc

from nova.network import model as network_model

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import product
from nova_vmrun.ops import networks
from nova_vmrun.server import network_card


class _Listed:
    """The virtual networks that a card names."""

    def __init__(self, card: network_card.NetworkCard) -> None:
        self._ranges = card.ranges

    def find(self, name: str) -> vmnets.Vmnet | None:
        name = vmnets.BY_CONNECTION.get(name, name)
        if name not in self._ranges:
            return None
        return vmnets.Vmnet(name, '', subnet=self._ranges[name])

    def names(self) -> list[str]:
        return sorted(self._ranges)


def require(told: str, uuid: str, host: str,
            network_info: abc.Iterable[network_model.VIF]) -> None:
    """Raise an error if a server could not have its networks on a host.

    :param told: what the host says of its networks; it is not trusted
    :raises InvalidConfiguration: a port has no network there, or no address in
        the range of that network
    """
    card = network_card.parse(told)
    if card is None:
        return
    try:
        networks.Lookup(
            card.mappings, card.default, _Listed(card),
            product.Product(card.kind, None, '', None),
            'host %s' % host).check_addresses(network_info)
    except exception.InvalidConfiguration as error:
        raise exception.InvalidConfiguration(
            'Server %s cannot move to host %s: %s' % (uuid, host,
                                                      error.brief),
            error.details, error.resolution) from error
