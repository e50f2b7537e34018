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

"""Progress lines for the user, with the time of each."""

import sys
import time
from typing import TextIO


class Report:
    """Printer of lines with the seconds since the report began.

    :param stream: where to print; standard output by default
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.monotonic()
        self._last = self._began

    def line(self, text: str) -> None:
        """Print a line."""
        now = time.monotonic()
        print('[%5.1f s] %s' % (now - self._began, text),
              file=self._stream, flush=True)
        self._last = now

    def raw(self, text: str) -> None:
        """Print text without the time."""
        print(text, file=self._stream, flush=True)
        self._last = time.monotonic()

    @property
    def stream(self) -> TextIO:
        """Where the lines go."""
        return self._stream

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def silence(self) -> float:
        """Seconds since the last line."""
        return time.monotonic() - self._last
