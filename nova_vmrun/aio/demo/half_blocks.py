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

"""A picture in a terminal, two pixels in each character."""

from collections.abc import Mapping
from typing import TextIO

from nova_vmrun.aio.demo import screen

# The upper half of a character; the lower half shows the background.
_UPPER_HALF = '\N{UPPER HALF BLOCK}'
_RESET = '\x1b[0m'
_TRUE_COLOUR = ('truecolor', '24bit')


def are_shown(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether a terminal says that it shows all colours."""
    return (stream.isatty() and environ.get('COLORTERM') in _TRUE_COLOUR and
            (stream.encoding or '').lower().replace('-', '') == 'utf8')


def lines(picture: screen.Picture, columns: int) -> list[str]:
    """Return a picture as lines for a terminal, scaled down to fit.

    :param columns: of the terminal
    """
    step = max(1, -(-picture.width // columns))
    found = []
    for top in range(0, picture.height, 2 * step):
        line = ''
        for left in range(0, picture.width, step):
            line += '\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm%s' % (
                *picture.average(left, top, step),
                *picture.average(left, top + step, step), _UPPER_HALF)
        found.append(line + _RESET)
    return found
