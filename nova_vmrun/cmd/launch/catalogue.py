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

"""Cloud images that are known by name."""

from collections.abc import Mapping
import dataclasses
import difflib
import enum
import importlib.resources
import os
import pathlib
import re
import tomllib
from typing import Any
from urllib import parse

from nova_vmrun import exception

# The names of architectures in the catalogue, and in Glance and on hosts.
ARCHITECTURES = {'amd64': 'x86_64', 'arm64': 'aarch64'}
ALGORITHMS = frozenset(['md5', 'sha256', 'sha512'])
# The last message of cloud-init, unless its configuration changes it.
CLOUD_INIT_IS_READY = r'Cloud-init v\. .* finished at '
_NAME = re.compile(r'[a-z0-9][a-z0-9._-]{0,62}')
_USER = re.compile(r'[a-z_][a-z0-9_-]{0,31}')
_PROPERTY = re.compile(r'[a-z][a-z0-9_]{0,254}')
_OWN_FILE = 'images.toml'


class ChecksumFormat(enum.Enum):
    """What a file of checksums contains.

    :cvar LIST: digests of files that it names
    :cvar SINGLE: the digest of one file, whatever name it gives
    """

    LIST = 'list'
    SINGLE = 'single'


@dataclasses.dataclass(frozen=True)
class Build:
    """An image for one architecture.

    :ivar address: of the image
    :ivar checksums: address of the file of checksums; None: the publisher has
        none
    """

    address: str
    checksums: str | None


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the catalogue says about an image.

    :ivar user: the user to log in as
    :ivar min_disk: GiB
    :ivar min_memory: MiB
    :ivar algorithm: of the checksums, as hashlib names it
    :ivar ready: regular expression for the line of the console that ends the
        first boot
    :ivar properties: of the image in Glance
    :ivar builds: by architecture, amd64 or arm64
    """

    name: str
    title: str
    user: str
    min_disk: int
    min_memory: int
    algorithm: str
    checksum_format: ChecksumFormat
    ready: str
    properties: Mapping[str, str]
    builds: Mapping[str, Build]

    def build(self, architecture: str) -> Build:
        """Return the build for an architecture.

        :param architecture: amd64 or arm64
        :raises InvalidInput: there is none
        """
        if architecture not in self.builds:
            raise exception.InvalidInput(
                'There is no image of %s for %s.' % (self.name, architecture),
                'There is one for %s.' % ' and '.join(sorted(self.builds)),
                'Choose another image.')
        return self.builds[architecture]


class Catalogue:
    """The images that are known by name.

    :ivar entries: by name
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries

    def find(self, name: str) -> Entry | None:
        return self.entries.get(name.lower())

    def close_names(self, name: str) -> list[str]:
        """Return names that a user could have meant."""
        begins = [known for known in self.entries
                  if known.startswith(name.lower() + '-')]
        return begins or difflib.get_close_matches(name.lower(), self.entries)


def own_file() -> pathlib.Path:
    """Return the path of the user's own catalogue, which need not exist."""
    base = os.environ.get('XDG_CONFIG_HOME')
    if not base or not os.path.isabs(base):
        base = os.path.join(os.path.expanduser('~'), '.config')
    return pathlib.Path(base, 'nova-vmrun', _OWN_FILE)


def load(own: pathlib.Path | None = None) -> Catalogue:
    """Read our catalogue and the user's own, whose entries take precedence.

    :param own: the user's file, which must exist; None: the default one, if
        it exists
    :raises InvalidInput: an entry is wrong
    """
    entries = _load_ours()
    path = own or own_file()
    if own or path.exists():
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError as error:
            raise _wrong(str(path), '%s.' % error) from None
        entries.update(parse_entries(text, str(path)))
    return Catalogue(entries)


def names() -> list[str]:
    """Return the names of our own images."""
    return sorted(_load_ours())


def _load_ours() -> dict[str, Entry]:
    text = importlib.resources.files(__package__).joinpath(
        _OWN_FILE).read_text(encoding='utf-8')
    return parse_entries(text, 'the catalogue of nova-vmrun')


def parse_entries(text: str, origin: str) -> dict[str, Entry]:
    """Return the entries of a catalogue.

    :param text: TOML
    :param origin: the file it is from, for errors
    :raises InvalidInput: an entry is wrong
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(origin, '%s.' % error) from None
    return {name: _entry(name, table, origin)
            for name, table in tables.items()}


def is_address(text: str) -> bool:
    """Return whether a text is the address of something on the web."""
    return parse.urlsplit(text).scheme in ('http', 'https')


class _Table:
    """Takes the values of one entry, and refuses what is left."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict):
            raise exception.InvalidInput('%s is not a table.' % where)
        self._values: dict[str, Any] = dict(values)
        self.where = where

    def text(self, key: str, default: str | None = None,
             pattern: re.Pattern[str] | None = None) -> str:
        value = self._values.pop(key, default)
        if (not isinstance(value, str) or not value.isprintable() or
                not value or (pattern and not pattern.fullmatch(value))):
            raise self.wrong(key, value)
        return value

    def number(self, key: str) -> int:
        value = self._values.pop(key, None)
        if (not isinstance(value, int) or isinstance(value, bool) or
                not 0 < value < 1 << 20):
            raise self.wrong(key, value)
        return value

    def address(self, key: str) -> str:
        value = self.text(key)
        if not is_address(value) or not parse.urlsplit(value).hostname:
            raise self.wrong(key, value)
        return value

    def table(self, key: str) -> dict[str, Any]:
        value = self._values.pop(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, value)
        return value

    def has(self, key: str) -> bool:
        return key in self._values

    def end(self) -> None:
        if self._values:
            raise exception.InvalidInput(
                '%s has unknown keys.' % self.where,
                'They are %s.' % ', '.join(sorted(self._values)),
                'Correct their names.')

    def wrong(self, key: str, value: object) -> exception.InvalidInput:
        if value is None:
            return exception.InvalidInput(
                '%s has no value for %s.' % (self.where, key))
        return exception.InvalidInput(
            '%s has the value %r for %s, which cannot be used.'
            % (self.where, value, key))


def _entry(name: str, values: object, origin: str) -> Entry:
    where = 'Image %s in %s' % (name, origin)
    if not _NAME.fullmatch(name):
        raise exception.InvalidInput(
            '%s cannot have this name.' % where, '',
            'Use lower-case letters, digits, dots, dashes and underscores.')
    table = _Table(values, where)
    algorithm = table.text('algorithm', 'sha256')
    if algorithm not in ALGORITHMS:
        raise table.wrong('algorithm', algorithm)
    form = table.text('checksum_format', 'list')
    try:
        checksum_format = ChecksumFormat(form)
    except ValueError:
        raise table.wrong('checksum_format', form) from None
    ready = table.text('ready', CLOUD_INIT_IS_READY)
    try:
        re.compile(ready)
    except re.error:
        raise table.wrong('ready', ready) from None
    properties = table.table('properties')
    for key, value in properties.items():
        if not _PROPERTY.fullmatch(key) or not isinstance(value, str):
            raise table.wrong('properties.' + key, value)
    builds = {architecture: _build(build, '%s, %s' % (where, architecture))
              for architecture, build in table.table('builds').items()}
    if not builds or not set(builds) <= set(ARCHITECTURES):
        raise table.wrong('builds', sorted(builds) or None)
    entry = Entry(name, table.text('title', name),
                  table.text('user', pattern=_USER), table.number('min_disk'),
                  table.number('min_memory'), algorithm, checksum_format,
                  ready, properties, builds)
    table.end()
    return entry


def _build(values: object, where: str) -> Build:
    table = _Table(values, where)
    build = Build(table.address('address'), table.address('checksums')
                  if table.has('checksums') else None)
    table.end()
    return build


def _wrong(origin: str, details: str) -> exception.InvalidInput:
    return exception.InvalidInput(
        'Cannot read the images in %s.' % origin, details,
        'Correct the file; the documentation describes its format.')
