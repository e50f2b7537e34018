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

"""A healthy host, on which tests plant one fault each."""

import dataclasses
import ipaddress

from nova_vmrun.doctor import examination
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.formats import vmnets
from nova_vmrun.host import product
from tests.unit import base

GIB = 1024 ** 3
_NAT = ipaddress.IPv4Network('172.16.41.0/24')

WORKSTATION = product.Product(
    product.WORKSTATION, product.Version(17, 6, 4), '/usr/bin/vmrun',
    '/usr/bin/vmware-vdiskmanager')
NAT = vmnets.Vmnet('vmnet8', vmnets.NAT, True, _NAT,
                   pool=(_NAT[128], _NAT[254]))

HEALTHY = facts.Host(
    product=facts.Product('linux', '/usr/bin/vmrun', WORKSTATION),
    modules=facts.Modules(True, '6.1.0-40-amd64'),
    libraries=facts.Libraries(True),
    processor=facts.Processor('x86_64', frozenset({'vmx'}),
                              kvm_module='kvm_intel'),
    user=facts.User('ann', instances='/home/ann/instances'),
    storage=facts.Storage('/home/ann/instances', 'ext4', 80 * GIB, 200 * GIB),
    networks=facts.Networks({'vmnet8': NAT},
                            {'nat': '[vmrun] default_vmnet'}),
    programs=facts.Programs('linux', 'qemu-img version 7.2.22',
                            novnc='/usr/share/novnc'),
    ports=facts.Ports(),
    clock=facts.Clock(is_synchronized=True))


class TestCase(base.TestCase):
    """Plants a fault, and asserts that it and nothing else is found."""

    def problems(self, group, **fault):
        """Return what is found on a healthy host with one fault.

        :param group: attribute of facts.Host
        :param fault: attributes of that group
        """
        host = dataclasses.replace(HEALTHY, **{
            group: dataclasses.replace(getattr(HEALTHY, group), **fault)})
        return [each for each in examination.examine(host)
                if each.state is not finding.State.OK]

    def problem(self, group, **fault):
        """Return the only finding; it has to say what to do."""
        found = self.problems(group, **fault)
        self.assertEqual(1, len(found), found)
        self.assertNotEqual('', found[0].remedy)
        return found[0]

    def assert_wrong(self, text, remedy, group, **fault):
        found = self.problem(group, **fault)
        self.assertIs(finding.State.WRONG, found.state)
        self.assertIn(text, found.text)
        self.assertIn(remedy, found.remedy)

    def assert_warning(self, text, remedy, group, **fault):
        found = self.problem(group, **fault)
        self.assertIs(finding.State.WARNING, found.state)
        self.assertIn(text, found.text)
        self.assertIn(remedy, found.remedy)
