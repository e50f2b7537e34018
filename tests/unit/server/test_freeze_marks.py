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

from nova_vmrun.host import files
from nova_vmrun.server import freeze_marks
from tests.unit.ops import hosts

UUID = hosts.UUID


class FreezeMarksTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)
        self.marks = freeze_marks.FreezeMarks(self.layout)

    def test_there_and_back(self):
        self.assertFalse(self.marks.is_marked(UUID))
        self.marks.mark(UUID)
        self.assertTrue(self.marks.is_marked(UUID))
        self.marks.unmark(UUID)
        self.assertFalse(self.marks.is_marked(UUID))
        self.marks.unmark(UUID)

    def test_a_mark_of_another_process(self):
        files.write_atomically(self.layout.frozen(UUID), '[1, 5.0]')
        self.assertFalse(self.marks.is_marked(UUID))

    def test_a_vm_that_has_ended(self):
        self.vmrun.running.clear()
        self.marks.mark(UUID)
        self.assertTrue(os.path.exists(self.layout.frozen(UUID)))
        self.assertFalse(self.marks.is_marked(UUID))

    def test_damaged_marks(self):
        for text in ('', '{', 'null', '[1]', '5'):
            files.write_atomically(self.layout.frozen(UUID), text)
            self.assertFalse(self.marks.is_marked(UUID))
