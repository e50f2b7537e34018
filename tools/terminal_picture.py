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

"""Record a command in a terminal, and save what it shows as an SVG picture.

For the README: make pictures runs it with "nova-vmrun aio demo".
"""

import argparse
from collections.abc import Sequence
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import rich.console
import rich.terminal_theme
import rich.text

_ROWS = 50


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('picture', help='SVG file to write')
    parser.add_argument('--columns', type=int, default=80)
    parser.add_argument('--keep', action='append', default=[],
                        metavar='FIRST,LAST',
                        help='Show only the lines from the first that matches '
                        'one regular expression to the next that matches '
                        'another. May be repeated.')
    parser.add_argument('command', nargs='+')
    arguments = parser.parse_args()
    status, output = record(arguments.command, arguments.columns)
    if status == 0:
        lines = output.replace('\r', '').splitlines()
        shown = '\n'.join(select(lines, [
            tuple(part.split(',', 1)) for part in arguments.keep]))
        with open(arguments.picture, 'w', encoding='utf-8') as stream:
            stream.write(draw(
                '$ %s\n%s' % (' '.join(arguments.command), shown),
                arguments.columns))
    return status


def record(command: Sequence[str], columns: int) -> tuple[int, str]:
    """Run a command in a terminal that shows all colours.

    What it prints is also printed here.

    :returns: its exit status and its output
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                struct.pack('HHHH', _ROWS, columns, 0, 0))
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs,
        env=dict(os.environ, COLORTERM='truecolor', TERM='xterm-256color'))
    os.close(theirs)
    output = b''
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:
            # The last program has closed the terminal.
            break
        if not read:
            break
        output += read
        sys.stdout.buffer.write(read)
        sys.stdout.buffer.flush()
    os.close(ours)
    return process.wait(), output.decode(errors='replace')


def select(lines: Sequence[str],
           parts: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of some parts of an output, with dots between them.

    :param parts: pairs of regular expressions for the first and last line;
        if empty, all lines are returned
    :raises ValueError: no line matches
    """
    if not parts:
        return list(lines)
    shown: list[str] = []
    start = 0
    for first, last in parts:
        begin = _find(lines, first, start)
        if begin > start:
            shown.append('...')
        start = _find(lines, last, begin) + 1
        shown += lines[begin:start]
    return shown


def _find(lines: Sequence[str], pattern: str, start: int) -> int:
    for number in range(start, len(lines)):
        if re.search(pattern, lines[number]):
            return number
    raise ValueError('No line after line %d matches %s.' % (start, pattern))


def draw(text: str, columns: int) -> str:
    """Return an SVG picture of a terminal with a text in it.

    :param text: with ANSI escape sequences
    """
    with open(os.devnull, 'w') as nothing:
        console = rich.console.Console(
            record=True, width=columns, file=nothing, force_terminal=True,
            color_system='truecolor', legacy_windows=False)
        console.print(rich.text.Text.from_ansi(text))
    picture = console.export_svg(
        title='nova-vmrun', theme=rich.terminal_theme.MONOKAI)
    # Whoever looks at it need not load fonts from another site.
    return re.sub(r'@font-face \{.*?\}', '', picture, flags=re.DOTALL)


if __name__ == '__main__':
    sys.exit(main())
