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

"""The catalog: all image properties and extra specs that Nova knows.

Each is obeyed, refused or ignored. It is the one place that says so: the
choice of hardware, the checks and the documentation read it.
"""

import re
import typing

from nova_vmrun.catalog import ignored
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import options
from nova_vmrun.catalog import refused
from nova_vmrun.catalog import row
from nova_vmrun import exception

IMAGE = 'image'
FLAVOR = 'flavor'
BOTH = frozenset([IMAGE, FLAVOR])
ROWS: tuple[row.Row, ...] = (
    refused.ROWS + ignored.ROWS + obeyed.ROWS + options.ROWS)


def _index(where: str) -> tuple[dict[str, row.Row],
                                list[tuple[re.Pattern[str], row.Row]]]:
    exact, patterns = {}, []
    for each in ROWS:
        for name in getattr(each, where):
            if '*' in name or '#' in name:
                text = re.escape(name).replace(r'\*', '.*')
                patterns.append(
                    (re.compile(text.replace(r'\#', '[0-9]+')), each))
            else:
                exact[name] = each
    return exact, patterns


_EXACT: dict[str, dict[str, row.Row]] = {}
_PATTERNS: dict[str, list[tuple[re.Pattern[str], row.Row]]] = {}
for _where in BOTH:
    _EXACT[_where], _PATTERNS[_where] = _index(_where)


def find(name: str, where: str) -> row.Row | None:
    """Looks a property up.

    :param name: as an image or a flavor has it
    :param where: IMAGE or FLAVOR
    :returns: None if neither Nova nor we know it
    """
    known = _EXACT[where].get(name)
    if known is not None:
        return known
    for pattern, each in _PATTERNS[where]:
        if pattern.fullmatch(name):
            return each
    return None


def disobeyed(properties: typing.Mapping[str, str],
              extra_specs: typing.Mapping[str, str],
              fresh: frozenset[str] = BOTH) -> tuple[str, ...]:
    """Finds what a server does not get, and refuses what it must not lack.

    Only what a user chooses now is refused. A server that was built with a
    property that is refused today can still be started.

    :param properties: of the image
    :param extra_specs: of the flavor
    :param fresh: which of IMAGE and FLAVOR a user chooses now
    :returns: names that the log should mention
    :raises InvalidProperty: something that is chosen now is refused
    """
    found = []
    for where, values in ((IMAGE, properties), (FLAVOR, extra_specs)):
        for name, value in sorted(values.items()):
            if _is_disobeyed(name, value, where, where in fresh):
                found.append(name)
    return tuple(found)


def _is_disobeyed(name: str, value: str, where: str, is_fresh: bool) -> bool:
    known = find(name, where)
    if isinstance(known, row.Ignored):
        return known.warns
    # An empty value is how an image takes a property back.
    if (not isinstance(known, row.Refused) or value == '' or
            known.accepts(name, value)):
        return False
    if is_fresh:
        raise exception.InvalidProperty(
            name, value, known.about,
            'Use another %s, or a host of another kind.' % where)
    return True
