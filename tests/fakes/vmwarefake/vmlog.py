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

"""vmware.log: rotated at each power-on; the first line has the pid."""

from __future__ import annotations

import contextlib
import os
import time

from vmwarefake import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import dictionary
    from vmwarefake import product as products

KEEP_OLD = 3


def _stamp() -> str:
    now = time.time()
    return '%s.%03dZ' % (time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now)),
                         int(now % 1 * 1000))


class Log:
    """The log of one VM.

    :param vmx: absolute path of the .vmx.
    :param config: read for log.fileName and logging.
    """

    def __init__(self, vmx: str, config: dictionary.Dictionary) -> None:
        self.path = os.path.join(os.path.dirname(vmx),
                                 config.get('log.fileName') or 'vmware.log')
        self._wanted = config.true('logging', True)
        self._pending: list[str] | None = None

    def hold(self) -> None:
        """Keep lines in memory until :meth:`begin` starts a new log."""
        self._pending = []

    def begin(self, pid: int, product: products.Product) -> None:
        """Rotate the old logs; write the first line and what was held."""
        if not self._wanted:
            return
        self._rotate()
        head = ('Log for %s pid=%d version=%s build=build-%s option=Release'
                % (product.name, pid, product.version, product.build))
        pending, self._pending = [head] + (self._pending or []), None
        self._append(pending)

    def __call__(self, text: str) -> None:
        if not self._wanted:
            return
        if self._pending is not None:
            self._pending.extend(text.split('\n'))
        elif os.path.isdir(os.path.dirname(self.path)):
            self._append(text.split('\n'))

    def error(self, msg_id: str, text: str) -> None:
        """Write a message of a dialog."""
        self('Msg_Post: Error\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def warning(self, msg_id: str, text: str) -> None:
        self('Msg_Post: Warning\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def unanswered(self, msg_id: str, text: str) -> None:
        """Write a question that nobody has answered."""
        self('Msg_Question:\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def question(self, msg_id: str, text: str, answer: str) -> None:
        self('Msg_Question:\n[%s] %s\n%s\nMsg_Question: %s reply=%s'
             % (msg_id, text, '-' * 40, msg_id, answer))

    def _rotate(self) -> None:
        base, ext = os.path.splitext(self.path)
        for n in reversed(range(KEEP_OLD)):
            older = '%s-%d%s' % (base, n, ext)
            newer = '%s-%d%s' % (base, n - 1, ext) if n else self.path
            if os.path.exists(newer):
                os.replace(newer, older)

    def _append(self, lines: list[str]) -> None:
        """Write lines, or nothing if the log cannot be written."""
        stamp = _stamp()
        text = ''.join('%s In(05) vmx %s\n' % (stamp, line)
                       for line in lines)
        with contextlib.suppress(OSError):
            files.append(self.path, text.encode('utf-8', 'surrogateescape'))
