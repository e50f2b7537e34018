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

"""vmware.log: rotated at each power-on, the pid on its first line."""

import contextlib
import os
import time

from vmwarefake import files

KEEP_OLD = 3


def _stamp():
    now = time.time()
    return '%s.%03dZ' % (time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now)),
                         int(now % 1 * 1000))


class Log(object):
    """The log of one VM. Lines before :meth:`begin` wait in memory.

    :param vmx: absolute path of the .vmx.
    :param config: its dictionary, for log.fileName and logging.
    """

    def __init__(self, vmx, config):
        self.path = os.path.join(os.path.dirname(vmx),
                                 config.get('log.fileName') or 'vmware.log')
        self._wanted = config.true('logging', True)
        self._pending = None

    def hold(self):
        """Keep lines until :meth:`begin` knows the pid of the new log."""
        self._pending = []

    def begin(self, pid, product):
        """Rotate the old logs and write the head and what was held."""
        if not self._wanted:
            return
        self._rotate()
        head = ('Log for %s pid=%d version=%s build=build-%s option=Release'
                % (product.name, pid, product.version, product.build))
        pending, self._pending = [head] + (self._pending or []), None
        self._append(pending)

    def __call__(self, text):
        if not self._wanted:
            return
        if self._pending is not None:
            self._pending.extend(text.split('\n'))
        elif os.path.isdir(os.path.dirname(self.path)):
            self._append(text.split('\n'))

    def error(self, msg_id, text):
        """Write a message as a dialog leaves it in the log."""
        self('Msg_Post: Error\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def warning(self, msg_id, text):
        self('Msg_Post: Warning\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def unanswered(self, msg_id, text):
        """Write a question that waits for somebody."""
        self('Msg_Question:\n[%s] %s\n%s' % (msg_id, text, '-' * 40))

    def question(self, msg_id, text, answer):
        self('Msg_Question:\n[%s] %s\n%s\nMsg_Question: %s reply=%s'
             % (msg_id, text, '-' * 40, msg_id, answer))

    def _rotate(self):
        base, ext = os.path.splitext(self.path)
        for n in reversed(range(KEEP_OLD)):
            older = '%s-%d%s' % (base, n, ext)
            newer = '%s-%d%s' % (base, n - 1, ext) if n else self.path
            if os.path.exists(newer):
                os.replace(newer, older)

    def _append(self, lines):
        """Write lines; a log that cannot be written stops nothing."""
        stamp = _stamp()
        text = ''.join('%s In(05) vmx %s\n' % (stamp, line)
                       for line in lines)
        with contextlib.suppress(OSError):
            files.append(self.path, text.encode('utf-8', 'surrogateescape'))
