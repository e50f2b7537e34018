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

"""The screen of a plain VM: colour bars, its name and its state.

Each pixel is a byte, an index of the palette, which is easy to convert to any
pixel format. The picture is clearly not blank.
"""

from __future__ import annotations

import struct
import zlib

from vmwarefake.guest import font

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

WIDTH = 640
HEIGHT = 400

#: Palette: black, white, and the six colours of the bars.
PALETTE = ((0, 0, 0), (255, 255, 255), (200, 60, 60), (220, 180, 40),
           (60, 170, 80), (50, 160, 200), (70, 80, 200), (160, 70, 180))
_BARS_HEIGHT = 96
_SCALE = 2


class Screen:
    """A text screen under colour bars.

    :param lines: the text; long lines are cut.
    """

    def __init__(self, lines: abc.Iterable[str] = ()) -> None:
        self.lines = list(lines)

    def pixels(self) -> bytes:
        """Return WIDTH * HEIGHT bytes, each an index of PALETTE."""
        bar = -(-WIDTH // 6)
        row = bytes(2 + x // bar for x in range(WIDTH))
        image = bytearray(row * _BARS_HEIGHT)
        image += bytes(WIDTH * (HEIGHT - _BARS_HEIGHT))
        room = (HEIGHT - _BARS_HEIGHT) // (font.HEIGHT * _SCALE) - 1
        top = _BARS_HEIGHT + font.HEIGHT
        for n, line in enumerate(self.lines[-room:]):
            self._draw(image, 16, top + n * font.HEIGHT * _SCALE, line)
        return bytes(image)

    @staticmethod
    def _draw(image: bytearray, left: int, top: int, text: str) -> None:
        fits = (WIDTH - left) // (font.WIDTH * _SCALE)
        for index, character in enumerate(text[:fits]):
            x = left + index * font.WIDTH * _SCALE
            for y, bits in enumerate(font.rows(character)):
                for column in range(5):
                    if bits & (16 >> column):
                        _dot(image, x + column * _SCALE, top + y * _SCALE)

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        pixels = self.pixels()
        raw = b''.join(b'\0' + pixels[y * WIDTH:(y + 1) * WIDTH]
                       for y in range(HEIGHT))
        palette = b''.join(bytes(colour) for colour in PALETTE)
        head = struct.pack('>IIBBBBB', WIDTH, HEIGHT, 8, 3, 0, 0, 0)
        return b'\x89PNG\r\n\x1a\n' + b''.join(
            _chunk(*part) for part in (
                (b'IHDR', head), (b'PLTE', palette),
                (b'IDAT', zlib.compress(raw)), (b'IEND', b'')))


def _dot(image: bytearray, x: int, y: int) -> None:
    for dy in range(_SCALE):
        start = (y + dy) * WIDTH + x
        image[start:start + _SCALE] = b'\1' * _SCALE


def _chunk(kind: bytes, data: bytes) -> bytes:
    return (struct.pack('>I', len(data)) + kind + data
            + struct.pack('>I', zlib.crc32(kind + data)))
