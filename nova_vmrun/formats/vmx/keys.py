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

"""The table of .vmx keys: their types, groups and writers.

Rendering (which keys may be written at all), reading (grouping, secrets) and
checking (types, spellings) all use this table.
"""

from collections.abc import Iterator
import dataclasses
import re

from nova_vmrun.catalog import options
from nova_vmrun.formats.vmx import keys_table

# Groups and their headings, in the order of display.
GROUPS = {
    'file': 'File format',
    'identity': 'Identity',
    'cpu': 'CPU and memory',
    'firmware': 'Firmware and boot',
    'pci': 'PCI',
    'storage': 'Disks and drives',
    'network': 'Network',
    'serial': 'Serial ports',
    'console': 'Console and display',
    'devices': 'Other devices',
    'guest': 'Information for the guest',
    'tools': 'VMware Tools and time',
    'isolation': 'Isolation from the host',
    'power': 'Power, dialogs and logs',
    'state': 'State that VMware keeps',
    'encryption': 'Encryption',
    'unknown': 'Unknown',
}

_DIGITS = re.compile('[0-9]+')
_LISTED = frozenset(row.split()[0] for rows in keys_table.ROWS.values()
                    for row in rows.strip().splitlines())


@dataclasses.dataclass(frozen=True)
class Key:
    """A row of the table.

    :ivar pattern: the key in VMware's spelling; ``#`` is any number and a
        ``*`` at the end is any text
    :ivar kind: text, bool, int, path, uuid, mac, or the allowed values
        joined with ``|``
    :ivar group: one of GROUPS
    :ivar ours: whether the driver sets it for each server
    :ivar constant: whether a template may set it
    :ivar vmware: whether VMware writes it
    :ivar secret: whether its value must not be shown
    :ivar about: what it does
    """

    pattern: str
    kind: str
    group: str
    ours: bool
    constant: bool
    vmware: bool
    secret: bool
    about: str

    @property
    def values(self) -> tuple[str, ...]:
        """The allowed values of an enumeration, else an empty tuple."""
        return tuple(self.kind.split('|')) if '|' in self.kind else ()


UNKNOWN = Key('*', 'text', 'unknown', False, False, False, False, '')


def _normal(key: str) -> str:
    return _DIGITS.sub('#', key.lower())


def _read_table() -> tuple[dict[str, Key], list[tuple[str, Key]]]:
    exact, prefixes = {}, []
    for key in _rows():
        if key.pattern.endswith('*'):
            prefixes.append((_normal(key.pattern[:-1]), key))
        else:
            exact[_normal(key.pattern)] = key
    prefixes.sort(key=lambda item: -len(item[0]))
    return exact, prefixes


def _rows() -> Iterator[Key]:
    for group, rows in keys_table.ROWS.items():
        for row in rows.strip().splitlines():
            pattern, kind, writers, about = row.split(None, 3)
            ours = 'o' in writers or pattern in options.BY_KEY
            yield Key(pattern, kind, group, ours, 't' in writers,
                      'v' in writers, 's' in writers, about)
    for name, option in options.BY_KEY.items():
        if name not in _LISTED:
            yield Key(name, option.writer.kind_of(name), option.group, True,
                      False, False, False, option.about)


_EXACT, _PREFIXES = _read_table()


def find(key: str) -> Key:
    """Return the row of a key, whatever its case; UNKNOWN if it has none."""
    normal = _normal(key)
    if normal in _EXACT:
        return _EXACT[normal]
    for prefix, entry in _PREFIXES:
        if normal.startswith(prefix):
            return entry
    return UNKNOWN


def table() -> list[Key]:
    """Return all rows, in the order of the groups."""
    rows = list(_EXACT.values()) + [entry for _, entry in _PREFIXES]
    order = list(GROUPS)
    return sorted(rows, key=lambda row: order.index(row.group))
