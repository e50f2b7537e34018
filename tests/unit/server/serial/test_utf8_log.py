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


from nova_vmrun.server.serial import utf8_log
from tests.unit import base


class Utf8LogTestCase(base.TestCase):

    def test_letters_are_kept_whatever_is_asked_for(self):
        log = utf8_log.Utf8Log('Gr\u00fc\u00dfe'.encode())
        self.assertEqual('Gr\u00fc\u00dfe', log.decode('ascii', 'replace'))

    def test_invalid_utf8_is_replaced(self):
        self.assertEqual('a\ufffdb',
                         utf8_log.Utf8Log(b'a\xffb').decode('ascii'))
