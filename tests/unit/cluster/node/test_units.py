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

import pathlib
import plistlib

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster.node import units
from nova_vmrun import exception
from nova_vmrun import system
from tests.unit.cluster.node import base
from tests.unit import stubs


class UnitCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable('XDG_CONFIG_HOME'))
        self.runner = stubs.ScriptedRunner()

    def words(self):
        return [' '.join(call) for call in self.runner.calls]


class SystemdTestCase(UnitCase):

    def setUp(self):
        super().setUp()
        self.unit = units.Systemd(self.layout, 'lab-2', self.runner,
                                  self.home)

    def test_it_is_started_again_and_again(self):
        text = self.unit.text()
        self.assertIn('Restart=always\n', text)
        self.assertIn('"node" "run" "--state-dir" "%s"' % self.layout.root,
                      text)

    def test_start_twice(self):
        self.unit.start()
        self.assertEqual(self.unit.text(), self.unit.path.read_text())
        self.assertEqual(
            ['systemctl --user show-environment',
             'systemctl --user daemon-reload',
             'systemctl --user enable ' + self.unit.name,
             'systemctl --user restart ' + self.unit.name], self.words())
        self.unit.start()

    def test_remove(self):
        self.unit.remove()
        self.unit.stop()
        self.assertEqual([], self.words())
        self.unit.start()
        self.unit.stop()
        self.assertIn('systemctl --user stop ' + self.unit.name,
                      self.words())
        self.unit.remove()
        self.assertFalse(self.unit.path.exists())
        # systemd forgets it.
        self.assertEqual('systemctl --user daemon-reload', self.words()[-1])

    def test_no_service_manager(self):
        for answer in ((1, '', 'Failed to connect to bus'),
                       exception.ToolNotFound('x', 'Not found.')):
            unit = units.Systemd(self.layout, 'lab-2',
                                 stubs.ScriptedRunner(answer), self.home)
            error = self.assertRaises(errors.AioError, unit.start)
            self.assertIn('--foreground', error.resolution)
            # Or else "join --foreground" would want to stop it.
            self.assertFalse(unit.path.exists())

    def test_a_service_manager_that_went_away(self):
        self.unit.start()
        unit = units.Systemd(
            self.layout, 'lab-2',
            stubs.ScriptedRunner((1, '', 'Failed to connect to bus')),
            self.home)
        error = self.assertRaises(errors.AioError, unit.stop)
        self.assertIn('remove %s.' % unit.path, error.resolution)

    def test_hint(self):
        self.assertIn('loginctl enable-linger', self.unit.hint)

    def test_whether_it_runs(self):
        # systemd is not asked about a unit that was never made.
        self.assertFalse(self.unit.active)
        self.assertEqual([], self.words())
        self.unit.start()
        for answer, active in (((0, 'active\n'), True),
                               ((3, 'activating\n'), True),
                               ((3, 'inactive\n'), False),
                               ((3, 'failed\n'), False),
                               (exception.ToolTimeout('late'), False)):
            unit = units.Systemd(self.layout, 'lab-2',
                                 stubs.ScriptedRunner(answer), self.home)
            self.assertEqual(active, unit.active, answer)

    def test_a_power_cut_leaves_the_old_unit(self):
        self.unit.start()
        old = self.unit.path.read_text()
        self.patch(units, '_SYSTEMD', 'new %s')
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.files.publish', side_effect=KeyboardInterrupt))
        self.assertRaises(KeyboardInterrupt, self.unit.start)
        self.assertEqual(old, self.unit.path.read_text())


class LaunchdTestCase(UnitCase):

    def setUp(self):
        super().setUp()
        self.unit = units.Launchd(self.layout, 'lab-2', self.runner,
                                  self.home)

    def test_servers_outlive_the_agent(self):
        found = plistlib.loads(self.unit.text().encode())
        self.assertIs(True, found['AbandonProcessGroup'])
        self.assertIs(True, found['KeepAlive'])
        self.assertEqual({'Core': 0}, found['HardResourceLimits'])
        self.assertEqual(units.command(self.layout),
                         found['ProgramArguments'])

    def test_no_service_manager(self):
        unit = units.Launchd(
            self.layout, 'lab-2',
            stubs.ScriptedRunner((113, '', 'Could not find domain')),
            self.home)
        error = self.assertRaises(errors.AioError, unit.require)
        self.assertIn('--foreground', error.resolution)

    def test_start_and_remove(self):
        self.unit.start()
        self.assertIn('launchctl bootstrap gui/', self.words()[0])
        self.unit.remove()
        self.assertIn('launchctl bootout gui/', self.words()[1])
        self.assertFalse(self.unit.path.exists())
        self.assertIn('launchctl print', self.unit.hint)

    def test_whether_it_runs(self):
        self.assertFalse(self.unit.active)
        self.unit.start()
        self.assertTrue(self.unit.active)
        self.assertIn('launchctl print gui/', self.words()[-1])
        unit = units.Launchd(self.layout, 'lab-2',
                             stubs.ScriptedRunner((113, '')), self.home)
        self.assertFalse(unit.active)


class FindTestCase(UnitCase):

    def test_each_system(self):
        self.assertIsInstance(units.find(self.layout, 'x', self.runner,
                                         system.MACOS), units.Launchd)
        self.assertIsInstance(units.find(self.layout, 'x', self.runner,
                                         'linux'), units.Systemd)
