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


"""Questions to the terminal that the demo runs in."""

from collections.abc import Callable
import fcntl
import os
import select
import struct
import termios
import time
from typing import TextIO

_PATH = '/dev/tty'
# Terminals answer at once, but perhaps at the other end of a slow ssh.
_SECONDS = 1.0
# A terminal that answers more than this is not answering the question.
_MOST = 4096
# If a terminal does not say how large its characters are.
_PIXELS_OF_A_COLUMN = 8


def ask(stream: TextIO, query: bytes, is_complete: Callable[[bytes], bool],
        seconds: float = _SECONDS) -> bytes:
    """Return what the terminal answers, as far as it has come in time.

    Nothing is shown meanwhile, and no answer is left for the shell to read. A
    program in the background or without a terminal asks nothing, and neither
    does one whose user is typing.

    :param stream: what is to be shown there; if that is not the terminal that
        the program is controlled from, nothing is asked
    :param query: what the terminal takes for a question
    :param is_complete: returns whether an answer is complete
    :param seconds: to wait at most
    """
    try:
        # For other terminals than the controlling one, this is an error.
        if os.tcgetpgrp(stream.fileno()) != os.getpgrp():
            return b''
        terminal = os.open(_PATH, os.O_RDWR | os.O_NOCTTY)
    except (OSError, ValueError):
        return b''
    try:
        before = termios.tcgetattr(terminal)
        when = termios.TCSADRAIN
        try:
            _silence(terminal)
            if select.select([terminal], [], [], 0)[0]:
                return b''
            # From here on, discard what has not been read: a late answer.
            when = termios.TCSAFLUSH
            return _exchange(terminal, query, is_complete, seconds)
        finally:
            termios.tcsetattr(terminal, when, before)
    except (OSError, termios.error):
        return b''
    finally:
        os.close(terminal)


def _silence(terminal: int) -> None:
    """Turn echo and the wait for a line end off."""
    mode = termios.tcgetattr(terminal)
    mode[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSADRAIN, mode)


def _exchange(terminal: int, query: bytes,
              is_complete: Callable[[bytes], bool], seconds: float) -> bytes:
    os.write(terminal, query)
    answer = b''
    end = time.monotonic() + seconds
    while not is_complete(answer) and len(answer) < _MOST:
        left = end - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            break
        part = os.read(terminal, _MOST)
        if not part:
            break
        answer += part
    return answer


def width(stream: TextIO, columns: int) -> int:
    """Return the width of a terminal in pixels.

    :param columns: its width in characters, from which it is estimated if the
        terminal does not say it
    """
    try:
        size = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        size = bytes(8)
    pixels: int = struct.unpack('HHHH', size)[2]
    return pixels or columns * _PIXELS_OF_A_COLUMN
