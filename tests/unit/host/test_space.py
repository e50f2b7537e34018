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

import os
import types

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import space
from tests.unit import base


class SpaceTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage', lambda folder: types.SimpleNamespace(
                free=self.free)))
        self.free = 700 * units.Mi

    def test_a_reserve_stays(self):
        self.assertEqual(188 * units.Mi, space.room('/'))
        space.require(188 * units.Mi, '/', 'What failed.')
        error = self.assertRaises(exception.DiskFull, space.require,
                                  188 * units.Mi + 1, '/', 'What failed.')
        self.assertEqual('What failed.', error.brief)
        for words in ('need 188 MiB', 'has 700 MiB', '512 stay in reserve'):
            self.assertIn(words, error.details)

    def test_never_less_than_nothing(self):
        self.free = 5
        self.assertEqual(0, space.room('/'))

    def test_holes_take_nothing(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(path, 'wb') as file:
            file.truncate(units.Gi)
        self.assertLess(space.content(path), units.Mi)
