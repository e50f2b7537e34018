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


from nova.compute import manager

from nova_vmrun.aio import console_text
from nova_vmrun.server.serial import utf8_log
from tests.unit.aio import base


class ConsoleTextTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.patch(manager.ComputeManager, '_tail_log',
                   manager.ComputeManager._tail_log)

    def tail(self, text, lines):
        log = utf8_log.Utf8Log(text.encode())
        return manager.ComputeManager._tail_log(
            None, log, lines).decode('ascii', 'replace')

    def test_last_lines_would_lose_their_letters(self):
        self.assertNotEqual('\u00fc', self.tail('a\n\u00fc', 1))

    def test_last_lines_keep_their_letters(self):
        console_text.install()
        console_text.install()
        self.assertEqual('b\n\u00fc', self.tail('a\nb\n\u00fc', 2))
