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


"""A picture in sixel graphics, as DEC's terminals had them and xterm has.

A sixel is a column of six pixels of one colour. A band of sixels is drawn once
for each of its colours.
"""

import itertools

from nova_vmrun.aio.demo import screen

_BEGIN, _END = '\x1bPq', '\x1b\\'
_BAND = 6
# The character of a sixel without pixels.
_EMPTY = 0x3f
# Screens of text have few colours. Pictures with more than a terminal has get
# this many steps of each of red, green and blue.
_MOST_COLOURS = 256
_STEPS = 6
# A repetition is written as such if that is shorter.
_REPEATED = 4

_Colour = tuple[int, int, int]


def line(picture: screen.Picture) -> str:
    """Return a picture as a text for a terminal."""
    pixels = _colours(picture)
    palette = {colour: number for number, colour in enumerate(
        dict.fromkeys(pixels))}
    text = '%s"1;1;%d;%d' % (_BEGIN, picture.width, picture.height)
    for (red, green, blue), number in palette.items():
        text += '#%d;2;%d;%d;%d' % (
            number, *(_percent(value) for value in (red, green, blue)))
    width = picture.width
    for top in range(0, picture.height, _BAND):
        rows = [pixels[row * width:(row + 1) * width]
                for row in range(top, min(top + _BAND, picture.height))]
        text += _band(rows, palette) + '-'
    return text + _END


def _colours(picture: screen.Picture) -> list[_Colour]:
    """Return the colour of each pixel, from a palette that a terminal has."""
    found = list(zip(picture.pixels[0::3], picture.pixels[1::3],
                     picture.pixels[2::3]))
    if len(set(found)) <= _MOST_COLOURS:
        return found
    step = 255 // (_STEPS - 1)
    nearest = [round(value / step) * step for value in range(256)]
    return [(nearest[red], nearest[green], nearest[blue])
            for red, green, blue in found]


def _percent(value: int) -> int:
    return round(value * 100 / 255)


def _band(rows: list[list[_Colour]], palette: dict[_Colour, int]) -> str:
    """Return up to six rows of pixels."""
    bits: dict[_Colour, list[int]] = {}
    width = len(rows[0])
    for number, row in enumerate(rows):
        for column, colour in enumerate(row):
            if colour not in bits:
                bits[colour] = [0] * width
            bits[colour][column] |= 1 << number
    return '$'.join('#%d%s' % (palette[colour], _sixels(columns))
                    for colour, columns in bits.items())


def _sixels(columns: list[int]) -> str:
    text = ''
    for bits, same in itertools.groupby(columns):
        count = len(list(same))
        character = chr(_EMPTY + bits)
        text += ('!%d%s' % (count, character) if count >= _REPEATED
                 else character * count)
    return text
