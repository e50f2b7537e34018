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

"""The start of a machine whose port for VNC is taken meanwhile."""

import fixtures

from tests.unit.fakes_qemu import plans

from vmwarefake import dictionary
from vmwarefake.engine import base
from vmwarefake.engine.qemu import engine
from vmwarefake.engine.qemu import plan as qemu_plan
from vmwarefake.engine.qemu import sockets as qemu_sockets
from vmwarefake import knobs

_TAKEN = ('qemu-system-x86_64: -vnc 127.0.0.1:7: Failed to find an available '
          'port: Address already in use')


class StartTest(plans.PlanTest):

    def setUp(self):
        super().setUp()
        self.lines = []
        machine = base.Machine(
            self.folder + '/test.vmx', dictionary.Dictionary({
                'RemoteDisplay.vnc.enabled': 'TRUE',
                'RemoteDisplay.vnc.ip': '127.0.0.1',
                'RemoteDisplay.vnc.port': '5907'}.items()),
            self.folder, None, knobs.Knobs({}), self.lines.append)
        self.engine = engine.Engine(machine)
        self.sockets = qemu_sockets.Folder(self.folder)
        self.plan_of_vnc = qemu_plan.Plan(machine, self.options(),
                                          self.sockets)
        self.useFixture(fixtures.MockPatchObject(
            self.engine, '_may_have_vnc', return_value=True))

    def start(self, *errors):
        """Start it, while QEMU ends with errors or None.

        self.wanted says for each start of QEMU whether it was to have VNC.
        """
        start = self.useFixture(fixtures.MockPatchObject(
            self.engine, '_start_qemu', side_effect=errors)).mock
        try:
            self.engine._start_machine(self.plan_of_vnc, self.sockets, None)
        finally:
            self.wanted = [call.args[3] for call in start.call_args_list]

    def test_free_port(self):
        self.start(None)
        self.assertEqual([True], self.wanted)
        self.assertIn('Started VNC server, listening at 127.0.0.1:5907',
                      self.lines[-1])

    def test_port_that_is_taken_after_it_was_looked_at(self):
        with open(self.sockets.address('qmp'), 'w'):
            self.start(base.EngineError('msg.engine.died', _TAKEN), None)
        self.assertEqual([True, False], self.wanted)
        self.assertFalse(self.sockets.exists('qmp'))
        self.assertIn('Failed to start VNC server at 127.0.0.1:5907',
                      self.lines[-1])

    def test_other_errors(self):
        self.assertRaises(base.EngineError, self.start,
                          base.EngineError('msg.engine.died', 'no memory'))
        self.assertEqual([True], self.wanted)
