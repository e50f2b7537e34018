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

import time
import types
from unittest import mock

from nova_vmrun.cluster.first import listing
from nova_vmrun.cluster.first import registry
from tests.unit.cluster import base


def service(state='up', forced=False):
    return types.SimpleNamespace(state=state, status='enabled',
                                 is_forced_down=forced)


class RowsTestCase(base.FirstCase):

    def test_each_state(self):
        with registry.change(self.layout, self.settings) as known:
            known.nodes.update((node.name, node) for node in (
                base.joined(), base.joined('lab-3', 1),
                base.joined('lab-4', 0),
                registry.Node('lab-5', expires=int(time.time()) + 60),
                registry.Node('lab-6', expires=1)))
        nova = mock.Mock()
        nova.services.return_value = {
            'laptop': service(), 'lab-2': service('down'),
            'lab-3': service(forced=True)}
        nova.servers.side_effect = lambda name: [1] * len(name)
        self.assertEqual(
            [('laptop', 'up', 'enabled', 6, ''),
             ('lab-2', 'down', 'enabled', 5, '192.0.2.7'),
             ('lab-3', 'fenced', 'enabled', 5, '192.0.2.7'),
             ('lab-4', 'joining', '', 0, '192.0.2.7'),
             ('lab-5', 'invited', '', 0, ''),
             ('lab-6', 'token expired', '', 0, '')],
            [row[:5] for row in listing.rows(self.layout, self.settings,
                                             nova)])
