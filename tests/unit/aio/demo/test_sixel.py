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
import re

from nova_vmrun.aio.demo import screen
from nova_vmrun.aio.demo import sixel
from tests.unit import base

_WORD = re.compile(r'#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])'
                   r'|([$])|(-)')
_HEAD = re.compile('\x1bPq"1;1;([0-9]+);([0-9]+)(.*)\x1b\\\\', re.DOTALL)


def draw(text):
    """Return the size and the pixels, as a terminal draws them."""
    width, height, body = _HEAD.fullmatch(text).groups()
    palette, pixels, colour, left, top = {}, {}, None, 0, 0
    end = 0
    for word in _WORD.finditer(body):
        assert word.start() == end, body[end:word.start()]
        end = word.end()
        defined, *levels, chosen, count, repeated, single, back, down = (
            word.groups())
        if defined:
            palette[defined] = tuple(round(int(level) * 255 / 100)
                                     for level in levels)
        elif chosen:
            colour = palette[chosen]
        elif back or down:
            left, top = 0, top + (6 if down else 0)
        else:
            for _ in range(int(count or 1)):
                for row in range(6):
                    if ord(repeated or single) - 63 & 1 << row:
                        assert (left, top + row) not in pixels
                        pixels[left, top + row] = colour
                left += 1
    assert end == len(body)
    return int(width), int(height), pixels


class LineTestCase(base.TestCase):

    def check(self, picture, tolerance):
        text = sixel.line(picture)
        self.assertNotIn('\n', text)
        width, height, pixels = draw(text)
        self.assertEqual((picture.width, picture.height), (width, height))
        self.assertEqual({(left, top) for left in range(width)
                          for top in range(height)}, set(pixels))
        for (left, top), colour in pixels.items():
            start = 3 * (top * width + left)
            for found, meant in zip(colour,
                                    picture.pixels[start:start + 3]):
                self.assertLessEqual(abs(found - meant), tolerance)
        return text

    def test_few_colours(self):
        black, grey = bytes(3), bytes((170, 170, 170))
        text = self.check(screen.Picture(
            40, 13, (black * 30 + grey * 10) * 13), 1)
        self.assertIn('!30~', text)
        self.assertEqual(2, len(re.findall('#[0-9]+;2;', text)))

    def test_more_colours_than_a_terminal_has(self):
        text = self.check(screen.Picture(40, 20, os.urandom(2400)), 26)
        self.assertLessEqual(len(re.findall('#[0-9]+;2;', text)), 216)

    def test_one_pixel(self):
        self.check(screen.Picture(1, 1, b'\xff\0\0'), 1)
