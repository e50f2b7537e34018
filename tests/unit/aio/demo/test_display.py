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

from nova_vmrun.aio.demo import display
from nova_vmrun.aio.demo import kitty
from nova_vmrun.aio.demo import screen
from tests.unit import base

_XTERM = b'\x1b[?64;1;2;6;9;15;18;21;22c'
_WITH_SIXEL = b'\x1b[?62;4;22c'
_COLOURS = {'TERM': 'xterm-256color', 'COLORTERM': 'truecolor'}
_KITTY = {'TERM': 'xterm-kitty', 'COLORTERM': 'truecolor'}


class FindTestCase(base.TestCase):

    def find(self, environ, answer=b'', is_terminal=True, encoding='utf-8'):
        """Returns how pictures are shown, and the question."""
        asked = []

        def ask(asked_stream, query, is_complete):
            self.assertIs(stream, asked_stream)
            asked.append(query)
            self.assertFalse(is_complete(answer[:-1]))
            self.assertEqual(bool(answer), is_complete(answer))
            return answer

        stream = mock.Mock(encoding=encoding, isatty=lambda: is_terminal)
        return display.find(stream, environ, ask), b''.join(asked)

    def test_kitty(self):
        self.assertEqual(
            (display.Graphics.KITTY, kitty.QUERY + b'\x1b[c'),
            self.find(_KITTY, kitty.OK + _XTERM))

    def test_hints_of_terminals_like_kitty(self):
        for name, value in (
                ('TERM_PROGRAM', 'WezTerm'), ('TERM', 'xterm-ghostty'),
                ('KITTY_WINDOW_ID', '1'), ('KONSOLE_VERSION', '230805')):
            self.assertIn(kitty.QUERY, self.find(
                {**_COLOURS, name: value}, _XTERM)[1])

    def test_kitty_behind_a_program_that_does_not_pass_pictures_on(self):
        self.assertEqual(display.Graphics.HALF_BLOCKS, self.find(
            {**_COLOURS, 'TERM': 'tmux-256color', 'KITTY_WINDOW_ID': '1'},
            b'\x1b[?1;2c')[0])

    def test_sixel(self):
        self.assertEqual((display.Graphics.SIXEL, b'\x1b[c'),
                         self.find({'TERM': 'xterm'}, _WITH_SIXEL))

    def test_first_attribute_is_no_ability(self):
        self.assertEqual(display.Graphics.NONE, self.find(
            {'TERM': 'vt132'}, b'\x1b[?4;6c')[0])

    def test_half_blocks(self):
        for answer in (_XTERM, b''):
            self.assertEqual(display.Graphics.HALF_BLOCKS,
                             self.find(_COLOURS, answer)[0])
        self.assertEqual(display.Graphics.NONE, self.find(
            _COLOURS, _XTERM, encoding='latin-1')[0])
        self.assertEqual(display.Graphics.NONE, self.find(
            {'TERM': 'xterm'}, _XTERM)[0])

    def test_nobody_is_asked(self):
        for environ, is_terminal in (
                (_KITTY, False), ({**_COLOURS, 'TERM': 'dumb'}, True),
                ({'COLORTERM': 'truecolor'}, True)):
            self.assertEqual(
                (display.Graphics.NONE, b''),
                self.find(environ, kitty.OK + _WITH_SIXEL, is_terminal))


class LinesTestCase(base.TestCase):

    picture = screen.Picture(4, 2, bytes(24))

    def lines(self, graphics, width=640):
        return display.lines(self.picture, graphics, 2, width)

    def test_each_way(self):
        self.assertEqual([], self.lines(display.Graphics.NONE))
        self.assertIn('\x1bPq"1;1;4;2', *self.lines(display.Graphics.SIXEL))
        line, = self.lines(display.Graphics.KITTY)
        self.assertNotIn('c=', line)
        line, = self.lines(display.Graphics.HALF_BLOCKS)
        self.assertEqual(2, line.count('\u2580'))

    def test_too_wide_for_the_terminal(self):
        self.assertIn('"1;1;2;1', *self.lines(display.Graphics.SIXEL, 3))
        self.assertIn('c=2,', *self.lines(display.Graphics.KITTY, 3))
