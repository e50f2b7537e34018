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

import sys
import xml.etree.ElementTree

from tests.unit import base
from tools import terminal_picture


class RecordTestCase(base.TestCase):

    def record(self, code):
        return terminal_picture.record([sys.executable, '-c', code], 70)

    def test_command_has_a_terminal(self):
        status, output = self.record(
            'import os; print(os.isatty(1), os.get_terminal_size().columns)')
        self.assertEqual((0, 'True 70\r\n'), (status, output))

    def test_status_of_the_command_is_returned(self):
        self.assertEqual(3, self.record('raise SystemExit(3)')[0])


class SelectTestCase(base.TestCase):

    LINES = ['start', 'one', 'two', 'three', 'one', 'end']

    def test_all_is_kept_by_default(self):
        self.assertEqual(self.LINES, terminal_picture.select(self.LINES, []))

    def test_parts_are_joined_by_dots(self):
        self.assertEqual(
            ['start', 'one', '...', 'three', '...', 'end'],
            terminal_picture.select(self.LINES, [
                ('st', 'st'), ('on', 'on'), ('thr', 'thr'), ('end', 'end')]))

    def test_line_that_is_not_there_is_an_error(self):
        self.assertRaises(ValueError, terminal_picture.select,
                          self.LINES, [('four', 'end')])


class DrawTestCase(base.TestCase):

    def test_picture_has_the_text_and_its_colours(self):
        picture = terminal_picture.draw(
            '\x1b[38;2;1;2;3mred\x1b[0m <plain>', 40)
        xml.etree.ElementTree.fromstring(picture)
        self.assertIn('#010203', picture)
        self.assertNotIn('url("http', picture)
        self.assertIn('&lt;plain&gt;', picture.replace('&#160;', ' '))
