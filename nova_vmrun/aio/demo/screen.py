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

"""A picture of a server's screen, taken over VNC like a console's.

The protocol is RFC 6143, reduced to a single request for all pixels.
"""

import dataclasses
import io
import socket
import struct
from typing import Any
import zlib

from nova_vmrun.aio import errors

_VERSION = b'RFB 003.008\n'
_SECURITY_NONE = 1
_SHARED = b'\1'
# True colour with 32 bits per pixel, of which 24 are used. Little-endian, each
# colour is 0 to 255, and blue is in the lowest byte.
_PIXEL_FORMAT = struct.pack('>BBBBHHHBBB3x', 32, 24, 0, 1, 255, 255, 255,
                            16, 8, 0)
_PIXEL = 4
_RAW = 0
_SET_PIXEL_FORMAT, _SET_ENCODINGS, _UPDATE_REQUEST = 0, 2, 3
_UPDATE, _COLOUR_MAP, _BELL, _CUT_TEXT = 0, 1, 2, 3
_MAX_SIDE = 8192

_Stream = io.BufferedRWPair


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a screen shows.

    :ivar width: pixels
    :ivar height: pixels
    :ivar pixels: one byte each of red, green and blue, row by row
    """
    width: int
    height: int
    pixels: bytes

    @property
    def colours(self) -> int:
        """The number of different colours; a blank screen has one."""
        return len(set(zip(self.pixels[0::3], self.pixels[1::3],
                           self.pixels[2::3])))

    def average(self, left: int, top: int,
                side: int) -> tuple[int, int, int]:
        """Return the colour of a square; black below the picture."""
        right = min(left + side, self.width)
        rows = [self.pixels[3 * (row * self.width + left):
                            3 * (row * self.width + right)]
                for row in range(top, min(top + side, self.height))]
        count = len(rows) * (right - left)
        if not count:
            return 0, 0, 0
        red, green, blue = (sum(sum(row[colour::3]) for row in rows) // count
                            for colour in range(3))
        return red, green, blue

    def scaled_down(self, width: int) -> 'Picture':
        """Return the picture, or a smaller one that fits.

        :param width: pixels at most
        """
        side = max(1, -(-self.width // width))
        if side == 1:
            return self
        lefts, tops = range(0, self.width, side), range(0, self.height, side)
        return Picture(len(lefts), len(tops), bytes(
            value for top in tops for left in lefts
            for value in self.average(left, top, side)))

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        row = self.width * 3
        rows = b''.join(
            # A row begins with its filter type; 0 is none.
            b'\0' + self.pixels[start:start + row]
            for start in range(0, len(self.pixels), row))
        header = struct.pack('>IIBBBBB', self.width, self.height, 8, 2, 0, 0,
                             0)
        return (b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', header)
                + _chunk(b'IDAT', zlib.compress(rows)) + _chunk(b'IEND', b''))


def capture(host: str, port: int, timeout: float = 30) -> Picture:
    """Take a picture of a screen.

    :param host: address of a VNC server without a password
    :param port: its TCP port
    :param timeout: seconds to wait for each answer
    :raises AioError: no VNC server answers, or it asks for something else
    """
    try:
        with socket.create_connection((host, port), timeout) as sock:
            with sock.makefile('rwb') as stream:
                return _capture(stream)
    except (OSError, EOFError) as error:
        raise errors.AioError(
            'The screen at %s:%d cannot be seen.' % (host, port),
            '%s.' % error) from error


def _capture(stream: _Stream) -> Picture:
    width, height = _shake_hands(stream)
    stream.write(struct.pack('>B3x', _SET_PIXEL_FORMAT) + _PIXEL_FORMAT)
    stream.write(struct.pack('>BxHi', _SET_ENCODINGS, 1, _RAW))
    stream.write(struct.pack('>BBHHHH', _UPDATE_REQUEST, 0, 0, 0, width,
                             height))
    stream.flush()
    return Picture(width, height, _read_pixels(stream, width, height))


def _shake_hands(stream: _Stream) -> tuple[int, int]:
    """Negotiate the protocol.

    :returns: width and height in pixels
    """
    _read(stream, len(_VERSION))
    stream.write(_VERSION)
    stream.flush()
    count, = _read(stream, 1)
    if not count:
        raise EOFError('It refuses: %s' % _read_text(stream))
    if _SECURITY_NONE not in _read(stream, count):
        raise EOFError('It wants a password')
    stream.write(bytes([_SECURITY_NONE]))
    stream.flush()
    if _unpack(stream, '>I') != (0,):
        raise EOFError('It refuses: %s' % _read_text(stream))
    stream.write(_SHARED)
    stream.flush()
    width, height = _unpack(stream, '>HH16x')
    _read_text(stream)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise EOFError('It has %d x %d pixels' % (width, height))
    return width, height


def _read_pixels(stream: _Stream, width: int, height: int) -> bytes:
    pixels = bytearray(width * height * 3)
    missing = width * height
    while missing > 0:
        kind, = _read(stream, 1)
        if kind == _UPDATE:
            count, = _unpack(stream, '>xH')
            for _ in range(count):
                missing -= _read_rectangle(stream, pixels, width, height)
        elif kind == _COLOUR_MAP:
            count, = _unpack(stream, '>3xH')
            _read(stream, count * 6)
        elif kind == _CUT_TEXT:
            _read(stream, 3)
            _read_text(stream)
        elif kind != _BELL:
            raise EOFError('It sent a message of the unknown kind %d' % kind)
    return bytes(pixels)


def _read_rectangle(stream: _Stream, pixels: bytearray, width: int,
                    height: int) -> int:
    """Copy a rectangle into the picture.

    :returns: the number of its pixels
    """
    left, top, columns, rows, encoding = _unpack(stream, '>HHHHi')
    if (encoding != _RAW or left + columns > width or top + rows > height):
        raise EOFError('It sent a rectangle that was not asked for')
    for row in range(top, top + rows):
        line = _read(stream, columns * _PIXEL)
        start = (row * width + left) * 3
        for colour in range(3):
            # The server sends blue first; the picture has it last.
            pixels[start + colour:start + columns * 3:3] = line[2 - colour::4]
    size: int = columns * rows
    return size


def _read(stream: _Stream, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError('It has hung up')
    return found


def _unpack(stream: _Stream, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, _read(stream, struct.calcsize(form)))


def _read_text(stream: _Stream) -> str:
    length, = _unpack(stream, '>I')
    return _read(stream, length).decode('latin-1')


def _chunk(name: bytes, content: bytes) -> bytes:
    return (struct.pack('>I', len(content)) + name + content
            + struct.pack('>I', zlib.crc32(name + content)))
