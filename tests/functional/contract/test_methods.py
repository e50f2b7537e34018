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

import inspect

from nova.virt import driver as nova_driver
import testtools

from nova_vmrun import driver
from tests.functional.contract import offer


def _public(kind):
    return {name: method for name, method in vars(kind).items()
            if not name.startswith('_') and callable(
                getattr(method, '__func__', method))}


NOVAS = _public(nova_driver.ComputeDriver)
OURS = {name: method for kind in reversed(driver.VmrunDriver.__mro__)
        if kind.__module__.startswith('nova_vmrun.')
        for name, method in _public(kind).items()}


class MethodsTestCase(testtools.TestCase):

    def test_each_of_novas_methods_is_decided_on(self):
        decided = [set(OURS), set(offer.REFUSED), offer.INHERITED]
        self.assertEqual(set(NOVAS), set().union(*decided))
        self.assertEqual(len(NOVAS), sum(map(len, decided)))

    def test_signatures_are_the_same(self):
        differing = [
            '%s: %s instead of %s' % (name, inspect.signature(method),
                                      inspect.signature(NOVAS[name]))
            for name, method in OURS.items()
            if _parameters(method) != _parameters(NOVAS[name])]
        self.assertEqual([], differing)

    def test_what_is_not_offered_is_refused_by_the_base_class(self):
        for name in offer.REFUSED:
            self.assertIn('NotImplementedError',
                          inspect.getsource(NOVAS[name]), name)
        for name in offer.INHERITED:
            self.assertNotIn('NotImplementedError',
                             inspect.getsource(NOVAS[name]), name)

    def test_each_has_its_reason(self):
        self.assertEqual([], [name for name, reason in offer.REFUSED.items()
                              if not reason.endswith('.')])


def _parameters(method):
    """Return name, kind and default of each parameter."""
    return [(each.name, each.kind, each.default)
            for each in inspect.signature(method).parameters.values()]


class CapabilitiesTestCase(testtools.TestCase):

    # What becomes a trait, or opens a door in Nova's manager.
    # Secure boot depends on the product: see the tests of the driver.
    OFFERED = {'has_imagecache', 'supports_attach_interface',
               'supports_bfv_rescue', 'supports_device_tagging',
               'supports_evacuate', 'supports_tagged_attach_interface',
               'supports_tagged_attach_volume',
               'supports_trusted_certs'} | {
        'supports_image_type_' + name for name in (
            'iso', 'qcow2', 'raw', 'vdi', 'vhd', 'vhdx', 'vmdk')}

    def test_each_of_novas_is_there(self):
        self.assertEqual(set(nova_driver.ComputeDriver.capabilities),
                         set(driver.VmrunDriver.capabilities))

    def test_only_what_works_is_offered(self):
        self.assertEqual(self.OFFERED, {
            name for name, can in driver.VmrunDriver.capabilities.items()
            if can})

    def test_novas_own_are_left_as_they_are(self):
        self.assertFalse(nova_driver.ComputeDriver.capabilities[
            'supports_trusted_certs'])
