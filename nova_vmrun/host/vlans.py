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

"""What must be so before a server is started on a VLAN.

VMware's desktop products know no VLANs: the host has an interface for each,
and a virtual network that is bridged to it. Both are the operator's, since
they need root. Each step that fails names the command that mends it.
"""

from oslo_log import log as logging
import psutil

from nova_vmrun import exception
from nova_vmrun.formats import vlan_links
from nova_vmrun.formats import vmnets
from nova_vmrun import system

LOG = logging.getLogger(__name__)

_TIMEOUT = 10
# Linux cuts longer names of interfaces.
_MAX_NAME = 15
_RESTART = {'linux': ('sudo vmware-networks --stop',
                      'sudo vmware-networks --start'),
            'darwin': ('sudo "%s" --stop', 'sudo "%s" --start')}
_VMNET_CLI = '/Applications/VMware Fusion.app/Contents/Library/vmnet-cli'


class Vlans:
    """Checks the way from a virtual network to a VLAN.

    :param adapter: [vmrun] vlan_interface, or None
    :param host_networks: a nova_vmrun.host.host_networks.HostNetworks
    :param runner: a nova_vmrun.tools.process.Runner
    :param platform: a value of sys.platform; None: this host's
    """

    def __init__(self, adapter, host_networks, runner, platform=None):
        self._adapter = adapter
        self._host_networks = host_networks
        self._runner = runner
        self._platform = platform or system.here().name

    def check(self, network, vlan):
        """Checks all that a VLAN needs.

        Starts one program that tells what an interface is.

        :param network: the nova_vmrun.formats.vmnets.Vmnet of the VLAN; None
            if this host tells nothing of its networks
        :param vlan: its number
        :raises InvalidConfiguration: which step failed, and what mends it
        """
        present = psutil.net_if_stats()
        self._check_adapter(present, vlan)
        if network is None or self._platform not in _RESTART:
            LOG.warning('It cannot be checked on this host whether the '
                        'virtual network of VLAN %d carries it.', vlan)
            return
        interface = self._check_bridge(network, vlan, present)
        self._check_vlan(network, vlan, interface, present)

    def _check_adapter(self, present, vlan):
        if not self._adapter:
            raise exception.InvalidConfiguration(
                'No adapter of this host is for VLANs.',
                'VLAN %d was asked for.' % vlan,
                'Set [vmrun] vlan_interface in nova.conf to one of: %s.'
                % ', '.join(sorted(present)))
        if self._adapter not in present:
            raise exception.InvalidConfiguration(
                'The adapter %s, which is for VLANs, does not exist.'
                % self._adapter, 'This host has: %s.'
                % ', '.join(sorted(present)),
                'Set [vmrun] vlan_interface in nova.conf to one of these.')

    def _check_bridge(self, network, vlan, present):
        """Returns the interface that the network is bridged to."""
        wanted = self._interface(vlan)
        if network.kind == vmnets.BRIDGED and network.adapter:
            return network.adapter
        commands = [self._bridge(wanted, network)]
        if wanted not in present:
            commands.insert(0, self._make(wanted, vlan))
        raise exception.InvalidConfiguration(
            '%s is not bridged to an interface of VLAN %d.'
            % (network.name, vlan),
            'It is %s.' % (network.kind if network.kind != vmnets.BRIDGED
                           else 'bridged to what VMware chooses'),
            'Run: %s' % ' && '.join(commands))

    def _check_vlan(self, network, vlan, interface, present):
        if interface not in present:
            raise exception.InvalidConfiguration(
                'The interface %s, to which %s is bridged, does not exist.'
                % (interface, network.name),
                'It has to carry VLAN %d.' % vlan,
                'Run: %s' % self._make(interface, vlan))
        carried = self._carried(interface)
        if carried == (self._adapter, vlan):
            return
        wanted = self._interface(vlan)
        commands = [self._bridge(wanted, network, interface)]
        if wanted not in present:
            commands.insert(0, self._make(wanted, vlan))
        raise exception.InvalidConfiguration(
            '%s, to which %s is bridged, does not carry VLAN %d of %s.'
            % (interface, network.name, vlan, self._adapter),
            'It carries VLAN %d of %s.' % (carried[1], carried[0])
            if carried else 'It is no VLAN interface.',
            'Run: %s' % ' && '.join(commands))

    def _carried(self, interface):
        if self._platform == 'darwin':
            argv, parse = ('ifconfig',), vlan_links.parse_ifconfig
        else:
            argv = ('ip', '-json', '-details', 'link', 'show', 'dev')
            parse = vlan_links.parse_ip
        return parse(self._runner.run(*argv, interface,
                                      timeout=_TIMEOUT).stdout)

    def _interface(self, vlan):
        """Names the interface of a VLAN as the system's tools do."""
        name = '%s.%d' % (self._adapter, vlan)
        if self._platform == 'darwin' or len(name) > _MAX_NAME:
            return 'vlan%d' % vlan
        return name

    def _make(self, interface, vlan):
        if self._platform == 'darwin':
            return ('sudo ifconfig %s create vlan %d vlandev %s'
                    % (interface, vlan, self._adapter))
        return ('sudo ip link add link %s name %s type vlan id %d && '
                'sudo ip link set dev %s up'
                % (self._adapter, interface, vlan, interface))

    def _bridge(self, interface, network, before=None):
        """Names the commands that bridge a network to an interface."""
        stop, start = _RESTART[self._platform]
        if self._platform == 'darwin':
            stop, start = stop % _VMNET_CLI, start % _VMNET_CLI
        path = self._host_networks.networking_file
        number = network.name.removeprefix('vmnet')
        commands = [stop]
        if before:
            commands.append("sudo sed -i.bak '/^add_bridge_mapping .* %s$/d' "
                            '"%s"' % (number, path))
        commands += ["echo 'add_bridge_mapping %s %s' | sudo tee -a \"%s\""
                     % (interface, number, path), start]
        return ' && '.join(commands)
