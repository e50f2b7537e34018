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

"""A 5x7 bitmap font: digits, capitals and a little punctuation."""

from __future__ import annotations

WIDTH = 6           # with one column of space
HEIGHT = 9

#: Seven rows of five bits each, as hexadecimal.
_ROWS = {
    'A': '0e11111f111111', 'B': '1e11111e11111e', 'C': '0e11101010110e',
    'D': '1e11111111111e', 'E': '1f10101e10101f', 'F': '1f10101e101010',
    'G': '0e11101711110f', 'H': '1111111f111111', 'I': '0e04040404040e',
    'J': '0702020202120c', 'K': '11121418141211', 'L': '1010101010101f',
    'M': '111b1515111111', 'N': '11191513111111', 'O': '0e11111111110e',
    'P': '1e11111e101010', 'Q': '0e11111115120d', 'R': '1e11111e141211',
    'S': '0f10100e01011e', 'T': '1f040404040404', 'U': '1111111111110e',
    'V': '11111111110a04', 'W': '1111111515150a', 'X': '11110a040a1111',
    'Y': '11110a04040404', 'Z': '1f01020408101f', '0': '0e11131519110e',
    '1': '040c040404040e', '2': '0e11010204081f', '3': '1f02040201110e',
    '4': '02060a121f0202', '5': '1f101e0101110e', '6': '0608101e11110e',
    '7': '1f010204080808', '8': '0e11110e11110e', '9': '0e11110f01020c',
    '.': '000000000c0c00', ',': '0000000c040800', ':': '000c0c000c0c00',
    '-': '0000001f000000', '_': '0000000000001f', '/': '01010204081010',
    '(': '02040808080402', ')': '08040202020408', '=': '00001f001f0000',
    '+': '0004041f040400', '>': '08040201020408', '#': '0a0a1f0a1f0a0a',
    '@': '0e11171517100f', '?': '0e110102040004', ' ': '00000000000000',
}


def rows(character: str) -> list[int]:
    """Return seven ints, the leftmost pixel in bit 4; ? for the unknown."""
    text = _ROWS.get(character.upper(), _ROWS['?'])
    return [int(text[n:n + 2], 16) for n in range(0, 14, 2)]
