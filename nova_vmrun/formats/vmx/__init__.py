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

"""The grammar of a .vmx: parsing and writing.

A .vmx is a dictionary with one ``name = "value"`` per line. The parser accepts
what VMware's own parser accepts (open-vm-tools, dictll.c and escape.c): names
ignore case, a repeated name or a malformed line makes VMware refuse the whole
file, and ``|HH`` in a value stands for the byte with that hexadecimal number.
.vmsd files and VMware's preferences have the same grammar.
"""

from collections import abc
import dataclasses
import re

from nova_vmrun import exception
from nova_vmrun.formats import encodings

ENCODING = '.encoding'
# The key that names the file with the memory of a suspended VM. If it is
# missing or empty, the VM is not suspended.
MEMORY = 'checkpoint.vmState'

# Possessive quantifiers avoid quadratic time for a long line of blanks.
_LINE = re.compile(
    r'[ \t]*+(?P<key>[^ \t=#\ufeff]++)[ \t]*+=[ \t]*+'
    r'(?:"(?P<quoted>[^"]*+)"|(?P<bare>[^ \t#"][^ \t#]*+)?+)'
    r'[ \t]*+(?P<comment>#.*+)?', re.DOTALL)
_LINE_END = re.compile('\r\n|\n|\r')
_BLANK = re.compile(r'[ \t]*+(?P<comment>#.*+)?', re.DOTALL)
_ESCAPES = re.compile(r'(?:\|[0-9A-Fa-f]{2})+')
_TO_ESCAPE = re.compile('["|\x00-\x08\x0a-\x1f\x7f]')
_CONTROL = re.compile('[\x00-\x08\x0a-\x1f\x7f-\x9f]')
_SURROGATE = re.compile('[\ud800-\udfff]')
_BAD_KEY = re.compile('[\0\t\n\r =#\ufeff]')
_ENCODING_LINE = encodings.line_of(ENCODING)


class Vmx(abc.MutableMapping[str, str]):
    """An ordered mapping of text to text whose keys ignore case.

    A key keeps the spelling and the position that it got first. Two mappings
    are equal if they have the same names and values in any order.
    """

    def __init__(self, items: abc.Mapping[str, str] |
                 abc.Iterable[tuple[str, str]] = ()) -> None:
        self._entries: dict[str, tuple[str, str]] = {}
        self.update(items)

    def __getitem__(self, key: str) -> str:
        return self._entries[key.lower()][1]

    def __setitem__(self, key: str, value: str) -> None:
        spelling = self._entries.get(key.lower(), (key,))[0]
        self._entries[key.lower()] = (spelling, value)

    def __delitem__(self, key: str) -> None:
        del self._entries[key.lower()]

    def __iter__(self) -> abc.Iterator[str]:
        return (key for key, value in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._entries

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, abc.Mapping):
            return NotImplemented
        return self._folded() == Vmx(other)._folded()

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        return 'Vmx(%r)' % dict(self.items())

    def _folded(self) -> dict[str, str]:
        return {key: value for key, (_, value) in self._entries.items()}

    def copy(self) -> 'Vmx':
        return Vmx(self)

    def get_bool(self, key: str, default: bool = False) -> bool:
        """Return the value of TRUE or FALSE, in any case.

        :returns: the default if the key is missing or has another value, as in
            VMware
        """
        return {'true': True, 'false': False}.get(
            self.get(key, '').lower(), default)

    def get_int(self, key: str, default: int = 0) -> int:
        """Return a decimal integer, or the default as get_bool does."""
        value = self.get(key, '')
        if re.fullmatch(r'-?[0-9]{1,20}', value):
            return int(value)
        return default


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a file.

    :ivar number: counted from 1
    :ivar key: None for blank lines, comments and malformed lines
    :ivar value: value with its escapes decoded
    :ivar comment: text after the ``#``, or None
    :ivar problem: why the line is malformed, or None
    :ivar is_quoted: whether the value is in quotation marks
    """

    number: int
    key: str | None = None
    value: str = ''
    comment: str | None = None
    problem: str | None = None
    is_quoted: bool = False


def decode(data: bytes) -> tuple[str, str]:
    """Decode a file in the encoding that it names.

    :param data: the file; a UTF-8 byte order mark is tolerated
    :returns: the text, and the encoding's name in Python
    :raises InvalidVmx: the encoding is unknown, or the bytes are not valid in
        it
    """
    try:
        return encodings.decode(data, _ENCODING_LINE)
    except encodings.Unknown as error:
        raise exception.InvalidVmx(error.brief, resolution=error.resolution)
    except UnicodeDecodeError as error:
        raise exception.InvalidVmx(
            'The file is not valid %s.' % error.encoding,
            'Byte %d: %s.' % (error.start, error.reason))


def undecodable(data: bytes) -> tuple[int, str] | None:
    """Return why a file cannot be decoded, or None if it can.

    :returns: the number of the line at fault, and a sentence
    """
    try:
        encodings.decode(data, _ENCODING_LINE)
        return None
    except encodings.Unknown as error:
        match = _ENCODING_LINE.search(data)
        named_at = match.start(1) if match else 0
        return data.count(b'\n', 0, named_at) + 1, error.brief
    except UnicodeDecodeError as error:
        # The byte order mark is removed before the text is decoded.
        ahead = len(data) - len(error.object)
        return (data.count(b'\n', 0, ahead + error.start) + 1,
                'It contains a byte that is not valid %s.' % error.encoding)


def load(data: bytes) -> 'Vmx':
    """Parse the bytes of a file.

    :raises InvalidVmx: as decode and parse do
    """
    text, encoding = decode(data)
    return parse(text, encoding)


def scan(text: str, encoding: str = 'utf-8') -> abc.Iterator[Line]:
    """Yield the lines of a file, including malformed ones.

    :param encoding: encoding of the bytes that ``|HH`` stands for
    """
    # VMware's reader only ends a line at \n, \r\n and \r.
    lines = _LINE_END.split(text.removeprefix('\ufeff'))
    for number, line in enumerate(lines, 1):
        yield _scan_line(number, line, encoding)


def _scan_line(number: int, line: str, encoding: str) -> Line:
    if '\0' in line or _SURROGATE.search(line):
        return Line(number, problem='it contains a NUL or a broken character')
    match = _BLANK.fullmatch(line)
    if match:
        return Line(number, comment=_comment(match))
    match = _LINE.fullmatch(line)
    if not match:
        return Line(number, problem=_problem(line))
    value = match.group('quoted')
    if value is None:
        value = match.group('bare') or ''
    try:
        value = _unescape(value, encoding)
    except UnicodeDecodeError:
        return Line(number, problem='an escape (|HH) stands for no character')
    return Line(number, match.group('key'), value, _comment(match),
                is_quoted=match.group('quoted') is not None)


def _comment(match: re.Match[str]) -> str | None:
    comment = match.group('comment')
    return None if comment is None else comment[1:].strip()


def _problem(line: str) -> str:
    if '=' not in line:
        return 'it has no "="'
    if line.count('"') % 2:
        return 'a quotation mark is missing'
    return 'it is not of the form name = "value"'


def _unescape(value: str, encoding: str) -> str:
    def decoded(match: re.Match[str]) -> str:
        escapes = match.group()
        return bytes.fromhex(escapes.replace('|', '')).decode(encoding)
    return _ESCAPES.sub(decoded, value)


def parse(text: str, encoding: str = 'utf-8') -> Vmx:
    """Parse a .vmx.

    :param encoding: encoding of the bytes that ``|HH`` stands for
    :returns: the settings; comments are dropped, as VMware drops them
    :raises InvalidVmx: a line is malformed, or a name is repeated; nothing
        else is raised
    """
    result = Vmx()
    for line in scan(text, encoding):
        if line.problem:
            raise exception.InvalidVmx(
                'Line %d is malformed: %s.' % (line.number, line.problem),
                resolution='VMware refuses the whole file. Correct the line.')
        if line.key is None:
            continue
        if line.key in result:
            raise exception.InvalidVmx(
                'Line %d defines %s a second time.' % (line.number, line.key),
                resolution='VMware refuses the whole file. Delete one of '
                           'the lines.')
        result[line.key] = line.value
    return result


def quote(value: str, allow_controls: bool = False) -> str:
    """Return the quoted and escaped form of a value.

    :param allow_controls: whether control characters are escaped, as VMware
        does, rather than refused; a tab is never escaped
    :returns: what follows ``name =``, including the quotation marks
    :raises InvalidText: a control character, or half of a surrogate pair
    """
    if not allow_controls:
        match = _CONTROL.search(value)
        if match:
            raise exception.InvalidText(
                'The text %r contains the control character U+%04X.'
                % (value[:80], ord(match.group())),
                resolution='Use printable characters only.')
    if _SURROGATE.search(value):
        raise exception.InvalidText(
            'The text %r contains half of a surrogate pair.' % value[:80],
            resolution='Use printable characters only.')
    escaped = _TO_ESCAPE.sub(lambda m: '|%02X' % ord(m.group()), value)
    return '"%s"' % escaped


def entry(key: str, value: str, allow_controls: bool = False) -> str:
    """Return one line, without the line break.

    :raises InvalidText: the name or the value cannot be written
    """
    if not key or _BAD_KEY.search(key) or _SURROGATE.search(key):
        raise exception.InvalidText('%r cannot be the name of a setting.'
                                    % key)
    return '%s = %s' % (key, quote(value, allow_controls))


def dump(vmx: abc.Mapping[str, str],
         controls: abc.Container[str] = ('annotation',)) -> str:
    r"""Return the text of a .vmx, in the form that VMware writes.

    Lines end in ``\n`` on every platform.

    :param controls: names (in lower case, or a Vmx) whose values may contain
        control characters; to write a file from VMware back, the Vmx that it
        was parsed to
    :raises InvalidText: another value contains a control character
    """
    return ''.join(
        entry(key, value, key.lower() in controls) + '\n'
        for key, value in vmx.items())
