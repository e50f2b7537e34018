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

"""Network adapters of a server, from its Neutron ports."""

from collections import abc
import copy
import dataclasses
import ipaddress
import re
from typing import Protocol

from nova import exception as nova_exception
from nova.network import model as network_model
from oslo_config import cfg

from nova_vmrun import exception
from nova_vmrun.formats import identity
from nova_vmrun.formats import vmnets
from nova_vmrun.host import host_networks as host_networks_module
from nova_vmrun.host import product as product_module
from nova_vmrun.host import vlans as vlans_module
from nova_vmrun.machine import model
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.server import network_card

# The vif_type of ports that nova_vmrun.ml2 has bound.
VIF_TYPE = 'vmrun'
# The network_type of networks that end at their host.
LOCAL = 'local'
# Whether the link of a port is up, in the metadata of its VIF.
_LINK = 'nova_vmrun_link'
# The other host that a port is bound to, in the same place.
_ELSEWHERE = 'nova_vmrun_elsewhere'
_CONNECTIONS = ('nat', 'bridged', 'hostonly')
_VMNET = re.compile(r'vmnet([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])')


@dataclasses.dataclass(frozen=True)
class Connection:
    """A VMware network as an adapter in a .vmx names it.

    :ivar kind: connectionType
    :ivar vnet: vmnetN if the kind is custom
    :ivar segment: pvnID if the kind is pvn
    """

    kind: str
    vnet: str | None = None
    segment: str | None = None


def is_unbound(vif: network_model.VIF) -> bool:
    """Return whether no mechanism driver has bound a port to this host."""
    return vif['type'] in ports_module.UNBOUND


def elsewhere(vif: network_model.VIF) -> str:
    """Return the other host that a local port is bound to; empty if none.

    Only the ports of with_states() know that.
    """
    return str(vif.get_meta(_ELSEWHERE, ''))


def is_local(vif: network_model.VIF) -> bool:
    """Return whether a port is on a network that a LAN segment carries.

    The binding says so. Without one, Nova knows that the network is on no
    physical network and is no tunnel; there is no other kind.
    """
    if is_unbound(vif):
        meta = vif['network']['meta']
        return 'physical_network' in meta and not (
            meta['physical_network'] or meta.get('tunneled'))
    return (vif.get('details') or {}).get('network_type') == LOCAL


def with_states(network_info: abc.Iterable[network_model.VIF],
                states: abc.Mapping[str, ports_module.State]
                ) -> list[network_model.VIF]:
    """Return copies of ports that know what Neutron says of them.

    If a move was interrupted, a server may be on one host and its port be
    bound to the other. A network of type local ends at its host, so there the
    port counts as not bound. Nova binds the ports before it has a server
    started on its new host, or on its old one again.

    :param states: by the ports' ids; a port without one is enabled, and bound
        as Nova says
    """
    copies = [copy.deepcopy(vif) for vif in network_info]
    for vif in copies:
        state = states.get(vif['id'], ports_module.State())
        vif['meta'][_LINK] = state.is_enabled
        if is_local(vif) and not is_unbound(vif) and (
                state.is_unbound or state.elsewhere):
            vif['meta'][_ELSEWHERE] = state.elsewhere
            vif['type'] = network_model.VIF_TYPE_UNBOUND
    return copies


class Listed(Protocol):
    """The virtual networks of a host."""

    def find(self, name: str) -> vmnets.Vmnet | None:
        """Return a network, or None if there is no such network."""

    def names(self) -> list[str]:
        """Return the names of all; none if the host does not tell."""


class Lookup:
    """Finds the network of a host's product that carries a port.

    A physical network is mapped to one of VMware's virtual networks. A network
    of type local, which is what projects create, is a LAN segment.

    :param mappings: [vmrun] vmnet_mappings of that host
    :param default: its [vmrun] default_vmnet
    :param where: what errors call the host
    :raises InvalidConfiguration: an option does not name a VMware network
    """

    def __init__(self, mappings: abc.Mapping[str, str], default: str | None,
                 host_networks: Listed, product: product_module.Product,
                 where: str = 'this host') -> None:
        self._mappings = {name: _network('vmnet_mappings', value)
                          for name, value in mappings.items()}
        self._default = (_network('default_vmnet', default)
                         if default else None)
        self._host_networks = host_networks
        self._product = product
        self._where = where

    def check_addresses(self, network_info: abc.Iterable[network_model.VIF]
                        ) -> None:
        """Refuse ports whose addresses nobody on their network can reach.

        The subnet in Neutron has to be that of the virtual network. A port
        may have further addresses in other subnets.

        :raises InvalidConfiguration: no IPv4 address of a port is in the
            range of its virtual network; says the range
        """
        for vif in network_info:
            if is_unbound(vif):
                continue
            vmnet = self._vmnet(vif)
            addresses = [ip['address'] for ip in vif.fixed_ips()
                         if ip['version'] == 4]
            if (vmnet is None or vmnet.subnet is None or not addresses or
                    any(ipaddress.IPv4Address(address) in vmnet.subnet
                        for address in addresses)):
                continue
            raise exception.InvalidConfiguration(
                'The address %s is outside the range of %s, which is %s.'
                % (', '.join(addresses), vmnet.name, vmnet.subnet),
                'Port %s has it, and nothing on that network could reach it.'
                % vif['id'],
                'Ask the administrator to give the network a subnet of this '
                'range, or use a port with an address in it.')

    def _vmnet(self, vif: network_model.VIF) -> vmnets.Vmnet | None:
        """Return the virtual network of a port.

        :returns: None for a LAN segment, and if the host lists no networks
        :raises InvalidConfiguration: this host does not have it
        """
        name, vlan = _physical_network(vif)
        connection = self._lookup(name, vlan, vif)
        if connection.segment:
            return None
        return self._listed(connection.vnet or connection.kind, name, vif)

    def _lookup(self, name: str, vlan: int | None, vif: network_model.VIF
                ) -> Connection:
        """Return the VMware network of a port.

        :param name: of its physical network
        """
        if is_local(vif):
            return self._segment(vif)
        network = self._mappings.get(name) or (
            None if vlan else self._default)
        if network is None:
            raise exception.InvalidConfiguration(
                'The physical network %s has no VMware network on %s.'
                % (name, self._where), 'Port %s is on it.' % vif['id'],
                'Add it to [vmrun] vmnet_mappings in nova.conf.')
        return network

    def _segment(self, vif: network_model.VIF) -> Connection:
        if not self._product.has_lan_segments:
            raise exception.InvalidConfiguration(
                '%s has no LAN segments, which carry the networks that '
                'projects create.' % self._product.name,
                'Port %s is on the network %s, whose type is local.'
                % (vif['id'], vif['network']['id']),
                'Use a network of type flat that an administrator has made, '
                'such as one for vmnet8.')
        return Connection(model.SEGMENT,
                          segment=identity.to_segment(vif['network']['id']))

    def _listed(self, vmnet: str, physical: str, vif: network_model.VIF
                ) -> vmnets.Vmnet | None:
        """Return a network of the host; None if the host lists no networks."""
        found: vmnets.Vmnet | None = self._host_networks.find(vmnet)
        names = self._host_networks.names()
        if found is None and names:
            raise exception.InvalidConfiguration(
                'VMware has no virtual network %s on %s.'
                % (vmnet, self._where),
                'Port %s is on the physical network %s, which is mapped to '
                'it. %s has: %s.'
                % (vif['id'], physical,
                   self._where[:1].upper() + self._where[1:],
                   ', '.join(names)),
                "Create it with VMware's network editor (on Linux: sudo "
                'vmware-netcfg), or choose another network in [vmrun] '
                'vmnet_mappings or default_vmnet in nova.conf.')
        return found


class Networks(Lookup):
    """The networks of this host.

    :param conf: the [vmrun] options
    :raises InvalidConfiguration: an option does not name a VMware network
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 host_networks: host_networks_module.HostNetworks,
                 vlans: vlans_module.Vlans,
                 product: product_module.Product) -> None:
        super().__init__(conf.vmnet_mappings, conf.default_vmnet,
                         host_networks, product)
        self._conf = conf
        self._vmware = host_networks
        self._vlans = vlans

    def card(self) -> network_card.NetworkCard:
        """Return what other hosts may know."""
        return network_card.NetworkCard(
            self._product.kind, self._conf.vmnet_mappings,
            self._conf.default_vmnet or '',
            {found.name: found.subnet for found in self._vmware.all()})

    def nics(self, network_info: abc.Iterable[network_model.VIF],
             hardware: model.Hardware) -> tuple[model.Nic, ...]:
        """Return the adapters of a server, in the order of its ports.

        Reading network_info may wait for Neutron: hold no lock.

        :raises VirtualInterfacePlugException: Nova's; a port is not bound to
            this host
        :raises InvalidConfiguration: a physical network has no VMware
            network, or another mechanism driver has bound a port
        """
        return tuple(self._nic(vif, hardware) for vif in network_info)

    def check(self, network_info: abc.Iterable[network_model.VIF] | None
              ) -> None:
        """Check that this host has the networks of a server.

        If one is missing, VMware would start the server with a disconnected
        adapter. Skip ports that Neutron has failed to bind.

        :raises InvalidConfiguration: a network is missing or set up wrongly,
            or another mechanism driver has bound a port
        """
        for vif in network_info or ():
            if is_unbound(vif):
                continue
            _refuse_others(vif)
            found = self._vmnet(vif)
            vlan = _physical_network(vif)[1]
            if vlan:
                self._vlans.check(found, int(vlan))

    def _nic(self, vif: network_model.VIF,
             hardware: model.Hardware) -> model.Nic:
        require_bound(vif)
        _refuse_others(vif)
        connection = self._lookup(*_physical_network(vif), vif)
        return model.Nic(
            mac=vif['address'], model=hardware.nic_model,
            connection=connection.kind, vnet=connection.vnet,
            segment=connection.segment,
            connected=vif.get_meta(_LINK, True),
            rx_kbps=hardware.nic_rx_kbps, tx_kbps=hardware.nic_tx_kbps)


def require_bound(vif: network_model.VIF) -> None:
    """Refuse a port that is not bound to this host.

    :raises VirtualInterfacePlugException: Nova's
    """
    if is_unbound(vif):
        raise _not_bound(vif)


def _not_bound(vif: network_model.VIF
               ) -> nova_exception.VirtualInterfacePlugException:
    """Return the error for a port that Neutron has not bound.

    Nova shows the first 255 bytes of it.
    """
    if elsewhere(vif):
        return nova_exception.VirtualInterfacePlugException(
            'Port %s is bound to host %s, not to this one, and its network '
            'ends at its host. Stop the server, remove the port and add it '
            'again, or ask an administrator for "openstack port set --host".'
            % (vif['id'], elsewhere(vif)))
    if is_local(vif):
        return nova_exception.VirtualInterfacePlugException(
            'Port %s is not bound to this host. Is its network %s on another? '
            'Shelve the servers there, stop this one, remove the port and add '
            'it again. The network is of type local, which ends at its host; '
            'the log of neutron-server says which host that is, or that the '
            'mechanism driver "vmrun" is not in [ml2] mechanism_drivers (%s).'
            % (vif['id'], vif['network']['id'], vif['type']))
    return nova_exception.VirtualInterfacePlugException(
        'Port %s is not bound to this host (%s). Add the mechanism driver '
        '"vmrun" to [ml2] mechanism_drivers of Neutron.'
        % (vif['id'], vif['type']))


def _refuse_others(vif: network_model.VIF) -> None:
    """Refuse a port that another mechanism driver has bound.

    Others may not pass on the VLAN, so that the server would get into another
    network, and may use networks that VMware does not have.
    """
    if vif['type'] != VIF_TYPE:
        raise exception.InvalidConfiguration(
            'A mechanism driver other than vmrun bound port %s (vif_type %s).'
            % (vif['id'], vif['type']),
            resolution='Put vmrun first in [ml2] mechanism_drivers of Neutron '
                       'and add this host to [ml2_vmrun] hosts, then bind '
                       'the port again.')


def _physical_network(vif: network_model.VIF) -> tuple[str, int | None]:
    """Return the name in vmnet_mappings and the VLAN id of a port."""
    details = vif.get('details') or {}
    physical = (details.get('physical_network') or
                vif.get_physical_network())
    vlan = details.get('segmentation_id')
    return '%s.%s' % (physical, vlan) if vlan else physical, vlan


def _network(option: str, value: str) -> Connection:
    """Return the VMware network that an option names."""
    if value in _CONNECTIONS:
        return Connection(value)
    if _VMNET.fullmatch(value):
        return Connection('custom', value)
    raise exception.InvalidConfiguration(
        '[vmrun] %s has the value %r, which is not a VMware network.'
        % (option, value),
        resolution='Use nat, bridged, hostonly, or vmnet0 to vmnet255.')
