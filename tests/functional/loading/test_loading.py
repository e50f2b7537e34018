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
import pathlib
import shutil
import unittest

import nova
import testtools

from tests.functional.loading import environments

LOAD_DRIVER = pathlib.Path(__file__).with_name('load_driver.py')
LOAD_ENTRY_POINTS = """
from importlib import metadata

for entry_point in metadata.distribution('nova-vmrun').entry_points:
    entry_point.load()
    print(entry_point.name)
"""
NOVA_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "nova"
version = "34.0.0"

[tool.setuptools.packages.find]
include = ["nova*"]
"""


@unittest.skipIf(environments.missing(), environments.missing())
class LoadingTestCase(testtools.TestCase):
    """nova-compute finds the driver, however we and Nova are installed."""

    def make_environment(self, leave_out=None):
        environment = self.useFixture(environments.Environment(leave_out))
        self.checkout = environment.path / 'checkout'
        environments.copy_checkout(self.checkout)
        self.site_packages = environment.site_packages
        return environment

    def install_nova_editable(self, environment):
        """As DevStack does, from a folder of Nova's sources."""
        sources = environment.path / 'nova-sources'
        shutil.copytree(pathlib.Path(nova.__file__).parent, sources / 'nova',
                        ignore=shutil.ignore_patterns('tests', '*.pyc'))
        (sources / 'pyproject.toml').write_text(NOVA_PROJECT)
        environment.install('--editable', sources)
        # The kind of installation that shipping nova/virt/... would break.
        self.assertTrue(any(self.site_packages.glob(
            '__editable___nova_*_finder.py')))
        return sources

    def load_driver(self, environment):
        nova_conf = environment.path / 'nova.conf'
        nova_conf.write_text(
            '[DEFAULT]\ncompute_driver = nova_vmrun.VmrunDriver\n')
        loaded = json.loads(environment.run(
            'python', LOAD_DRIVER, nova_conf).splitlines()[-1])
        self.assertEqual('VmrunDriver', loaded['class'])
        return pathlib.Path(loaded['driver']), pathlib.Path(loaded['nova'])

    def test_wheel(self):
        environment = self.make_environment()
        environment.install(self.checkout)
        driver, _nova = self.load_driver(environment)
        self.assertEqual(self.site_packages / 'nova_vmrun' / 'driver.py',
                         driver)
        self.assertIn('nova-vmrun', environment.run('nova-vmrun', '--version'))
        self.assertIn('nova_vmrun.ml2',
                      environment.run('python', '-c', LOAD_ENTRY_POINTS))
        share = environment.prefix / 'share' / 'nova-vmrun'
        self.assert_complete('nova_vmrun', self.site_packages / 'nova_vmrun')
        # PEP 561: tells type checkers that the package has annotations.
        self.assertTrue(
            (self.site_packages / 'nova_vmrun' / 'py.typed').is_file())
        self.assert_complete('tests/fakes', share / 'fakes')
        self.assert_complete('tests/guest', share / 'guest')

    def assert_complete(self, source, target):
        """Every file of a folder, templates too, came with the wheel."""
        expected = files_below(self.checkout / source)
        self.assertNotEqual(set(), expected)
        self.assertEqual(set(), expected - files_below(target))

    def test_editable(self):
        environment = self.make_environment()
        environment.install('--editable', self.checkout)
        driver, _nova = self.load_driver(environment)
        self.assertEqual(self.checkout / 'nova_vmrun' / 'driver.py', driver)

    def test_wheel_with_editable_nova(self):
        environment = self.make_environment(leave_out=environments.NOVA)
        sources = self.install_nova_editable(environment)
        environment.install(self.checkout)
        driver, nova_driver = self.load_driver(environment)
        self.assertEqual(self.site_packages / 'nova_vmrun' / 'driver.py',
                         driver)
        self.assertEqual(sources / 'nova' / 'virt' / 'driver.py', nova_driver)

    def test_both_editable(self):
        environment = self.make_environment(leave_out=environments.NOVA)
        sources = self.install_nova_editable(environment)
        environment.install('--editable', self.checkout)
        driver, nova_driver = self.load_driver(environment)
        self.assertEqual(self.checkout / 'nova_vmrun' / 'driver.py', driver)
        self.assertEqual(sources / 'nova' / 'virt' / 'driver.py', nova_driver)


def files_below(folder):
    """Relative paths of what is below a folder."""
    return {path.relative_to(folder) for path in folder.rglob('*')
            if path.is_file() and path.suffix != '.pyc'}
