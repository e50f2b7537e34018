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

from unittest import mock

from nova_vmrun.aio.demo import half_blocks
from nova_vmrun.aio.demo import screen
from tests.unit import base

_RED, _BLUE = bytes((255, 0, 0)), bytes((0, 0, 255))


class HalfBlocksTestCase(base.TestCase):

    def test_two_pixels_in_a_character(self):
        self.assertEqual(
            ['\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m\u2580\x1b[0m'],
            half_blocks.lines(screen.Picture(1, 2, _RED + _BLUE), 80))

    def test_scaled_down(self):
        lines = half_blocks.lines(
            screen.Picture(100, 60, (_RED + _BLUE) * 3000), 50)
        self.assertEqual((15, {50}), (len(lines), {
            line.count('\u2580') for line in lines}))
        self.assertIn('\x1b[38;2;127;0;127m', lines[0])

    def test_odd_sizes(self):
        lines = half_blocks.lines(screen.Picture(3, 3, _RED * 9), 2)
        self.assertEqual([2], [line.count('\u2580') for line in lines])
        self.assertIn('\x1b[48;2;255;0;0m', lines[0])

    def test_nothing_below_the_picture(self):
        line, = half_blocks.lines(screen.Picture(1, 1, _RED), 80)
        self.assertIn('\x1b[48;2;0;0;0m', line)

    def test_terminals(self):
        for is_terminal, environ, encoding, expected in (
                (True, {'COLORTERM': 'truecolor'}, 'utf-8', True),
                (True, {'COLORTERM': 'truecolor'}, 'latin-1', False),
                (True, {}, 'utf-8', False),
                (False, {'COLORTERM': 'truecolor'}, 'utf-8', False)):
            stream = mock.Mock(encoding=encoding,
                               isatty=lambda value=is_terminal: value)
            self.assertIs(expected, half_blocks.are_shown(stream, environ))
