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

"""What is known of each key of a .vmx: its type, its place, who writes it.

One table, so that rendering (which keys may be written at all), reading
(grouping, secrets) and checking (types, spellings) agree.
"""

import dataclasses
import re

from nova_vmrun.catalog import options
from nova_vmrun.formats.vmx import keys_table

# The order in which groups are shown, and their headings.
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
    'guest': 'What the guest is told',
    'tools': 'VMware Tools and time',
    'isolation': 'Isolation from the host',
    'power': 'Power, dialogs and logs',
    'state': 'State that VMware keeps',
    'encryption': 'Encryption',
    'unknown': 'Unknown',
}

_DIGITS = re.compile('[0-9]+')


@dataclasses.dataclass(frozen=True)
class Key:
    """A row of the table.

    :ivar pattern: the key in VMware's spelling; ``#`` is any number, a ``*``
        at the end any text
    :ivar kind: text, bool, int, path, uuid, mac, or the allowed values
        joined with ``|``
    :ivar group: one of GROUPS
    :ivar ours: whether the driver sets it for each server
    :ivar constant: whether a template may set it
    :ivar vmware: whether VMware itself writes it
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
    for group, rows in keys_table.ROWS.items():
        for row in rows.strip().splitlines():
            pattern, kind, writers, about = row.split(None, 3)
            ours = 'o' in writers or pattern in options.KEYS
            entry = Key(pattern, kind, group, ours, 't' in writers,
                        'v' in writers, 's' in writers, about)
            if pattern.endswith('*'):
                prefixes.append((_normal(pattern[:-1]), entry))
            else:
                exact[_normal(pattern)] = entry
    prefixes.sort(key=lambda item: -len(item[0]))
    return exact, prefixes


_EXACT, _PREFIXES = _read_table()


def find(key: str) -> Key:
    """Looks a key up.

    :param key: in any case
    :returns: a Key; UNKNOWN if the table does not have it
    """
    normal = _normal(key)
    if normal in _EXACT:
        return _EXACT[normal]
    for prefix, entry in _PREFIXES:
        if normal.startswith(prefix):
            return entry
    return UNKNOWN


def table() -> list[Key]:
    """All rows, in the order of the groups."""
    rows = list(_EXACT.values()) + [entry for _, entry in _PREFIXES]
    order = list(GROUPS)
    return sorted(rows, key=lambda row: order.index(row.group))
