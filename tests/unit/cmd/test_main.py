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

"""Unit tests for the ``nova-vmrun`` command itself."""

import importlib.metadata
import io
import types

import fixtures

from nova_vmrun.cmd import main
from tests.unit import base


class MainTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.out = self.useFixture(fixtures.MonkeyPatch(
            'sys.stdout', io.StringIO())).new_value

    def test_arguments_of_the_process(self):
        self.useFixture(fixtures.MonkeyPatch(
            'sys.argv', ['nova-vmrun', '--help']))
        self.assertRaises(SystemExit, main.main)
        self.assertIn('vmx lint', self.out.getvalue())

    def test_help_without_arguments(self):
        self.assertRaises(SystemExit, main.main, [])
        for text in ('Tools for Nova on VMware', 'image upload', 'orphans'):
            self.assertIn(text, self.out.getvalue())

    def test_exit_status_of_the_command(self):
        err = self.useFixture(fixtures.MonkeyPatch(
            'sys.stderr', io.StringIO())).new_value
        self.assertEqual(1, main.main(['vmx', 'show', '/nonexistent.vmx']))
        self.assertIn('/nonexistent.vmx', err.getvalue())
        self.assertNotIn('Traceback', err.getvalue())


class CommandsTestCase(base.TestCase):

    def test_commands_are_our_entry_points(self):
        own = {entry.name.replace('_', ' ') for entry in
               importlib.metadata.distribution('nova-vmrun').entry_points
               if entry.group == main.NAMESPACE}
        self.assertEqual(
            own, set(main.Commands(main.NAMESPACE).commands))

    def test_other_packages_are_not_searched(self):
        self.useFixture(fixtures.MockPatch(
            'stevedore.ExtensionManager', side_effect=AssertionError))
        self.useFixture(fixtures.MockPatch(
            'importlib.metadata.distribution',
            lambda name: types.SimpleNamespace(
                entry_points=importlib.metadata.EntryPoints([
                    importlib.metadata.EntryPoint(
                        'vmx_show', 'a:B', main.NAMESPACE),
                    importlib.metadata.EntryPoint(
                        'other', 'a:B', 'another.group')]))))
        self.assertEqual(
            ['vmx show'], list(main.Commands(main.NAMESPACE).commands))
