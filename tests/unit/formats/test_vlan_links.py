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

import json

from nova_vmrun.formats import vlan_links
from tests.unit import base

IP = [{
    'ifindex': 5, 'link': 'eth0', 'ifname': 'eth0.101',
    'flags': ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'], 'mtu': 1500,
    'linkinfo': {'info_kind': 'vlan', 'info_data': {
        'protocol': '802.1Q', 'id': 101, 'flags': ['REORDER_HDR']}}}]
IFCONFIG = """\
vlan0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\toptions=6063<RXCSUM,TXCSUM,TSO4,TSO6,PARTIAL_CSUM,ZEROINVERT_CSUM>
\tether 3c:22:fb:00:00:01
\tvlan: 101 parent interface: en0
\tmedia: autoselect (1000baseT <full-duplex>)
\tstatus: active
"""


class VlanLinksTestCase(base.TestCase):

    def test_linux(self):
        self.assertEqual(('eth0', 101),
                         vlan_links.parse_ip(json.dumps(IP)))

    def test_macos(self):
        self.assertEqual(('en0', 101), vlan_links.parse_ifconfig(IFCONFIG))

    def test_other_interfaces(self):
        bridge = [dict(IP[0], linkinfo={'info_kind': 'bridge'})]
        plain = [{'ifname': 'eth0'}]
        for text in ('', 'Device "x" does not exist.', '[]', '{}', '[1]',
                     json.dumps(bridge), json.dumps(plain)):
            self.assertIsNone(vlan_links.parse_ip(text), text)
        self.assertIsNone(vlan_links.parse_ifconfig('en0: flags=8863'))
