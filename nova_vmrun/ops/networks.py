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

"""From Neutron's ports to the virtual NICs of a server."""

import re

from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.machine import model

# What nova_vmrun.ml2 binds ports with.
VIF_TYPE = 'vmrun'
_UNBOUND = ('unbound', 'binding_failed')
_CONNECTIONS = ('nat', 'bridged', 'hostonly')
_VMNET = re.compile(r'vmnet([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])')


def is_unbound(vif) -> bool:
    """Tells whether no mechanism driver has bound a port."""
    return vif['type'] in _UNBOUND


class Networks:
    """Maps physical networks to the networks of this host's product.

    :param conf: the [vmrun] options
    :param host_networks: a nova_vmrun.host.host_networks.HostNetworks
    :param vlans: a nova_vmrun.host.vlans.Vlans
    :raises InvalidConfiguration: an option names no VMware network
    """

    def __init__(self, conf, host_networks, vlans):
        self._mappings = {name: _network('vmnet_mappings', value)
                          for name, value in conf.vmnet_mappings.items()}
        self._default = (_network('default_vmnet', conf.default_vmnet)
                         if conf.default_vmnet else None)
        self._host_networks = host_networks
        self._vlans = vlans

    def nics(self, network_info, hardware):
        """Returns the NICs of a server, in the order of its ports.

        Reading network_info may wait for Neutron: hold no lock.

        :param network_info: nova.network.model.NetworkInfo
        :param hardware: a nova_vmrun.machine.model.Hardware
        :returns: tuple of nova_vmrun.machine.model.Nic
        :raises nova.exception.VirtualInterfacePlugException: a port is not
            bound to this host
        :raises InvalidConfiguration: a physical network has no VMware
            network, or another mechanism driver has bound a port
        """
        return tuple(self._nic(vif, hardware) for vif in network_info)

    def check(self, network_info):
        """Finds out whether this host has the networks of a server.

        Without them, VMware would start it with its adapters disconnected.
        A port that Neutron has failed to bind is left as it is.

        :param network_info: list of nova.network.model.VIF, or None
        :raises InvalidConfiguration: it does not, or not as they must be, or
            another mechanism driver has bound a port
        """
        for vif in network_info or ():
            if is_unbound(vif):
                continue
            _refuse_others(vif)
            name, vlan = _physical_network(vif)
            connection, vnet = self._lookup(name, vlan, vif)
            found = self._on_this_host(vnet or connection, name, vif)
            if vlan:
                self._vlans.check(found, int(vlan))

    def _nic(self, vif, hardware):
        if is_unbound(vif):
            raise nova_exception.VirtualInterfacePlugException(
                'Port %s is not bound to this host (%s). Add the mechanism '
                'driver "vmrun" to [ml2] mechanism_drivers of Neutron.'
                % (vif['id'], vif['type']))
        _refuse_others(vif)
        connection, vnet = self._lookup(*_physical_network(vif), vif)
        return model.Nic(
            mac=vif['address'], model=hardware.nic_model,
            connection=connection, vnet=vnet,
            rx_kbps=hardware.nic_rx_kbps, tx_kbps=hardware.nic_tx_kbps)

    def _lookup(self, name, vlan, vif):
        """Returns (connectionType, vnet) for a physical network."""
        network = self._mappings.get(name) or (
            None if vlan else self._default)
        if network is None:
            raise exception.InvalidConfiguration(
                'The physical network %s has no VMware network on this host.'
                % name, 'Port %s is on it.' % vif['id'],
                'Add it to [vmrun] vmnet_mappings in nova.conf.')
        return network

    def _on_this_host(self, vmnet, physical, vif):
        """Returns the Vmnet, or None if the host tells of no network."""
        found = self._host_networks.find(vmnet)
        names = self._host_networks.names()
        if found is None and names:
            raise exception.InvalidConfiguration(
                'VMware has no virtual network %s on this host.' % vmnet,
                'Port %s is on the physical network %s, which is mapped to '
                'it. There are: %s.' % (vif['id'], physical,
                                        ', '.join(names)),
                "Make it with VMware's network editor (on Linux: sudo "
                'vmware-netcfg), or name another in [vmrun] vmnet_mappings '
                'or default_vmnet in nova.conf.')
        return found


def _refuse_others(vif):
    """Others need not tell a VLAN, which would land on the network beside it.

    Nor do they keep to networks that VMware can carry.
    """
    if vif['type'] != VIF_TYPE:
        raise exception.InvalidConfiguration(
            'Another mechanism driver than vmrun bound port %s (vif_type %s).'
            % (vif['id'], vif['type']),
            resolution='Put vmrun first in [ml2] mechanism_drivers of Neutron '
                       'and name this host in [ml2_vmrun] hosts, then bind '
                       'the port anew.')


def _physical_network(vif):
    """Returns (name in vmnet_mappings, VLAN id or None) of a port."""
    details = vif.get('details') or {}
    physical = (details.get('physical_network') or
                vif.get_physical_network())
    vlan = details.get('segmentation_id')
    return '%s.%s' % (physical, vlan) if vlan else physical, vlan


def _network(option, value):
    """Returns (connectionType, vnet) of a .vmx for an option's value."""
    if value in _CONNECTIONS:
        return value, None
    if _VMNET.fullmatch(value):
        return 'custom', value
    raise exception.InvalidConfiguration(
        '[vmrun] %s names %r, which is no VMware network.' % (option, value),
        resolution='Use nat, bridged, hostonly, or vmnet0 to vmnet255.')
