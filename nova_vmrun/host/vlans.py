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

"""Check the host's configuration before a server is started on a VLAN.

VMware's desktop products do not support VLANs. Instead the host has an
interface for each VLAN and a virtual network that is bridged to it. Creating
them needs root, so the operator does it. If a step is missing, the error
contains the command to run.
"""

from collections.abc import Collection

from oslo_log import log as logging
import psutil

from nova_vmrun import exception
from nova_vmrun.formats import vlan_links
from nova_vmrun.formats import vmnets
from nova_vmrun.host import host_networks as networks
from nova_vmrun import system
from nova_vmrun.tools import process

LOG = logging.getLogger(__name__)

_TIMEOUT = 10
# Linux allows no longer names of interfaces.
_MAX_NAME = 15
_RESTART = {'linux': ('sudo vmware-networks --stop',
                      'sudo vmware-networks --start'),
            system.MACOS: ('sudo "%s" --stop', 'sudo "%s" --start')}
_VMNET_CLI = '/Applications/VMware Fusion.app/Contents/Library/vmnet-cli'


class Vlans:
    """Checker of the path from a virtual network to a VLAN.

    :param adapter: [vmrun] vlan_interface, or None
    :param platform: a value of sys.platform; None: this host's
    """

    def __init__(self, adapter: str | None,
                 host_networks: networks.HostNetworks, runner: process.Runner,
                 platform: str | None = None) -> None:
        self._adapter = adapter
        self._host_networks = host_networks
        self._runner = runner
        self._platform = platform or system.here().name

    def check(self, network: vmnets.Vmnet | None, vlan: int) -> None:
        """Check everything that a VLAN needs.

        Run at most one program, which describes an interface.

        :param network: the virtual network of the VLAN; None if the networks
            of this host are unknown
        :param vlan: its number
        :raises InvalidConfiguration: says what is missing, and what to run
        """
        present = psutil.net_if_stats()
        self._check_adapter(present, vlan)
        if network is None or self._platform not in _RESTART:
            LOG.warning('Cannot check on this host whether the virtual '
                        'network of VLAN %d is connected to the VLAN.', vlan)
            return
        interface = self._check_bridge(network, vlan, present)
        self._check_vlan(network, vlan, interface, present)

    def _check_adapter(self, present: Collection[str], vlan: int) -> None:
        if not self._adapter:
            raise exception.InvalidConfiguration(
                'This host has no adapter for VLANs, and a port is on VLAN '
                '%d.' % vlan, '[vmrun] vlan_interface is not set.',
                'Set [vmrun] vlan_interface in nova.conf to one of: %s.'
                % ', '.join(sorted(present)))
        if self._adapter not in present:
            raise exception.InvalidConfiguration(
                'The adapter for VLANs, %s, does not exist.' % self._adapter,
                'This host has: %s.' % ', '.join(sorted(present)),
                'Set [vmrun] vlan_interface in nova.conf to one of these.')

    def _check_bridge(self, network: vmnets.Vmnet, vlan: int,
                      present: Collection[str]) -> str:
        """Return the interface that the network is bridged to."""
        wanted = self._interface(vlan)
        if network.kind == vmnets.BRIDGED and network.adapter:
            return network.adapter
        commands = [self._bridge_command(wanted, network)]
        if wanted not in present:
            commands.insert(0, self._create_command(wanted, vlan))
        raise exception.InvalidConfiguration(
            '%s is not bridged to an interface of VLAN %d.'
            % (network.name, vlan),
            'It is %s.' % (
                network.kind if network.kind != vmnets.BRIDGED else
                'bridged to an adapter that VMware chooses'),
            'Run: %s' % ' && '.join(commands))

    def _check_vlan(self, network: vmnets.Vmnet, vlan: int, interface: str,
                    present: Collection[str]) -> None:
        if interface not in present:
            raise exception.InvalidConfiguration(
                '%s is bridged to the interface %s, which does not exist.'
                % (network.name, interface),
                'It has to carry VLAN %d.' % vlan,
                'Run: %s' % self._create_command(interface, vlan))
        actual = self._read_vlan(interface)
        if actual == (self._adapter, vlan):
            return
        wanted = self._interface(vlan)
        commands = [self._bridge_command(wanted, network, interface)]
        if wanted not in present:
            commands.insert(0, self._create_command(wanted, vlan))
        raise exception.InvalidConfiguration(
            '%s is bridged to %s, which does not carry VLAN %d of %s.'
            % (network.name, interface, vlan, self._adapter),
            'It carries VLAN %d of %s.' % (actual[1], actual[0])
            if actual else 'It is not a VLAN interface.',
            'Run: %s' % ' && '.join(commands))

    def _read_vlan(self, interface: str) -> tuple[str, int] | None:
        """Return the adapter below a VLAN interface, and its VLAN."""
        argv: tuple[str, ...]
        if self._platform == system.MACOS:
            argv, parse = ('ifconfig',), vlan_links.parse_ifconfig
        else:
            argv = ('ip', '-json', '-details', 'link', 'show', 'dev')
            parse = vlan_links.parse_ip
        return parse(self._runner.run(*argv, interface,
                                      timeout=_TIMEOUT).stdout)

    def _interface(self, vlan: int) -> str:
        """Return the name that the system's tools give to a VLAN interface."""
        name = '%s.%d' % (self._adapter, vlan)
        if self._platform == system.MACOS or len(name) > _MAX_NAME:
            return 'vlan%d' % vlan
        return name

    def _create_command(self, interface: str, vlan: int) -> str:
        if self._platform == system.MACOS:
            return ('sudo ifconfig %s create vlan %d vlandev %s'
                    % (interface, vlan, self._adapter))
        return ('sudo ip link add link %s name %s type vlan id %d && '
                'sudo ip link set dev %s up'
                % (self._adapter, interface, vlan, interface))

    def _bridge_command(self, interface: str, network: vmnets.Vmnet,
                        old_interface: str | None = None) -> str:
        """Return the command that bridges a network to an interface."""
        stop, start = _RESTART[self._platform]
        if self._platform == system.MACOS:
            stop, start = stop % _VMNET_CLI, start % _VMNET_CLI
        path = self._host_networks.networking_file
        number = network.name.removeprefix('vmnet')
        commands = [stop]
        if old_interface:
            commands.append("sudo sed -i.bak '/^add_bridge_mapping .* %s$/d' "
                            '"%s"' % (number, path))
        commands += ["echo 'add_bridge_mapping %s %s' | sudo tee -a \"%s\""
                     % (interface, number, path), start]
        return ' && '.join(commands)
