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

import importlib
import subprocess
import sys

import fixtures

from nova_vmrun import osvif
from tests.unit import base


def python(code):
    """Runs code in a fresh interpreter; returns what it prints."""
    return subprocess.run([sys.executable, '-c', code], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


class AliasTestCase(base.TestCase):

    def test_nova_finds_the_driver_under_its_own_package(self):
        self.addCleanup(sys.modules.pop, osvif.ALIAS, None)
        module = importlib.import_module('nova.virt.nova_vmrun')
        from nova_vmrun import driver
        self.assertIs(driver.VmrunDriver, module.VmrunDriver)

    def test_no_other_name_is_found(self):
        for name in ('nova.virt.nova_vmrun2', 'nova_vmrun', 'nova.virt'):
            self.assertIsNone(osvif.AliasFinder().find_spec(name))
        self.assertRaises(ModuleNotFoundError, importlib.import_module,
                          'nova.virt.no_such_driver')

    def test_it_is_installed_once(self):
        self.useFixture(fixtures.MockPatchObject(
            sys, 'meta_path', list(sys.meta_path)))
        osvif.install()
        osvif.install()
        self.assertEqual(1, len([
            finder for finder in sys.meta_path
            if isinstance(finder, osvif.AliasFinder)]))

    def test_our_own_troubles_are_not_taken_for_a_missing_driver(self):
        self.useFixture(fixtures.MockPatchObject(
            osvif.AliasFinder, 'exec_module',
            side_effect=SyntaxError('broken')))
        sys.modules.pop(osvif.ALIAS, None)
        self.assertRaises(SyntaxError, importlib.import_module, osvif.ALIAS)


class PluginTestCase(base.TestCase):

    def test_os_vif_loads_it_and_nothing_of_nova(self):
        """The neutron agents initialise os-vif too."""
        self.assertEqual('True False', python(
            'import os_vif, sys; os_vif.initialize(); '
            'print("nova_vmrun" in os_vif._EXT_MANAGER.names(), '
            '"nova" in sys.modules)'))

    def test_plugin_describes_itself(self):
        info = osvif.VmrunPlugin.load('nova_vmrun').describe()
        self.assertEqual('nova_vmrun', info.plugin_name)
        self.assertEqual([], list(info.vif_info))
