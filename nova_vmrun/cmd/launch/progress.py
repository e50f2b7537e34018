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

"""Tell a person how far a launch has come."""

import time
from typing import TextIO

from oslo_utils import units

from nova_vmrun.formats import report

# Seconds between two updates: on a terminal, and in a file.
_TERMINAL = 0.2
_FILE = 10.0


class Progress:
    """Prints lines, and the progress of a transfer.

    On a terminal, one line is rewritten. Elsewhere, a line is printed every
    ten seconds.

    :param stream: where to print
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = 0.0
        self._width = 0

    def line(self, text: str) -> None:
        """Print a line."""
        self._end_rewritten_line()
        self._print(report.printable(text) + '\n')

    def transfer(self, done: int, total: int | None) -> None:
        """Print how much was transferred.

        :param done: bytes
        :param total: bytes; None: nobody knows
        """
        mib = done // units.Mi
        if total:
            text = '  %d of %d MiB, %d %%' % (
                mib, -(-total // units.Mi), 100 * done // total)
        else:
            text = '  %d MiB' % mib
        self._update(text, done == total)

    def wait(self, what: str, seconds: float) -> None:
        """Print what is being waited for, and since when."""
        self._update('  %s (%d s)' % (report.printable(what), seconds))

    def _update(self, text: str, must: bool = False) -> None:
        now = time.monotonic()
        pause = _TERMINAL if self._is_terminal else _FILE
        if now - self._last < pause and not must:
            return
        self._last = now
        if self._is_terminal:
            self._print('\r' + text.ljust(self._width))
            self._width = len(text)
        else:
            self._print(text + '\n')

    def _end_rewritten_line(self) -> None:
        if self._width:
            self._print('\n')
            self._width = 0

    def _print(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
