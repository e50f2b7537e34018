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

"""Adapters that stay in a server's .vmx although Nova gives no port for them.

Neutron may have failed to bind the port, or may not answer.
"""

from collections import abc

from nova.network import model as network_model
from oslo_log import log as logging

from nova_vmrun.formats import vmx
from nova_vmrun.machine import adapters
from nova_vmrun.machine import model
from nova_vmrun.ops import networks

LOG = logging.getLogger(__name__)

# Whether the adapter with a MAC address stays although it has no port.
Keeps = abc.Callable[[str], bool]


def keep_none(mac: str) -> bool:
    return False


def keep_all(mac: str) -> bool:
    return True


def find(uuid: str, live: vmx.Vmx, nics: tuple[model.Nic, ...], keeps: Keeps,
         unbound: abc.Mapping[str, network_model.VIF],
         chosen: model.Hardware) -> tuple[model.Nic, ...]:
    """Return the adapters of a .vmx that stay as they are without a port.

    A LAN segment is the exception. If its port is not bound, another host may
    have the network, and the segment of that name here would be a second
    network with the same addresses. So the cable is unplugged.

    :param uuid: of the server
    :param nics: those that have a port
    :param unbound: the ports that are not bound to this host, by their MAC
        addresses
    """
    with_port = {nic.mac.lower() for nic in nics}
    found = []
    for mac, slot in adapters.static_slots(live).items():
        if mac in with_port or not keeps(mac):
            continue
        name = 'ethernet%d' % slot
        connection = live.get(name + '.connectionType', 'bridged')
        connected = live.get_bool(name + '.startConnected', True)
        if connection == model.SEGMENT and mac in unbound:
            _warn(uuid, mac, unbound[mac])
            connected = False
        found.append(model.Nic(
            mac=mac, model=chosen.nic_model, connection=connection,
            vnet=live.get(name + '.vnet'),
            segment=live.get(name + '.pvnID'), connected=connected,
            rx_kbps=chosen.nic_rx_kbps, tx_kbps=chosen.nic_tx_kbps))
    return tuple(found)


def _warn(uuid: str, mac: str, vif: network_model.VIF) -> None:
    host = networks.elsewhere(vif)
    LOG.warning(
        'The cable of adapter %s is unplugged. Its port %s is %s, and its '
        'network %s is of type local, which ends at its host. Shelve the '
        'servers of that network on other hosts. Then stop this server, '
        'remove the port and add it again, or bind the port with "openstack '
        'port set --host", stop the server and start it.', mac, vif['id'],
        'bound to host %s, not to this one' % host if host else
        'not bound to this host; the log of neutron-server says why',
        vif['network']['id'], instance_uuid=uuid)
