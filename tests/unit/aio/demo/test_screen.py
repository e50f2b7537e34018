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

import io
import struct
import zlib

from nova_vmrun.aio.demo import screen
from nova_vmrun.aio import errors
from tests.unit import base

_VERSION = b'RFB 003.008\n'
_NO_PASSWORD = b'\1\1' + struct.pack('>I', 0)


def _init(width, height):
    return struct.pack('>HH16xI', width, height, 4) + b'demo'


def _update(*rectangles):
    return struct.pack('>BxH', 0, len(rectangles)) + b''.join(rectangles)


def _rectangle(left, top, width, height, *colours, encoding=0):
    """A rectangle of pixels, each (red, green, blue)."""
    pixels = [bytes([blue, green, red, 0]) for red, green, blue in colours]
    return struct.pack('>HHHHi', left, top, width, height,
                       encoding) + b''.join(pixels)


class _Connection:
    """A VNC server with prepared answers; it keeps what it receives."""

    def __init__(self, answers):
        self.answers = io.BytesIO(answers)
        self.told = io.BytesIO()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.said = self.told.getvalue()

    def makefile(self, mode):
        return io.BufferedRWPair(self.answers, _Kept(self.told))


class _Kept(io.RawIOBase):
    """Passes on what is written, and is not closed with its reader."""

    def __init__(self, target):
        self._target = target

    def writable(self):
        return True

    def write(self, data):
        return self._target.write(data)


RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


class CaptureTestCase(base.TestCase):

    def capture(self, *answers):
        self.connection = _Connection(b''.join(answers))
        self.patch(screen.socket, 'create_connection',
                   lambda address, timeout: self.connection)
        return screen.capture('127.0.0.1', 5900)

    def refused(self, *answers):
        error = self.assertRaises(errors.AioError, self.capture, *answers)
        self.assertEqual('The screen at 127.0.0.1:5900 cannot be seen.',
                         error.brief)
        return error.details

    def test_rectangles_make_the_picture(self):
        picture = self.capture(
            _VERSION, _NO_PASSWORD, _init(2, 2), b'\2',
            _update(_rectangle(0, 1, 2, 1, BLUE, BLACK)),
            _update(_rectangle(1, 0, 1, 1, GREEN),
                    _rectangle(0, 0, 1, 1, RED)))

        self.assertEqual(bytes(RED + GREEN + BLUE + BLACK), picture.pixels)
        self.assertEqual((2, 2, 4),
                         (picture.width, picture.height, picture.colours))

    def test_whole_screen_is_requested_in_true_colour(self):
        self.capture(_VERSION, _NO_PASSWORD, _init(1, 1),
                     _update(_rectangle(0, 0, 1, 1, RED)))

        self.assertEqual(
            _VERSION + b'\1\1'
            b'\0\0\0\0' b'\x20\x18\0\1\0\xff\0\xff\0\xff\x10\x08\0\0\0\0'
            b'\2\0\0\1\0\0\0\0'
            b'\3\0\0\0\0\0\0\1\0\1', self.connection.said)

    def test_messages_without_a_picture_are_skipped(self):
        picture = self.capture(
            _VERSION, _NO_PASSWORD, _init(1, 1),
            b'\1\0\0\0\0\1' + b'\0' * 6, b'\3\0\0\0\0\0\0\2hi',
            _update(_rectangle(0, 0, 1, 1, RED)))
        self.assertEqual(bytes(RED), picture.pixels)

    def test_server_that_wants_a_password(self):
        self.assertIn('password', self.refused(_VERSION, b'\1\2'))

    def test_refusal_has_the_reason_of_the_server(self):
        self.assertIn('Too many connections', self.refused(
            _VERSION, b'\0', struct.pack('>I', 20), b'Too many connections'))

    def test_connection_that_ends_too_early(self):
        self.assertIn('hung up', self.refused(
            _VERSION, _NO_PASSWORD, _init(1, 1),
            _update(_rectangle(0, 0, 1, 1))))

    def test_rectangle_beyond_the_screen_is_refused(self):
        self.assertIn('not asked for', self.refused(
            _VERSION, _NO_PASSWORD, _init(1, 1),
            _update(_rectangle(1, 0, 1, 1, RED))))

    def test_screen_beyond_reason_is_refused(self):
        self.assertIn('65535 x 65535', self.refused(
            _VERSION, _NO_PASSWORD, _init(65535, 65535)))

    def test_nobody_there(self):
        def refuse(address, timeout):
            raise ConnectionRefusedError(111, 'Connection refused')

        self.patch(screen.socket, 'create_connection', refuse)
        error = self.assertRaises(errors.AioError, screen.capture,
                                  '127.0.0.1', 5900)
        self.assertIn('Connection refused', error.details)


class PictureTestCase(base.TestCase):

    def test_png(self):
        png = screen.Picture(1, 2, bytes(RED + BLUE)).png()

        self.assertTrue(png.startswith(b'\x89PNG\r\n\x1a\n'))
        chunks, at = {}, 8
        while at < len(png):
            length, name = struct.unpack('>I4s', png[at:at + 8])
            content = png[at + 8:at + 8 + length]
            check, = struct.unpack('>I', png[at + 8 + length:][:4])
            self.assertEqual(zlib.crc32(name + content), check)
            chunks[name] = content
            at += 12 + length
        self.assertEqual(struct.pack('>IIBBBBB', 1, 2, 8, 2, 0, 0, 0),
                         chunks[b'IHDR'])
        self.assertEqual(b'\0' + bytes(RED) + b'\0' + bytes(BLUE),
                         zlib.decompress(chunks[b'IDAT']))
        self.assertEqual([b'IHDR', b'IDAT', b'IEND'], list(chunks))

    def test_blank_screen_has_one_colour(self):
        self.assertEqual(1, screen.Picture(2, 2, bytes(12)).colours)

    def test_scaled_down_to_fit(self):
        picture = screen.Picture(3, 2, bytes(RED + BLUE) * 3)
        self.assertIs(picture, picture.scaled_down(3))
        found = picture.scaled_down(2)
        self.assertEqual((2, 1), (found.width, found.height))
        self.assertEqual((127, 0, 127), tuple(found.pixels[:3]))
