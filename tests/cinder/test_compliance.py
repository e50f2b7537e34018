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

"""Cinder's own checks of drivers, and those that they leave out."""

import inspect

from cinder.interface import volume_driver
from cinder.interface import volume_manageable_driver
from cinder.interface import volume_snapshot_revert
from cinder.tests.compliance import test_volume_drivers
from cinder.volume import driver as cinder_driver

from nova_vmrun.cinder import driver
from nova_vmrun.conf import cinder_backend
from tests.cinder import base


class CindersTestCase(test_volume_drivers.TestVolumeDrivers):
    """The test that Cinder runs for each driver in its tree."""

    def test_it_knows_our_driver(self):
        self.assertIn(driver.FilesDriver, [
            info.cls for info in test_volume_drivers.VOLUME_DRIVERS])


class SignaturesTestCase(base.TestCase):
    """Cinder's check does not look at parameters."""

    def parameters(self, method):
        return [each.name for each in inspect.signature(
            method).parameters.values()
            if each.default is inspect.Parameter.empty and
            each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]

    def methods(self, interface):
        return {name: method for name, method in inspect.getmembers(
            interface, inspect.isfunction) if not name.startswith('_')}

    def test_each_method_takes_what_the_interfaces_say(self):
        checked = 0
        for interface in (
                volume_driver.VolumeDriverCore,
                volume_manageable_driver.VolumeListManageableDriver,
                volume_snapshot_revert.VolumeSnapshotRevertDriver):
            for name, method in self.methods(interface).items():
                ours = getattr(driver.FilesDriver, name)
                if ours is getattr(cinder_driver.VolumeDriver, name, None):
                    continue
                checked += 1
                self.assertEqual(
                    len(self.parameters(method)), len(self.parameters(ours)),
                    '%s: %s' % (name, self.parameters(method)))
        self.assertGreater(checked, 15)

    def test_no_method_differs_from_the_base_class(self):
        """Cinder's manager passes some parameters by name."""
        base_methods = self.methods(cinder_driver.VolumeDriver)
        for name, method in self.methods(driver.FilesDriver).items():
            if name in base_methods:
                self.assertEqual(self.parameters(base_methods[name]),
                                 self.parameters(method), name)

    def test_nothing_that_we_offer_is_missing(self):
        """The base class has methods that only say so."""
        for name in ('create_snapshot', 'delete_snapshot', 'extend_volume',
                     'create_volume_from_snapshot', 'create_cloned_volume',
                     'revert_to_snapshot', 'manage_existing',
                     'manage_existing_get_size', 'get_manageable_volumes',
                     'retype', 'local_path', 'initialize_connection',
                     'initialize_connection_snapshot',
                     'update_migrated_volume', 'ensure_export',
                     'create_export', 'remove_export'):
            self.assertIsNot(getattr(cinder_driver.VolumeDriver, name),
                             getattr(driver.FilesDriver, name), name)

    def test_the_facts_that_cinder_prints(self):
        self.assertRegex(driver.FilesDriver.VERSION, r'^[0-9.]+$')
        self.assertTrue(driver.FilesDriver.SUPPORTED)
        self.assertEqual(cinder_backend.OPTS,
                         driver.FilesDriver.get_driver_options())
