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

"""The ML2 mechanism driver ``vmrun``, which only binds ports.

The networks of VMware Workstation, Player and Fusion need no agent: VMware
connects the NIC when the VM starts. There is none that could report a port as
wired, so a port is ACTIVE as soon as it is bound. The binding names the
physical network and the VLAN; the compute host maps them to one of its vmnets
([vmrun] vmnet_mappings).

A network of type local is a LAN segment, which ends at its host. So all its
servers have to be on one host. Those of a host that is lost do not count, or
none of them could be evacuated.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
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
from oslo_utils import uuidutils

from nova_vmrun.ml2 import conf as ml2_conf
from nova_vmrun.ml2 import lost_hosts
from nova_vmrun.ml2 import recent

CONF = cfg.CONF
LOG = logging.getLogger(__name__)

VIF_TYPE = 'vmrun'
Segment = dict[str, Any]
NETWORK_TYPES = (constants.TYPE_FLAT, constants.TYPE_VLAN,
                 constants.TYPE_LOCAL)
_WIREABLE = 'flat, vlan and local'
_NOT_BOUND = (portbindings.VIF_TYPE_UNBOUND,
              portbindings.VIF_TYPE_BINDING_FAILED)
# VMware does not document whether a vmnet keeps the VLAN tags that guests add
# to their frames.
UNSUPPORTED_EXTENSIONS = {qinq.ALIAS, vlantransparent.ALIAS}


class VmrunMechanismDriver(api.MechanismDriver):
    """Driver that binds ports with vnic_type normal.

    Their segments must be flat, VLAN or local.
    """

    def __init__(self) -> None:
        super().__init__()
        ml2_conf.register_opts(CONF)
        self._lost_hosts = lost_hosts.LostHosts()
        self._refused = recent.Recent(lost_hosts.REMEMBERED_SECONDS)

    def initialize(self) -> None:
        """Warn if the list of hosts is empty or matches too many."""
        hosts = CONF.ml2_vmrun.hosts
        others = [name for name in CONF.ml2.mechanism_drivers
                  if name != 'vmrun']
        if not hosts:
            LOG.warning('[ml2_vmrun] hosts is empty: no port will be bound. '
                        'List the compute hosts that run nova-vmrun.')
        elif '*' in hosts and others:
            LOG.warning('[ml2_vmrun] hosts matches every host, but there are '
                        'other mechanism drivers: %(others)s. Ports on their '
                        'hosts may be bound by vmrun and have no network. '
                        'List the compute hosts that run nova-vmrun.',
                        {'others': ', '.join(others)})

    @property
    def connectivity(self) -> str:
        """VMware's networks are switches, so a port needs no address."""
        return str(portbindings.CONNECTIVITY_L2)

    def supported_extensions(self, extensions: set[str]) -> set[str]:
        """Return the extensions, without those that need VLANs in guests.

        Security groups remain, although nothing enforces them on our ports
        (port_filter is False). Neutron only offers extensions that all of its
        drivers support, so the whole cloud would lose them.

        :param extensions: extension aliases
        """
        return extensions - UNSUPPORTED_EXTENSIONS

    def filter_hosts_with_segment_access(
            self, context: neutron_context.Context,
            segments: Sequence[Segment], candidate_hosts: Iterable[str],
            agent_getter: Callable[..., Any]) -> set[str]:
        """Return our hosts if VMware can carry one of the segments.

        If one driver does not implement this, Neutron ignores all others.

        :returns: host names
        """
        if not any(is_wireable(segment) for segment in segments):
            return set()
        return {host for host in candidate_hosts if is_our_host(host)}

    def bind_port(self, context: api.PortContext) -> None:
        """Bind the port to its first segment that VMware can carry.

        Leave ports that cannot be bound here to the other drivers, and log the
        reason, because Neutron only reports binding_failed.
        """
        port = context.current
        if not is_our_host(context.host):
            LOG.debug('Leaving port %(port)s to other drivers: host %(host)s '
                      'is not in [ml2_vmrun] hosts.',
                      {'port': port['id'], 'host': context.host})
            return
        if port['device_owner'].startswith(
                constants.DEVICE_OWNER_NETWORK_PREFIX):
            LOG.debug('Leaving port %(port)s to other drivers: an agent '
                      'connects ports of %(owner)s.',
                      {'port': port['id'], 'owner': port['device_owner']})
            return
        vnic_type = port.get(portbindings.VNIC_TYPE, portbindings.VNIC_NORMAL)
        if vnic_type != portbindings.VNIC_NORMAL:
            LOG.warning('Port %(port)s cannot be bound on host %(host)s: its '
                        'vnic_type is %(vnic_type)s, but VMware only has '
                        'normal NICs. Create the port with vnic_type normal.',
                        {'port': described(port), 'host': context.host,
                         'vnic_type': vnic_type})
            return
        segments = segments_of_addresses(context)
        for segment in segments:
            if is_wireable(segment):
                if (segment[api.NETWORK_TYPE] == constants.TYPE_LOCAL and
                        self._is_elsewhere(context)):
                    return
                context.set_binding(segment[api.ID], VIF_TYPE,
                                    self._vif_details(segment),
                                    status=constants.PORT_STATUS_ACTIVE)
                return
        LOG.warning('Port %(port)s cannot be bound on host %(host)s: the '
                    'types of its segments in network %(network)s are '
                    '%(types)s, but VMware can only be connected to '
                    '%(wireable)s. Use a network of such a type.',
                    {'port': described(port), 'host': context.host,
                     'network': port['network_id'],
                     'types': ', '.join(segment[api.NETWORK_TYPE]
                                        for segment in segments) or 'none',
                     'wireable': _WIREABLE})

    def _is_elsewhere(self, context: api.PortContext) -> bool:
        """Log an error and return True if another host has the network.

        Each host would have a network of its own, with no connection between
        them. A server that moves may take its network along. A host that is
        lost is only warned of: it may return with servers on the network.
        Neutron repeats an attempt ten times; the error is logged once.
        """
        found = other_hosts(context)
        lost = self._lost_hosts.among(found)
        others = sorted(set(found) - lost)
        port = context.current
        facts = {'port': port['id'], 'host': context.host,
                 'network': port['network_id'],
                 'others': ', '.join(others), 'lost': ', '.join(sorted(lost))}
        if others:
            if not self._refused.add(
                    (port['id'], context.host, facts['others'])):
                return True
            LOG.error('Port %(port)s cannot be bound on host %(host)s: the '
                      'network %(network)s is on host %(others)s, and a '
                      'network of type local ends at its host. Create the '
                      'server on %(others)s (openstack server create --host), '
                      'or on another network. To evacuate several servers of '
                      'the network from a host that is off, force its '
                      'nova-compute down (openstack compute service set '
                      '--down) and evacuate them again.',
                      {**facts, 'port': described(port)})
            return True
        if lost:
            LOG.warning('Port %(port)s of network %(network)s is bound on '
                        'host %(host)s, although host %(lost)s has ports of '
                        'it, since Nova says that %(lost)s is forced down. '
                        'Evacuate its other servers to %(host)s too: a '
                        'network of type local ends at its host.', facts)
        return False

    def update_port_postcommit(self, context: api.PortContext) -> None:
        """Warn when another driver takes a local network to a second host.

        Open vSwitch also binds local segments, and does not check which host
        has the network. Nothing can stop it here, but it must be logged.
        """
        if (context.vif_type in (*_NOT_BOUND, VIF_TYPE) or
                context.original_vif_type == context.vif_type or
                (context.bottom_bound_segment or {}).get(api.NETWORK_TYPE) !=
                constants.TYPE_LOCAL):
            return
        ours = [host for host in other_hosts(context) if is_our_host(host)]
        if ours:
            LOG.warning('Network %(network)s of type local is on host '
                        '%(ours)s, and port %(port)s of it was bound on host '
                        '%(host)s (vif_type %(vif_type)s): its servers there '
                        'cannot reach those on %(ours)s.',
                        {'network': context.current['network_id'],
                         'ours': ', '.join(ours),
                         'port': context.current['id'], 'host': context.host,
                         'vif_type': context.vif_type})

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


def described(port: Mapping[str, Any]) -> str:
    """Return a port's id, and whose it is, for a line of the log.

    After a failed build, Nova deletes the port, and "nova-vmrun why" looks for
    the server. Any user can name any server as the device of a port, so the
    project belongs to it; any other text could pretend to be another line.
    """
    if not uuidutils.is_uuid_like(port['device_id']):
        return str(port['id'])
    return '%s of server %s in project %s' % (
        port['id'], port['device_id'], port['project_id'])


def is_our_host(host: str | None) -> bool:
    """Return whether [ml2_vmrun] hosts matches a host.

    :param host: its name; may be None or empty
    """
    if not host:
        return False
    return any(fnmatch.fnmatchcase(host.lower(), pattern.lower())
               for pattern in CONF.ml2_vmrun.hosts)


def is_wireable(segment: Segment) -> bool:
    """Return whether VMware can carry a segment; it has no tunnels."""
    return segment[api.NETWORK_TYPE] in NETWORK_TYPES


def other_hosts(context: api.PortContext) -> list[str]:
    """Return the other hosts that have servers on the port's network.

    A port on its way to being bound counts: of two ports that are bound at
    the same time on two hosts, each is committed with its host before
    bind_port, so at least one is refused. Ports of the same server do not
    count, since they move with it one after another. Those of Neutron's own
    services do not count either: none of them is needed.

    :param context: as in bind_port
    """
    port = context.current
    found = directory.get_plugin().get_ports(
        context.plugin_context.elevated(),
        filters={'network_id': [port['network_id']]})
    return sorted({
        other[portbindings.HOST_ID] for other in found
        if other['id'] != port['id'] and
        other[portbindings.HOST_ID] not in ('', None, context.host) and
        other[portbindings.VIF_TYPE] != portbindings.VIF_TYPE_BINDING_FAILED
        and not _is_same_server(port, other) and
        not other['device_owner'].startswith(
            constants.DEVICE_OWNER_NETWORK_PREFIX)})


def _is_same_server(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two ports are of one server.

    Any user can name another project's server as the device of a port.
    """
    return bool(one['device_id']) and all(
        one[name] == other[name] for name in ('device_id', 'project_id'))


def segments_of_addresses(context: api.PortContext) -> list[Segment]:
    """Return the segments that the addresses of a port belong to.

    In a routed network, a subnet belongs to one of the segments, and its
    addresses do not work on the others.

    :param context: as for bind_port()
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
