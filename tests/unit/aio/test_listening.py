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

from nova_vmrun.aio import errors
from nova_vmrun.aio import listening
from tests.unit import base


class ListeningTestCase(base.TestCase):

    def refusal(self, address):
        error = self.assertRaises(errors.AioError, listening.check, address)
        self.assertIn(address, error.brief)
        self.assertIn('--listen', error.resolution)
        return error.details

    def test_an_address_of_a_network(self):
        for address in ('192.0.2.7', '10.0.0.1', '172.16.41.1'):
            listening.check(address)

    def test_what_is_no_single_address(self):
        self.assertIn('all', self.refusal('0.0.0.0'))
        self.assertIn('all', self.refusal('::'))
        self.assertIn('group', self.refusal('224.0.0.1'))

    def test_loopback(self):
        for address in ('127.0.0.1', '127.0.0.2', '::1'):
            self.assertIn('Only this machine', self.refusal(address))

    def test_ipv6(self):
        self.assertIn('IPv6', self.refusal('2001:db8::1'))
        self.assertIn('IPv6', self.refusal('fe80::1%eth0'))

    def test_a_name(self):
        self.assertIn('does not appear to be', self.refusal('lab-1.example'))

    def test_an_address_of_another_machine(self):
        listening.require_own('127.0.0.1')
        error = self.assertRaises(errors.AioError, listening.require_own,
                                  '198.51.100.7')
        self.assertIn('no such address', error.details)
