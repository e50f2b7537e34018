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

"""What VMware writes to vmware.log that vmrun does not tell.

VMware logs each dialog that it would show: errors, hints, and questions with
the answer that they got. A VM that has no window waits for nobody, so the log
is the only place that tells why a start failed or hangs.

Guests write to it too. Their lines are left out, since they can look like
VMware's.
"""

from collections.abc import Iterator
import dataclasses
import os
import re
from typing import NamedTuple

_ERROR_LINES = 4
_LAST_LINES = 12
# A guest can make VMware log a lot; what a start tells is near the end.
_MOST_BYTES = 1024 * 1024
_MOST_SHOWN = 500
_MOST_LINES = 20
# Time, level and thread, which VMware puts before each line of a message.
_LINE_HEAD = re.compile(
    r'\S{1,40}(?: \w{1,9}\(\d{1,3}\)\+? (?P<thread>\S{1,40}) '
    r'|\| *(?P<old_thread>[^|]{0,40})\| *\w{1,9}[:+] )')
# What a guest makes VMware log comes from the thread of a virtual processor.
_GUESTS_THREAD = 'vcpu-'
_GUESTS_WORD = 'Guest'
_ID = re.compile(r'\[(msg\.[\w.-]{1,80})\] *')
_POSTED = re.compile(r'Msg_Post: (Error|Warning|Info)')
_QUESTION = re.compile(r'Msg_Question:\s*$')
_HINT = re.compile(r'Msg_Hint:')
_REPLY = re.compile(r'Msg_?Question: (\S{1,80}) reply=')
_END = '----------'

ERROR, WARNING, QUESTION, HINT = 'error', 'warning', 'question', 'hint'


class Mark(NamedTuple):
    """Where a vmware.log ended at some time."""

    inode: int
    size: int


@dataclasses.dataclass(frozen=True)
class Message:
    """A dialog that VMware would show, or showed.

    :ivar kind: ERROR, WARNING, QUESTION or HINT
    :ivar lines: its text
    :ivar ids: such as msg.uuid.altered
    """

    kind: str
    lines: tuple[str, ...]
    ids: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The text in one line."""
        return _cut(' '.join(self.lines))


@dataclasses.dataclass(frozen=True)
class Report:
    """What was logged since a mark.

    :ivar text: all of it
    :ivar messages: the dialogs, the oldest first
    """

    text: str
    messages: tuple[Message, ...]

    @property
    def cause(self) -> str:
        """Why a VM did not start, in one line; empty if nothing tells."""
        lines = [line for message in self.messages if message.kind == ERROR
                 for line in message.lines]
        return _cut(' '.join(lines[-_ERROR_LINES:]))

    @property
    def question(self) -> str:
        """What VMware asked last and got no answer to; may be empty."""
        asked = self._last(QUESTION)
        return asked.text if asked else ''

    @property
    def hint(self) -> str:
        """The last warning or hint; may be empty."""
        found = self._last(WARNING, HINT)
        return found.text if found else ''

    @property
    def last_words(self) -> str:
        """The last lines."""
        return '\n'.join(
            _cut(line) for line in self.text.split('\n')[-_LAST_LINES:])

    def _last(self, *kinds: str) -> Message | None:
        return next((message for message in reversed(self.messages)
                     if message.kind in kinds), None)


def mark(vmware_log: str) -> Mark | None:
    """Returns where a log ends now, None without one."""
    try:
        found = os.stat(vmware_log)
    except OSError:
        return None
    return Mark(found.st_ino, found.st_size)


def read(vmware_log: str, since: Mark | None = None) -> Report:
    """Reads what was logged since a mark; VMware begins a new log at times.

    :param vmware_log: path
    :param since: what mark() returned; None: read all
    """
    try:
        with open(vmware_log, 'rb') as file:
            found = os.fstat(file.fileno())
            begin = 0
            if since and since.inode == found.st_ino and (
                    since.size <= found.st_size):
                begin = since.size
            start = max(begin, found.st_size - _MOST_BYTES)
            file.seek(start)
            data = file.read(_MOST_BYTES)
            if start > begin:
                # Whose the rest of the first line is cannot be told.
                data = data.partition(b'\n')[2]
            text = data.decode('utf-8', 'replace')
    except OSError:
        text = ''
    lines = [_printable(line) for line in _of_vmware(
        text.removesuffix('\n').split('\n'))]
    return Report('\n'.join(lines), tuple(_messages(lines)))


def _of_vmware(lines: list[str]) -> Iterator[str]:
    """Yields the lines that no guest has written."""
    is_guests = False
    for line in lines:
        head = _LINE_HEAD.match(line)
        if head:
            thread = head.group('thread') or head.group('old_thread') or ''
            is_guests = (thread.startswith(_GUESTS_THREAD) or
                         line.startswith(_GUESTS_WORD, head.end()))
        if not is_guests:
            yield line


def _printable(line: str) -> str:
    return ''.join(char if char.isprintable() else ' '
                   for char in line).rstrip()


def _messages(lines: list[str]) -> list[Message]:
    """Returns the dialogs, without the questions that were answered."""
    found: list[Message] = []
    kind: str | None = None
    inside: list[str] = []
    # The end of a log that was cut short ends a message too.
    for line in [*lines, _END]:
        line = _head_off(line)
        reply = _REPLY.search(line)
        begins = None if reply else _kind(line)
        if kind and (reply or begins or _END in line or
                     len(inside) == _MOST_LINES):
            found.append(_message(kind, inside))
            kind, inside = None, []
        if reply:
            found = [message for message in found
                     if message.kind != QUESTION or
                     reply.group(1) not in message.ids]
        elif begins:
            kind = begins
        elif kind:
            inside.append(line)
    return found


def _head_off(line: str) -> str:
    head = _LINE_HEAD.match(line)
    return line[head.end():] if head else line


def _message(kind: str, lines: list[str]) -> Message:
    ids = [name for line in lines for name in _ID.findall(line)]
    return Message(kind, tuple(_ID.sub('', line) for line in lines),
                   frozenset(ids))


def _kind(line: str) -> str | None:
    posted = _POSTED.search(line)
    if posted:
        return ERROR if posted.group(1) == 'Error' else WARNING
    if _QUESTION.search(line):
        return QUESTION
    return HINT if _HINT.search(line) else None


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + ' ...'
