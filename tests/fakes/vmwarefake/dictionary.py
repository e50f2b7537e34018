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

"""VMware's dictionary format: .vmx, .vmsd, .vmsn and inventories.

The grammar is that of open-vm-tools (lib/dict/dictll.c, lib/misc/escape.c),
which the products share: ``name = "value"`` with ``|HH`` escapes. Comments and
blank lines are kept, and keys are case-insensitive. A duplicate key or a
malformed line makes the whole file invalid.
"""

from __future__ import annotations

import re

from vmwarefake import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_NAME = re.compile(r'[ \t]*([^ \t=#]+)[ \t]*=[ \t]*(.*)\Z', re.DOTALL)
_QUOTED = re.compile(r'"([^"]*)"[ \t]*(?:#.*)?\Z', re.DOTALL)
_BARE = re.compile(r'([^ \t#"][^ \t#]*)?[ \t]*(?:#.*)?\Z', re.DOTALL)
_ESCAPE = re.compile(r'\|([0-9a-fA-F]{2})')
_MUST_ESCAPE = re.compile(r'["|\x7f\x00-\x08\x0a-\x1f]')

TRUE_WORDS = ('true', 'yes', 'on', '1')
FALSE_WORDS = ('false', 'no', 'off', '0')


class Malformed(Exception):
    """The text is not a dictionary; ``str()`` is VMware's message."""

    def __init__(self, msg_id: str, text: str) -> None:
        super().__init__(text)
        self.msg_id = msg_id


def escape(value: str) -> str:
    """Escape ``value`` as the products do: ``|`` and two hex digits."""
    return _MUST_ESCAPE.sub(lambda m: '|%02X' % ord(m.group()), value)


def unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text)


def parse_line(line: str) -> tuple[str, str] | None:
    """Split one line into (name, value).

    :returns: None for a blank line or a comment.
    :raises Malformed: if the line is malformed.
    """
    stripped = line.strip(' \t')
    if not stripped or stripped.startswith('#'):
        return None
    named = _NAME.match(line)
    if named:
        value = _QUOTED.match(named.group(2)) or _BARE.match(named.group(2))
        if value:
            return named.group(1), unescape(value.group(1) or '')
    raise Malformed('msg.dictionary.read.syntaxError',
                    'Syntax error in line: %s' % line)


class Dictionary:
    """An ordered, case-insensitive mapping of str to str.

    Comments and blank lines keep their place; new keys go to the end.
    """

    def __init__(self, pairs: abc.Iterable[tuple[str, str]] = ()) -> None:
        # ('key', lower-cased key) or ('line', text)
        self._lines: list[tuple[str, str]] = []
        # lower-cased key -> (key as written, value)
        self._values: dict[str, tuple[str, str]] = {}
        for key, value in pairs:
            self[key] = value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._values

    def __getitem__(self, key: str) -> str:
        return self._values[key.lower()][1]

    def __setitem__(self, key: str, value: str) -> None:
        known = self._values.get(key.lower())
        if known:
            self._values[key.lower()] = (known[0], value)
        else:
            self._values[key.lower()] = (key, value)
            self._lines.append(('key', key.lower()))

    def __delitem__(self, key: str) -> None:
        del self._values[key.lower()]
        self._lines.remove(('key', key.lower()))

    def __iter__(self) -> abc.Iterator[str]:
        return (key for key, _ in self.items())

    def __len__(self) -> int:
        return len(self._values)

    def items(self) -> list[tuple[str, str]]:
        """Return pairs of key, as written, and value in file order."""
        return [self._values[name] for kind, name in self._lines
                if kind == 'key']

    def get(self, key: str, default: str = '') -> str:
        known = self._values.get(key.lower())
        return known[1] if known else default

    def pop(self, key: str, default: str = '') -> str:
        value = self.get(key, default)
        if key in self:
            del self[key]
        return value

    def setdefault(self, key: str, value: str) -> str:
        if key not in self:
            self[key] = value
        return self[key]

    def update(self, pairs: abc.Mapping[str, str]) -> None:
        for key, value in dict(pairs).items():
            self[key] = value

    def copy(self) -> Dictionary:
        other = Dictionary()
        other._lines = list(self._lines)
        other._values = dict(self._values)
        return other

    def true(self, key: str, default: bool = False) -> bool:
        """Return a boolean; if it is invalid, the default, as VMware does."""
        word = self.get(key, '').strip().lower()
        if word in TRUE_WORDS:
            return True
        return False if word in FALSE_WORDS else default

    def integer(self, key: str, default: int = 0) -> int:
        """Return an integer; if it is invalid, the default."""
        try:
            return int(self.get(key, ''), 0)
        except ValueError:
            return default

    def text(self) -> str:
        out = []
        for kind, item in self._lines:
            if kind == 'key':
                key, value = self._values[item]
                item = '%s = "%s"' % (key, escape(value))
            out.append(item)
        return ''.join(line + '\n' for line in out)

    def _keep_verbatim(self, line: str) -> None:
        self._lines.append(('line', line))

    def _define(self, name: str, value: str) -> None:
        if name in self:
            raise Malformed('msg.dictionary.alreadyDefined',
                            'Variable "%s" is already defined.' % name)
        self[name] = value


def parse(text: str) -> Dictionary:
    """Parse a dictionary.

    One of the products' two parsers accepts lines that end in CR LF, the
    other does not (stricter: a CR is malformed).

    :raises Malformed: for a malformed line or a duplicate key.
    """
    result = Dictionary()
    lines = text.split('\n')
    if lines[-1] == '':
        lines.pop()
    for line in lines:
        pair = parse_line(line)
        if pair is None:
            result._keep_verbatim(line)
        else:
            result._define(*pair)
    return result


_PYTHON_CODECS = {
    'utf8': 'utf-8', 'usascii': 'ascii', 'ascii': 'ascii',
    'latin1': 'latin-1', 'big5': 'cp950', 'gbk': 'gbk', 'gb2312': 'gbk',
    'gb18030': 'gb18030', 'shiftjis': 'cp932', 'windows31j': 'cp932',
    'sjis': 'cp932', 'eucjp': 'euc_jp', 'euckr': 'cp949',
    'koi8r': 'koi8_r', 'ibm874': 'cp874', 'tis620': 'cp874',
    'windows9492000': 'cp949', 'windows9502000': 'cp950',
    'windows9362000': 'gbk', 'windows8742000': 'cp874',
    **{'iso8859%d' % part: 'iso8859-%d' % part for part in range(1, 17)
       if part != 12}}


def _codec(name: str) -> str:
    """Return Python's codec; VMware ignores case and punctuation."""
    lowered = re.sub('[^a-z0-9]', '', name.lower())
    if lowered.startswith('windows') and lowered[7:] in (
            '874', '932', '936', '949', '950', *map(str, range(1250, 1259))):
        return 'cp' + lowered[7:]
    try:
        return _PYTHON_CODECS[lowered]
    except KeyError:
        raise Malformed(
            'msg.dictionary.unsupportedEncoding',
            'Character encoding "%s" is not supported.' % name)


def decode(data: bytes) -> str:
    """Decode a file according to its own ``.encoding`` line.

    :raises Malformed: for an unknown encoding or invalid bytes.
    """
    if data.startswith(b'\xef\xbb\xbf'):
        data = data[3:]
    said = re.search(br'^[ \t]*\.encoding[ \t]*=[ \t]*"?([\w.:-]+)', data,
                     re.MULTILINE | re.IGNORECASE)
    codec = _codec(said.group(1).decode('ascii')) if said else 'utf-8'
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        raise Malformed('msg.dictionary.badEncoding',
                        'The file is not in its encoding, %s.' % codec)


def encode(dictionary: Dictionary) -> bytes:
    codec = _codec(dictionary.get('.encoding', 'UTF-8'))
    return dictionary.text().encode(codec, 'backslashreplace')


def read(path: str) -> Dictionary:
    """Read a dictionary file.

    :raises OSError: if it cannot be read.
    :raises Malformed: if it is not a dictionary.
    """
    with open(path, 'rb') as f:
        return parse(decode(f.read()))


def write(path: str, dictionary: Dictionary) -> None:
    """Replace ``path`` atomically, keeping its mode."""
    files.replace(path, encode(dictionary))
