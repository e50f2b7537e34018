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

"""An RFB server of versions 3.3, 3.7 and 3.8.

It does no I/O: bytes go in with :meth:`Client.receive` and come out in
:attr:`Client.out`. Security is None, or VNC authentication with a password.
"""

from __future__ import annotations

import os
import struct

from vmwarefake.guest import des
from vmwarefake.guest import screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Literal

VERSION = b'RFB 003.008\n'
_NONE = 1
_VNC = 2
_PIXEL_FORMAT = struct.Struct('>BBBBHHHBBB3x')
_DEFAULT_FORMAT = (32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_MAX_BUFFER = 1 << 20


class Closed(Exception):
    """The connection must be closed after ``out`` is sent."""


class Client:
    """One viewer.

    :param password: None for no security.
    :param display: returns the pixels of the screen.
    :param name: name of the desktop.
    :param typed: called with the keysym of each key pressed.
    """

    def __init__(self, password: bytes | None,
                 display: abc.Callable[[], bytes], name: str,
                 typed: abc.Callable[[int], None]) -> None:
        self.out = bytearray(VERSION)
        self._password = password
        self._display = display
        self._name = name.encode('utf-8', 'replace')
        self._typed = typed
        self._in = bytearray()
        self._step = self._version
        self._minor = 8
        self._challenge = b''
        self._format = _DEFAULT_FORMAT
        self._waiting = False

    def receive(self, data: bytes) -> None:
        """Process input.

        :raises Closed: if the connection must end.
        """
        self._in += data
        if len(self._in) > _MAX_BUFFER:
            raise Closed()
        while self._step():
            pass

    def _take(self, size: int) -> bytes | None:
        """Remove and return ``size`` bytes of input, None if too few."""
        return self._cut(size) if len(self._in) >= size else None

    def _cut(self, size: int) -> bytes:
        """Remove and return ``size`` bytes of input, which must be there."""
        data = bytes(self._in[:size])
        del self._in[:size]
        return data

    # -- handshake -------------------------------------------------------

    def _version(self) -> bool:
        data = self._take(12)
        if data is None:
            return False
        if not data.startswith(b'RFB 003.'):
            raise Closed()
        minor = int(data[8:11]) if data[8:11].isdigit() else 3
        self._minor = 8 if minor >= 8 else 7 if minor == 7 else 3
        kind = _NONE if self._password is None else _VNC
        if self._minor == 3:
            self.out += struct.pack('>I', kind)
            self._security(kind)
        else:
            self.out += bytes((1, kind))
            self._step = self._choice
        return True

    def _choice(self) -> bool:
        data = self._take(1)
        if data is None:
            return False
        kind = _NONE if self._password is None else _VNC
        if data[0] != kind:
            self._refuse('No such security type')
        self._security(kind)
        return True

    def _security(self, kind: int) -> None:
        if kind == _VNC:
            self._challenge = os.urandom(16)
            self.out += self._challenge
            self._step = self._response
        else:
            if self._minor == 8:
                self.out += struct.pack('>I', 0)
            self._step = self._client_init

    def _response(self) -> bool:
        data = self._take(16)
        if data is None:
            return False
        if data != des.vnc_response(self._password or b'', self._challenge):
            self._refuse('Authentication failed')
        self.out += struct.pack('>I', 0)
        self._step = self._client_init
        return True

    def _refuse(self, reason: str) -> None:
        self.out += struct.pack('>I', 1)
        if self._minor == 8:
            self.out += struct.pack('>I', len(reason)) + reason.encode()
        raise Closed()

    def _client_init(self) -> bool:
        if self._take(1) is None:
            return False
        self.out += struct.pack('>HH', screen.WIDTH, screen.HEIGHT)
        self.out += _PIXEL_FORMAT.pack(*_DEFAULT_FORMAT)
        self.out += struct.pack('>I', len(self._name)) + self._name
        self._step = self._message
        return True

    # -- messages --------------------------------------------------------

    def _message(self) -> bool:
        if not self._in:
            return False
        kind = self._in[0]
        handlers = {0: (20, self._set_format), 2: (4, self._set_encodings),
                    3: (10, self._update_request), 4: (8, self._key),
                    5: (6, self._ignore), 6: (8, self._cut_text)}
        if kind not in handlers:
            raise Closed()
        size, handler = handlers[kind]
        if len(self._in) < size:
            return False
        return handler(size)

    def _ignore(self, size: int) -> bool:
        self._take(size)
        return True

    def _set_format(self, size: int) -> bool:
        self._format = _PIXEL_FORMAT.unpack(self._cut(size)[4:20])
        return True

    def _set_encodings(self, size: int) -> bool:
        count = struct.unpack('>H', self._in[2:4])[0]
        return self._take(size + 4 * count) is not None

    def _cut_text(self, size: int) -> bool:
        length = struct.unpack('>I', self._in[4:8])[0]
        if length > _MAX_BUFFER:
            raise Closed()
        return self._take(size + length) is not None

    def _key(self, size: int) -> bool:
        down, keysym = struct.unpack('>xB2xI', self._cut(size))
        if down:
            self._typed(keysym)
        return True

    def _update_request(self, size: int) -> bool:
        incremental = self._cut(size)[1]
        if incremental:
            self._waiting = True
        else:
            self._send_screen()
        return True

    def changed(self) -> None:
        """Send the changed screen to the client if it has asked."""
        if self._waiting:
            self._send_screen()

    def _send_screen(self) -> None:
        self._waiting = False
        self.out += struct.pack('>BxH', 0, 1)
        self.out += struct.pack('>HHHHi', 0, 0, screen.WIDTH, screen.HEIGHT,
                                0)
        self.out += self._convert(self._display())

    def _convert(self, pixels: bytes) -> bytes:
        """Convert palette indexes to the pixel format of the client (Raw)."""
        (bits, _, big_endian, true_colour, red_max, green_max, blue_max,
         red_shift, green_shift, blue_shift) = self._format
        if not true_colour or bits not in (8, 16, 32):
            raise Closed()
        order: Literal['big', 'little'] = 'big' if big_endian else 'little'
        # noVNC 1.3 treats bits that no colour uses as opacity.
        unused = ((1 << bits) - 1) & ~(
            red_max << red_shift | green_max << green_shift
            | blue_max << blue_shift)
        table = []
        for red, green, blue in screen.PALETTE:
            value = ((red * red_max // 255) << red_shift
                     | (green * green_max // 255) << green_shift
                     | (blue * blue_max // 255) << blue_shift
                     | unused)
            table.append((value & (1 << bits) - 1).to_bytes(bits // 8,
                                                            order))
        return b''.join([table[pixel] for pixel in pixels])
