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

"""The programs of a plain guest: a small shell and a few commands.

They do what clients usually run in guests: write a file, make a folder, exit
with a number, shut down.
"""

from __future__ import annotations

import re
import shlex
import time

from vmwarefake.guest import filesystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_SEPARATORS = ('&&', '||', ';', '\n')
SHELLS = ('sh', 'bash', 'dash', 'ksh', 'zsh', 'cmd.exe', 'cmd',
          'powershell.exe', 'powershell', 'perl', 'python', 'python3',
          'perl.exe')
_POWER_OFF = ('poweroff', 'halt', 'shutdown', 'shutdown.exe')


class Exit(Exception):
    """The script exits with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Shell:
    """Runs commands in a guest.

    :param programs: {path: exit code} of programs from the knobs.
    :ivar power: 'off' or 'reset' if a command asked for it, else None.
    """

    def __init__(self, files: filesystem.FileSystem,
                 programs: dict[str, int]) -> None:
        self.files = files
        self.programs = programs
        self.power: str | None = None

    def knows(self, path: str) -> bool:
        """Return whether the guest has such a program."""
        name = _name(path)
        if (path in self.programs or name in SHELLS
                or name in _POWER_OFF + ('reboot',) or self._builtin(name)):
            return True
        try:
            return self.files.is_file(path)
        except filesystem.GuestError:
            return False

    def _builtin(self,
                 name: str) -> abc.Callable[[list[str]], int | None] | None:
        name = 'test' if name == '[' else name.replace('.exe', '')
        return getattr(self, '_run_' + name, None)

    def run(self, path: str, arguments: list[str]) -> int:
        """Run a program and return its exit code.

        :raises filesystem.GuestError: NOT_FOUND if it does not exist.
        """
        if not self.knows(path):
            raise filesystem.GuestError(filesystem.NOT_FOUND)
        if path in self.programs:
            return self.programs[path]
        if _name(path) in SHELLS:
            return self.script(_script_of(arguments))
        return self._command([_name(path)] + list(arguments))

    def script(self, text: str) -> int:
        """Run the lines of a script and return its exit code."""
        code = 0
        try:
            for joint, words in _commands(text):
                if joint == '&&' and code or joint == '||' and not code:
                    continue
                code = self._redirected(words)
        except Exit as e:
            return e.code
        return code

    def _redirected(self, words: list[str]) -> int:
        for mark in ('>>', '>'):
            if mark in words[:-1]:
                at = words.index(mark)
                target = words[at + 1]
                words = words[:at] + words[at + 2:]
                text = ' '.join(words[1:]) if words[:1] == ['echo'] else ''
                data = (text + '\n').encode() if text else b''
                try:
                    self.files.write(target, data, append=mark == '>>')
                except filesystem.GuestError:
                    return 1
                return 0
        return self._command(words)

    def _command(self, words: list[str]) -> int:
        name = _name(words[0])
        if words[0] in self.programs:
            return self.programs[words[0]]
        if name in _POWER_OFF:
            self.power = 'reset' if '-r' in words or '/r' in words else 'off'
            return 0
        if name == 'reboot':
            self.power = 'reset'
            return 0
        command = self._builtin(name)
        if command is None:
            return 127 if not self.knows(words[0]) else 0
        try:
            return command(words[1:]) or 0
        except (filesystem.GuestError, OSError):
            return 1

    def _run_true(self, arguments: list[str]) -> int:
        return 0

    def _run_false(self, arguments: list[str]) -> int:
        return 1

    def _run_echo(self, arguments: list[str]) -> int:
        return 0

    def _run_exit(self, arguments: list[str]) -> None:
        code = arguments[-1] if arguments else '0'
        raise Exit(int(code) & 0xff if code.isdigit() else 2)

    def _run_sleep(self, arguments: list[str]) -> None:
        time.sleep(float(arguments[0]))

    def _run_touch(self, arguments: list[str]) -> None:
        for path in arguments:
            self.files.write(path, b'', append=True)

    def _run_mkdir(self, arguments: list[str]) -> None:
        for path in arguments:
            if path == '-p':
                continue
            if not ('-p' in arguments and self.files.is_directory(path)):
                self.files.make_directory(path)

    def _run_rm(self, arguments: list[str]) -> None:
        for path in [a for a in arguments if not a.startswith('-')]:
            if self.files.is_directory(path):
                self.files.remove_directory(path)
            elif '-f' not in arguments or self.files.is_file(path):
                self.files.remove_file(path)

    def _run_cat(self, arguments: list[str]) -> None:
        for path in arguments:
            self.files.read(path)

    def _run_test(self, arguments: list[str]) -> int:
        tests = {'-e': lambda p: self.files.is_file(p)
                 or self.files.is_directory(p),
                 '-f': self.files.is_file, '-d': self.files.is_directory}
        if arguments[-1:] == [']']:
            arguments = arguments[:-1]
        if len(arguments) == 2 and arguments[0] in tests:
            return 0 if tests[arguments[0]](arguments[1]) else 1
        return 2

    def _run_hostname(self, arguments: list[str]) -> int:
        return 0


def _name(path: str) -> str:
    return re.split(r'[/\\]', path)[-1].lower()


def _script_of(arguments: list[str]) -> str:
    """Return the script after -c, /c or -Command."""
    rest = list(arguments)
    while rest and rest[0].lower() in ('-c', '/c', '-command', '-lc', '-e',
                                       '-noprofile'):
        rest.pop(0)
    return ' '.join(rest)


def _commands(text: str) -> abc.Iterator[tuple[str, list[str]]]:
    """Yield (separator before it, words) of each command."""
    lexer = shlex.shlex(text.replace('\r', ''), posix=True,
                        punctuation_chars='&|;>\n')
    lexer.whitespace = ' \t'
    lexer.commenters = '#'
    lexer.whitespace_split = True
    joint = ';'
    words: list[str] = []
    try:
        tokens = list(lexer)
    except ValueError:
        raise Exit(2)
    for token in tokens + ['\n']:
        joints = token.strip('\n') or '\n'
        if token in _SEPARATORS or set(token) <= set(';\n'):
            if words:
                yield joint, words
            words = []
            joint = joints if joints in ('&&', '||') else ';'
        else:
            words.append(token)
