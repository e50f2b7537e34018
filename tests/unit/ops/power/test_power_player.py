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

from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.server import states
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID
State = states.State


class PlayerTestCase(test_power.Base):

    kind = product.PLAYER

    def test_player_cannot_pause(self):
        self.add_server(running=True)
        for verb in (self.power.pause, self.power.unpause):
            error = self.assertRaises(exception.NotSupported, verb, UUID)
            self.assertIn('VMware Player cannot', error.brief)
            self.assertIn('suspend', error.resolution)
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual(State.RUNNING, self.state())
