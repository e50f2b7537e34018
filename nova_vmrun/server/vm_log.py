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

"""VMware's messages in vmware.log, which vmrun does not report.

VMware logs each dialog that it would show: errors, hints, and questions with
their answers. A VM without a window shows no dialogs, so only the log says why
a start failed or hangs.

Guests can write to the log, too. Their lines are left out, since they can
imitate VMware's. VMware repeats the .vmx in the log; values that nobody may
see, such as the key of an encrypted VM, are masked.
"""

from collections.abc import Iterator
import dataclasses
import os
import re
from typing import NamedTuple

from nova_vmrun.formats import report

_ERROR_LINES = 4
_LAST_LINES = 12
# A guest can make VMware log a lot; the messages of a start are near the end.
_MAX_BYTES = 1024 * 1024
_MAX_SHOWN = 500
_MAX_LINES = 20
# The time, level and thread at the start of each line of a message.
_LINE_HEAD = re.compile(
    r'\S{1,40}(?: \w{1,9}\(\d{1,3}\)\+? (?P<thread>\S{1,40}) '
    r'|\| *(?P<old_thread>[^|]{0,40})\| *\w{1,9}[:+] )')
# Lines that a guest makes VMware log come from the thread of a virtual CPU.
_GUESTS_THREAD = 'vcpu-'
_GUESTS_WORD = 'Guest'
_ID = re.compile(r'\[(msg\.[\w.-]{1,80})\] *')
_POSTED = re.compile(r'Msg_Post: (Error|Warning|Info)')
_QUESTION = re.compile(r'Msg_Question:\s*$')
_HINT = re.compile(r'Msg_Hint:')
# A setting of the .vmx, as VMware repeats it.
_SETTING = re.compile(r'(.*\bDICT +(\S+) = )(.*)')
_REPLY = re.compile(r'Msg_?Question: (\S{1,80}) reply=')
_END = '----------'

ERROR, WARNING, QUESTION, HINT = 'error', 'warning', 'question', 'hint'


class Mark(NamedTuple):
    """The end of a vmware.log at some time."""

    inode: int
    size: int


@dataclasses.dataclass(frozen=True)
class Message:
    """A dialog that VMware has shown, or would have shown.

    :ivar kind: ERROR, WARNING, QUESTION or HINT
    :ivar lines: its text
    :ivar ids: VMware's names of it, such as msg.uuid.altered
    """

    kind: str
    lines: tuple[str, ...]
    ids: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The text on one line."""
        return _cut(' '.join(self.lines))


@dataclasses.dataclass(frozen=True)
class Report:
    """What VMware has logged since a mark.

    :ivar text: all of it
    :ivar messages: the dialogs, oldest first
    """

    text: str
    messages: tuple[Message, ...]

    @property
    def cause(self) -> str:
        """The cause of a failed start, on one line; empty if unknown."""
        lines = [line for message in self.messages if message.kind == ERROR
                 for line in message.lines]
        return _cut(' '.join(lines[-_ERROR_LINES:]))

    @property
    def question(self) -> str:
        """The last question without an answer; empty if there is none."""
        question = self._last(QUESTION)
        return question.text if question else ''

    @property
    def hint(self) -> str:
        """The last warning or hint; empty if there is none."""
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
    """Return the end of a log, or None if there is no log."""
    try:
        found = os.stat(vmware_log)
    except OSError:
        return None
    return Mark(found.st_ino, found.st_size)


def read(vmware_log: str, since: Mark | None = None) -> Report:
    """Read what was logged since a mark, even if VMware has begun a new log.

    :param vmware_log: path
    :param since: what mark() returned; None: read everything
    """
    try:
        with open(vmware_log, 'rb') as file:
            found = os.fstat(file.fileno())
            begin = 0
            if since and since.inode == found.st_ino and (
                    since.size <= found.st_size):
                begin = since.size
            start = max(begin, found.st_size - _MAX_BYTES)
            file.seek(start)
            data = file.read(_MAX_BYTES)
            if start > begin:
                # A guest may have written the cut first line.
                data = data.partition(b'\n')[2]
            text = data.decode('utf-8', 'replace')
    except OSError:
        text = ''
    lines = [_printable(line) for line in _without_guest(
        text.removesuffix('\n').split('\n'))]
    return Report('\n'.join(lines), tuple(_messages(lines)))


def _without_guest(lines: list[str]) -> Iterator[str]:
    """Yield the lines that no guest has written."""
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
    line = ''.join(char if char.isprintable() else ' '
                   for char in line).rstrip()
    setting = _SETTING.fullmatch(line)
    if setting is None:
        return line
    return setting.group(1) + report.masked(*setting.group(2, 3))


def _messages(lines: list[str]) -> list[Message]:
    """Return the dialogs, without questions that have an answer."""
    found: list[Message] = []
    kind: str | None = None
    inside: list[str] = []
    # The end of the log ends a message too.
    for line in [*lines, _END]:
        line = _without_head(line)
        reply = _REPLY.search(line)
        begins = None if reply else _kind(line)
        if kind and (reply or begins or _END in line or
                     len(inside) == _MAX_LINES):
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


def _without_head(line: str) -> str:
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
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + ' ...'
