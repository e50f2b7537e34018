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

from nova_vmrun.aio import errors
from nova_vmrun.cluster import names
from tests.unit import base


class NamesTestCase(base.TestCase):

    def test_usual_names(self):
        for name in ('a', 'lab-2', 'lab2.example.com', '7', 'x' * 63):
            names.check(name)

    def test_hostile_names(self):
        for name in ('', '-oProxyCommand=id', 'a b', 'a"b', "a'b", 'a\nb',
                     'a\n', 'A', 'a/b', '../a', 'a..b', 'a.', 'a,b', 'x' * 64,
                     'a$b', 'a`b', 'a;b', '\u00e4', 'a%n', 'a\x00b', '*'):
            error = self.assertRaises(errors.AioError, names.check, name)
            self.assertIn('Choose one of lower-case letters', str(error))

    def test_users(self):
        for name in ('tester', 'jane.doe', '_x', 'a-b'):
            self.assertTrue(names.is_user(name), name)
        for name in ('', '-l', 'a b', 'a@b', 'a%b', 'DOMAIN\\a', 'a\n',
                     'x' * 33, 'Jane'):
            self.assertFalse(names.is_user(name), name)
