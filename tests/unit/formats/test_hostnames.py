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

from nova_vmrun.formats import hostnames
from tests.unit import base


class LoopbackTestCase(base.TestCase):

    def test_here(self):
        for host in ('127.0.0.1', '127.9.9.9', '::1', 'localhost',
                     'LocalHost'):
            self.assertTrue(hostnames.is_loopback(host), host)

    def test_elsewhere(self):
        for host in ('192.0.2.1', '0.0.0.0', '::', '2001:db8::1', '', None,
                     'localhost.example', 'lab-1'):
            self.assertFalse(hostnames.is_loopback(host), host)
