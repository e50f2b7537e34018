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

import ipaddress
import json

from nova_vmrun.server import network_card
from tests.unit import base

CARD = network_card.NetworkCard(
    'ws', {'physnet1': 'vmnet8', 'büro.101': 'vmnet11'}, 'nat',
    {'vmnet0': None, 'vmnet8': ipaddress.IPv4Network('10.8.0.0/24')})


class NetworkCardTestCase(base.TestCase):

    def test_it_is_understood(self):
        for card in (CARD, network_card.NetworkCard('fusion', {}, '', {})):
            self.assertEqual(card, network_card.parse(card.dump()))
            self.assertNotIn('\n', card.dump())

    def change(self, **changes):
        return network_card.parse(json.dumps(
            {**json.loads(CARD.dump()), **changes}))

    def test_anything_else_says_nothing(self):
        self.assertIsNotNone(self.change())
        self.assertIsNotNone(self.change(more='of a later release'))
        for changes in (
                {'kind': 'esx'}, {'kind': []}, {'default': None},
                {'mappings': None}, {'mappings': 'nat'}, {'mappings': [1]},
                {'mappings': {'physnet1': 7}},
                {'mappings': {'physnet1': None}}, {'default': 'a\x1b[2J'},
                {'mappings': {'physnet1': 'a\x1b[2J'}},
                {'mappings': {'x' * 256: 'nat'}},
                {'mappings': {str(number): 'nat' for number in range(301)}},
                {'ranges': {'vmnet8': 'here'}}, {'ranges': {'vmnet8': []}},
                {'ranges': []}, {'ranges': {'a\x1b[2J': None}},
                {'ranges': {'vmnet8': 'fd00::/64'}}):
            self.assertIsNone(self.change(**changes), changes)
        for text in ('', 'null', '[]', '{}', '7', '[' * 9000,
                     CARD.dump() + ' ' * network_card.LONGEST):
            self.assertIsNone(network_card.parse(text))
