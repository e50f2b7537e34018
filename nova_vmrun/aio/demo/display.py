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


"""A picture in the terminal, in the best way that the terminal has."""

from collections.abc import Callable, Mapping
import enum
import re
from typing import TextIO

from nova_vmrun.aio.demo import half_blocks
from nova_vmrun.aio.demo import kitty
from nova_vmrun.aio.demo import screen
from nova_vmrun.aio.demo import sixel
from nova_vmrun.aio.demo import terminal

# Asks a terminal what it is. All terminals answer, and in the order of the
# questions, so a missing answer to the question before is noticed at once.
_ATTRIBUTES = b'\x1b[c'
_ANSWER = re.compile(rb'\x1b\[\?([0-9]+(?:;[0-9]+)*)c')
_HAS_SIXEL = b'4'
# Other terminals might show the question that kitty understands.
_LIKE_KITTY = re.compile('kitty|ghostty|wezterm|konsole', re.IGNORECASE)
_NAMES = ('TERM', 'TERM_PROGRAM')
_HINTS = ('KITTY_WINDOW_ID', 'KONSOLE_VERSION')
_NO_ESCAPES = ('', 'dumb')

_Ask = Callable[[TextIO, bytes, Callable[[bytes], bool]], bytes]


class Graphics(enum.Enum):
    """How a terminal can show a picture."""

    NONE = 'not at all'
    HALF_BLOCKS = 'two pixels in each character'
    SIXEL = 'sixel graphics'
    KITTY = "kitty's graphics protocol"


def find(stream: TextIO, environ: Mapping[str, str],
         ask: _Ask = terminal.ask) -> Graphics:
    """Return how a picture can be shown.

    :param stream: where it is to be printed
    :param environ: environment of the process
    :param ask: asks the terminal; see terminal.ask
    """
    if not stream.isatty() or environ.get('TERM', '') in _NO_ESCAPES:
        return Graphics.NONE
    query = _ATTRIBUTES
    if (any(_LIKE_KITTY.search(environ.get(name, '')) for name in _NAMES) or
            any(environ.get(name) for name in _HINTS)):
        query = kitty.QUERY + query
    answer = ask(stream, query, lambda text: bool(_ANSWER.search(text)))
    if kitty.OK in answer:
        return Graphics.KITTY
    attributes = _ANSWER.search(answer)
    # The first number is the terminal's class.
    if attributes and _HAS_SIXEL in attributes.group(1).split(b';')[1:]:
        return Graphics.SIXEL
    if half_blocks.are_shown(stream, environ):
        return Graphics.HALF_BLOCKS
    return Graphics.NONE


def lines(picture: screen.Picture, graphics: Graphics, columns: int,
          width: int) -> list[str]:
    """Return what to print, scaled down to the width of the terminal.

    :param columns: of the terminal
    :param width: of the terminal, in pixels
    """
    if graphics == Graphics.KITTY:
        return [kitty.line(picture,
                           columns if picture.width > width else None)]
    if graphics == Graphics.SIXEL:
        return [sixel.line(picture.scaled_down(width))]
    if graphics == Graphics.HALF_BLOCKS:
        return half_blocks.lines(picture, columns)
    return []
