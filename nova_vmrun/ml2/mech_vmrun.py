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

"""The ML2 mechanism driver ``vmrun``: binds ports and wires nothing.

The networks of VMware Workstation, Player and Fusion have no agent that could
report a port as wired, and need none: the NIC is connected when the VM starts.
So a port is bound from what Neutron knows, and is ACTIVE at once. The binding
says which physical network and which VLAN; which of its vmnets that is, only
the compute host knows ([vmrun] vmnet_mappings).
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
import fnmatch
from typing import Any

from neutron_lib.api.definitions import portbindings
from neutron_lib.api.definitions import qinq
from neutron_lib.api.definitions import vlantransparent
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun.ml2 import conf as ml2_conf

CONF = cfg.CONF
LOG = logging.getLogger(__name__)

VIF_TYPE = 'vmrun'
Segment = dict[str, Any]
NETWORK_TYPES = (constants.TYPE_FLAT, constants.TYPE_VLAN)
# No document of VMware's says that a vmnet keeps the tag of a frame which the
# guest itself has tagged.
UNSUPPORTED_EXTENSIONS = {qinq.ALIAS, vlantransparent.ALIAS}


class VmrunMechanismDriver(api.MechanismDriver):
    """Binds ports with vnic_type normal on flat and VLAN segments."""

    def __init__(self) -> None:
        super().__init__()
        ml2_conf.register_opts(CONF)

    def initialize(self) -> None:
        """Warns of a list of hosts that takes too much, or nothing."""
        hosts = CONF.ml2_vmrun.hosts
        others = [name for name in CONF.ml2.mechanism_drivers
                  if name != 'vmrun']
        if not hosts:
            LOG.warning('[ml2_vmrun] hosts is empty: no port will be bound. '
                        'Name the compute hosts that run nova-vmrun.')
        elif '*' in hosts and others:
            LOG.warning('[ml2_vmrun] hosts matches every host, and there are '
                        'other mechanism drivers: %(others)s. Ports on their '
                        'hosts may be bound by vmrun and get no network. Name '
                        'the compute hosts that run nova-vmrun.',
                        {'others': ', '.join(others)})

    @property
    def connectivity(self) -> str:
        """VMware's networks are switches: a port needs no address."""
        return str(portbindings.CONNECTIVITY_L2)

    def supported_extensions(self, extensions: set[str]) -> set[str]:
        """Leaves out what needs tags of the guest's own.

        Security groups stay, though nothing enforces them on our ports
        (port_filter is False): Neutron offers only what all of its drivers
        support, and would take them from the whole cloud.

        :param extensions: extension aliases
        """
        return extensions - UNSUPPORTED_EXTENSIONS

    def filter_hosts_with_segment_access(
            self, context: neutron_context.Context,
            segments: Sequence[Segment], candidate_hosts: Iterable[str],
            agent_getter: Callable[..., Any]) -> set[str]:
        """Finds our hosts, if one of the segments can be wired on them.

        A driver that does not tell makes Neutron ignore what the others tell.

        :returns: host names
        """
        if not any(is_wireable(segment) for segment in segments):
            return set()
        return {host for host in candidate_hosts if is_our_host(host)}

    def bind_port(self, context: api.PortContext) -> None:
        """Binds the port to its first segment that VMware can carry.

        What cannot be bound here is left to the other drivers. The log says
        why, as Neutron then only reports binding_failed.
        """
        port = context.current
        if not is_our_host(context.host):
            LOG.debug('Port %(port)s is left to others: host %(host)s is not '
                      'in [ml2_vmrun] hosts.',
                      {'port': port['id'], 'host': context.host})
            return
        if port['device_owner'].startswith(
                constants.DEVICE_OWNER_NETWORK_PREFIX):
            LOG.debug('Port %(port)s is left to others: %(owner)s is wired by '
                      'an agent.',
                      {'port': port['id'], 'owner': port['device_owner']})
            return
        vnic_type = port.get(portbindings.VNIC_TYPE, portbindings.VNIC_NORMAL)
        if vnic_type != portbindings.VNIC_NORMAL:
            LOG.warning('Port %(port)s cannot be bound on host %(host)s: its '
                        'vnic_type is %(vnic_type)s, and VMware has only '
                        'normal NICs. Create the port with vnic_type normal.',
                        {'port': port['id'], 'host': context.host,
                         'vnic_type': vnic_type})
            return
        segments = segments_of_addresses(context)
        for segment in segments:
            if is_wireable(segment):
                context.set_binding(segment[api.ID], VIF_TYPE,
                                    self._vif_details(segment),
                                    status=constants.PORT_STATUS_ACTIVE)
                return
        LOG.warning('Port %(port)s cannot be bound on host %(host)s: network '
                    '%(network)s has segments of type %(types)s for it, and '
                    'VMware can only be wired to %(wireable)s. Use a provider '
                    'network of such a type.',
                    {'port': port['id'], 'host': context.host,
                     'network': port['network_id'],
                     'types': ', '.join(segment[api.NETWORK_TYPE]
                                        for segment in segments) or 'none',
                     'wireable': ' and '.join(NETWORK_TYPES)})

    def _vif_details(self, segment: Segment) -> dict[str, Any]:
        details: dict[str, Any] = {
            portbindings.CAP_PORT_FILTER: False,
            portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
            api.NETWORK_TYPE: segment[api.NETWORK_TYPE],
            api.PHYSICAL_NETWORK: segment[api.PHYSICAL_NETWORK],
        }
        if segment[api.NETWORK_TYPE] == constants.TYPE_VLAN:
            details[api.SEGMENTATION_ID] = segment[api.SEGMENTATION_ID]
        return details


def is_our_host(host: str | None) -> bool:
    """Tells if [ml2_vmrun] hosts has the host; it may be None or empty."""
    if not host:
        return False
    return any(fnmatch.fnmatchcase(host.lower(), pattern.lower())
               for pattern in CONF.ml2_vmrun.hosts)


def is_wireable(segment: Segment) -> bool:
    """Tells if a vmnet can carry the segment.

    VMware knows no tunnels. A ``local`` segment names no physical network, so
    that only default_vmnet would be left for it, which is not local at all.
    """
    return segment[api.NETWORK_TYPE] in NETWORK_TYPES


def segments_of_addresses(context: api.PortContext) -> list[Segment]:
    """Finds the segments on which the port's addresses are at home.

    In a routed network a subnet belongs to one of the segments, and a port
    with an address of it is of no use on another.

    :param context: as in bind_port
    :returns: segments, in the order of the network
    """
    subnet_ids = [fixed_ip['subnet_id']
                  for fixed_ip in context.current.get('fixed_ips', [])
                  if fixed_ip.get('subnet_id')]
    segment_ids = set()
    if subnet_ids:
        subnets = directory.get_plugin().get_subnets(
            context.plugin_context, filters={'id': subnet_ids})
        segment_ids = {subnet.get('segment_id') for subnet in subnets}
    segment_ids.discard(None)
    if not segment_ids:
        return list(context.segments_to_bind)
    return [segment for segment in context.segments_to_bind
            if segment[api.ID] in segment_ids]
