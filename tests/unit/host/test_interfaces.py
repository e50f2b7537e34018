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


import collections
import ipaddress
import socket

import fixtures
import psutil

from nova_vmrun.host import interfaces
from tests.unit import base

Address = collections.namedtuple('Address', 'family address netmask')


class RangesTestCase(base.TestCase):

    def ranges(self, *addresses):
        self.useFixture(fixtures.MockPatchObject(
            psutil, 'net_if_addrs',
            lambda: {'eth0': list(addresses), 'down': []}))
        return [str(each) for each in interfaces.ranges()]

    def test_ranges(self):
        self.assertEqual(['172.16.41.0/24', '2001:db8::/64'], self.ranges(
            Address(socket.AF_INET, '172.16.41.1', '255.255.255.0'),
            Address(socket.AF_INET6, '2001:db8::1%eth0',
                    'ffff:ffff:ffff:ffff::'),
            Address(psutil.AF_LINK, '00:11:22:33:44:55', None)))

    def test_addresses_that_lead_to_nobody_else(self):
        self.assertEqual([], self.ranges(
            Address(socket.AF_INET, '127.0.0.1', '255.0.0.0'),
            Address(socket.AF_INET, '192.0.2.1', '255.255.255.255'),
            Address(socket.AF_INET, '192.0.2.1', None),
            Address(socket.AF_INET, '192.0.2.1', 'nonsense'),
            Address(socket.AF_INET6, 'fe80::1%eth0',
                    'ffff:ffff:ffff:ffff::')))

    def test_this_machine(self):
        for each in interfaces.ranges():
            self.assertIsInstance(
                each, (ipaddress.IPv4Network, ipaddress.IPv6Network))
