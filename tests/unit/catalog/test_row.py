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

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import row
from tests.unit.machine import base


class RefusedTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.row = row.Refused(image=('x',), about='No.', harmless=(0,),
                               kind=kinds.Integer(0, 9))

    def test_a_harmless_value(self):
        self.assertTrue(self.row.accepts('x', ' 0 '))

    def test_other_values(self):
        for text in ('1', '10', 'nonsense', ''):
            self.assertFalse(self.row.accepts('x', text))

    def test_any_text_is_refused_by_default(self):
        self.assertFalse(row.Refused(about='No.').accepts('x', '0'))
