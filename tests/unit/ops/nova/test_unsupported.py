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

"""Unit tests for the operations that the driver refuses."""

import types

from nova import exception as nova_exception

from nova_vmrun.ops.nova import unsupported
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='the-uuid')


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.driver = unsupported.RefusingDriver(None)


class MoveTestCase(Base):

    def test_live_migration(self):
        for method, arguments in (
                (self.driver.check_can_live_migrate_destination, 2),
                (self.driver.check_can_live_migrate_source, 1)):
            error = self.assertRaises(
                nova_exception.MigrationPreCheckError, method, None, INSTANCE,
                *[None] * arguments)
            self.assertIn('Use a cold migration', str(error))
