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

"""Find phrases that no English speaker would say.

Usage::

    phrases.py [FILE...]

Without files, every text file of the project is searched. The phrases and
what to write instead are in phrases.txt beside this program, one per line::

    in a hurry => quickly

The left side is a regular expression. It matches whole words in any case, and
also where the text is wrapped: a space stands for any white space, including
the end of a line of a comment or of a string.

Files that quote somebody else, such as captured output, are not searched.
"""

import collections.abc
import os
import pathlib
import re
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIST = ROOT / 'tools' / 'phrases.txt'
# Folders and files that are searched.
SEARCHED = ('README.rst', 'CONTRIBUTING.rst', 'HACKING.rst', 'Makefile',
            'contrib', 'doc/source', 'nova_vmrun', 'releasenotes', 'tests',
            'tools', 'pyproject.toml', 'setup.cfg', 'tox.ini',
            'requirements.txt', 'test-requirements.txt')
# Output and files of other programs, and this list itself.
NOT_SEARCHED = ('tests/fixtures', 'releasenotes/build', 'tools/phrases.txt')
# White space, and what surrounds it where Python text is wrapped.
_BLANK = r'''(?:\s|['"]\s*\n\s*[rbf]*['"]|\n\s*[#*]+:?\s)+'''


class Phrase(typing.NamedTuple):
    """A phrase that is not written here."""

    pattern: re.Pattern[str]
    instead: str
    # In lower case; a text without all of them does not contain the phrase.
    words: frozenset[str]


class Finding(typing.NamedTuple):
    """A phrase that a text contains."""

    line: int
    found: str
    instead: str


def read_list(text: str) -> list[Phrase]:
    """Return the phrases of a list.

    :raises ValueError: a line lacks the phrase or what to write instead
    """
    phrases = []
    for line in text.splitlines():
        if not line.strip() or line.startswith('#'):
            continue
        phrase, _, instead = line.partition('=>')
        if not phrase.strip() or not instead.strip():
            raise ValueError('Not "phrase => what to write": %s' % line)
        words = phrase.strip().split(' ')
        pattern = r'(?<!\w)(?:%s)(?!\w)' % _BLANK.join(words)
        phrases.append(Phrase(re.compile(pattern, re.IGNORECASE),
                              instead.strip(), plain_words(phrase)))
    return phrases


def plain_words(phrase: str) -> frozenset[str]:
    """Return words that every text has which a phrase matches."""
    groups = 1
    while groups:
        # What is in parentheses may be optional or a choice.
        phrase, groups = re.subn(r'\([^()]*\)', '?', phrase)
    if '|' in phrase:
        return frozenset()
    return frozenset(word.lower() for word in phrase.split()
                     if word.isalpha())


def search(text: str,
           phrases: collections.abc.Iterable[Phrase]) -> list[Finding]:
    """Return the phrases that a text contains, in its order."""
    # Finding a word is much faster than matching a pattern.
    lower = text.lower()
    return sorted(
        Finding(text.count('\n', 0, match.start()) + 1,
                ' '.join(match[0].split()), phrase.instead)
        for phrase in phrases if all(word in lower for word in phrase.words)
        for match in phrase.pattern.finditer(text))


def files() -> collections.abc.Iterator[pathlib.Path]:
    """Yield the files of the project that are searched."""
    for name in SEARCHED:
        top = ROOT / name
        if top.is_file():
            yield top
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(set(folders) - {'__pycache__'})
            yield from (pathlib.Path(folder, name) for name in sorted(names))


def is_searched(path: pathlib.Path) -> bool:
    """Return whether a file is one of the project's own texts."""
    return not any(path.is_relative_to(ROOT / name) for name in NOT_SEARCHED)


def main(names: collections.abc.Sequence[str]) -> int:
    """Print each finding as FILE:LINE; return the exit code."""
    phrases = read_list(LIST.read_text(encoding='utf-8'))
    paths = [pathlib.Path(name).resolve() for name in names] or files()
    failed = False
    for path in filter(is_searched, paths):
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        for finding in search(text, phrases):
            failed = True
            print('%s:%d: "%s": write "%s"' % (
                os.path.relpath(path), finding.line, finding.found,
                finding.instead))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
