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

"""Helpers for the tests of the choices of hardware."""

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.machine import hardware
from tests.unit.machine import base


class ChoiceTestCase(base.TestCase):
    """Base of the tests that choose a server's hardware."""

    def choose(self, properties=(), extra_specs=(), vcpus=2, product=None,
               hw_version=20, guest='ubuntu-64', chosen_now=table.BOTH,
               image_adapter=None):
        return hardware.choose(
            dict(properties), dict(extra_specs), guestos.find(guest), vcpus,
            hw_version, product, image_adapter, chosen_now)

    def refused(self, name, properties=(), extra_specs=(), **arguments):
        """Check that a property is refused by its name.

        :returns: text of the error
        """
        error = self.assertRaises(
            exception.InvalidProperty, self.choose, properties, extra_specs,
            **arguments)
        self.assertEqual(name, error.name)
        return str(error)

    def check(self, field, expected, origin, *arguments, **named):
        """Check a field of the hardware and its origin."""
        found = self.choose(*arguments, **named)
        self.assertEqual(
            (expected, origin),
            ({**vars(found), **found.options}[field], found.origins[field]))
