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

"""Power-on checks of network cards."""

from __future__ import annotations

import re

from vmwarefake import devices
from vmwarefake import errors
from vmwarefake import hostnet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary
    from vmwarefake import vm as vms

NICS = ('', 'vlance', 'vmxnet', 'vmxnet3', 'e1000', 'e1000e')
CONNECTIONS = ('bridged', 'nat', 'hostonly', 'custom', 'pvn')
MAC = re.compile(r'[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z', re.I)

#: Prefixes of addresses that only the products assign.
RESERVED = ('00:0c:29', '00:05:69')


def fail(msg_id: str, text: str) -> None:
    raise errors.PowerOnFailed(msg_id, text)


def all_checks(vm: vms.VM, ask: abc.Callable[[str, str], None]) -> None:
    for n in devices.nics(vm.config):
        if n > 9:
            fail('msg.ethernet.tooMany',                        # inferred id
                 'ethernet%d: there are only ethernet0 to ethernet9.' % n)
        nic = 'ethernet%d' % n
        kind = vm.config.get(nic + '.virtualDev', '').lower()
        if kind not in NICS:
            fail('msg.ethernet.badType',
                 'Invalid device type "%s" of %s.' % (kind, nic))
        check_connection(vm, nic, n, ask)
        check_mac(vm.config, nic, vm.session.knobs['MAC_CHECK'])


def check_connection(vm: vms.VM, nic: str, number: int,
                     ask: abc.Callable[[str, str], None]) -> None:
    kind = vm.config.get(nic + '.connectionType', 'bridged').lower()
    if kind not in CONNECTIONS:
        fail('msg.ethernet.badConnectionType',                  # inferred id
             '%s.connectionType = "%s".' % (nic, kind))
    if kind == 'pvn':
        if not vm.config.get(nic + '.pvnID'):
            fail('msg.ethernet.noPvn', '%s has no pvnID.' % nic)   # inferred
        return
    network = devices.vmnet(vm.config, number)
    if vm.config.true(nic + '.startConnected', True) and (
            not hostnet.exists(vm.session.state, network)):
        ask('msg.vnet.connectvnet',
            'Could not connect \'%s\' to virtual network "/dev/%s". It will '
            'be disconnected.' % (nic, network))


def check_mac(config: dictionary.Dictionary, nic: str,
              strictness: str) -> None:
    """Check the form and the range of a MAC address.

    Sources disagree whether a static address outside VMware's range needs
    checkMACAddress = "FALSE"; with ``strict``, the default, it does.
    """
    kind = config.get(nic + '.addressType', 'generated').lower()
    if kind not in ('generated', 'static', 'vpx'):
        fail('msg.mac.badType', '%s.addressType = "%s".' % (nic, kind))
    if kind == 'generated':
        return
    address = config.get(nic + '.address', '').lower()
    if not MAC.match(address) or int(address[:2], 16) & 1 or (
            address == '00:00:00:00:00:00'):
        fail('msg.mac.invalidAddress',
             '"%s" is no valid Ethernet address for %s.' % (address, nic))
    if not config.true(nic + '.checkMACAddress', True):
        return
    official = address.startswith('00:50:56:') and (
        int(address[9:11], 16) < 0x40 or kind == 'vpx')
    if address[:8] in RESERVED or (strictness != 'lenient'
                                   and not official):
        fail('msg.mac.notAllowedAddress',
             'Impermissible static Ethernet address "%s" for %s.'
             % (address, nic))
