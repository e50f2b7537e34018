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

Each is obeyed, refused or ignored. The choice of hardware, the checks and the
documentation all read it from here.
"""

from collections.abc import Mapping
import dataclasses
import fnmatch
import re

from nova_vmrun.catalog import ignored
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import options
from nova_vmrun.catalog import refused
from nova_vmrun.catalog import row
from nova_vmrun import exception

IMAGE = 'image'
FLAVOR = 'flavor'
BOTH = frozenset([IMAGE, FLAVOR])
ROWS: tuple[row.Row[object], ...] = (
    *refused.ROWS, *ignored.ROWS, *obeyed.ROWS, *options.ROWS)


# How a flavor or an image requires a trait of the host.
_REQUIRED_TRAIT = re.compile('trait[0-9A-Za-z_-]*:.+')


class _Index:
    """The rows by their names on images or on flavors."""

    def __init__(self, place: str) -> None:
        self._exact: dict[str, row.Row[object]] = {}
        self._patterns: list[tuple[re.Pattern[str], row.Row[object]]] = []
        for each in ROWS:
            for name in each.image if place == IMAGE else each.flavor:
                if '*' in name or '#' in name:
                    text = re.escape(name).replace(r'\*', '.*')
                    self._patterns.append(
                        (re.compile(text.replace(r'\#', '[0-9]+')), each))
                else:
                    self._exact[name] = each

    def find(self, name: str) -> row.Row[object] | None:
        if name in self._exact:
            return self._exact[name]
        return next((each for pattern, each in self._patterns
                     if pattern.fullmatch(name)), None)


_INDEXES = {place: _Index(place) for place in BOTH}


def find(name: str, place: str) -> row.Row[object] | None:
    """Return the row of a property.

    :param name: name on an image or a flavor
    :param place: IMAGE or FLAVOR
    :returns: None if neither Nova nor the driver knows it
    """
    return _INDEXES[place].find(name)


def find_disobeyed(properties: Mapping[str, str],
                   extra_specs: Mapping[str, str],
                   chosen_now: frozenset[str] = BOTH) -> tuple[str, ...]:
    """Return properties that are not obeyed though somebody may rely on them.

    Only what a user chooses now is refused. A server can still be started if
    it was built with a property that is refused today.

    :param properties: properties of the image
    :param extra_specs: extra specs of the flavor
    :param chosen_now: which of IMAGE and FLAVOR a user chooses now
    :returns: names for the log to mention
    :raises InvalidProperty: something that is chosen now is refused
    """
    found = []
    for place, values in ((IMAGE, properties), (FLAVOR, extra_specs)):
        for name, value in sorted(values.items()):
            if _is_disobeyed(name, value, place, place in chosen_now):
                found.append(name)
    return tuple(found)


def _is_disobeyed(name: str, value: str, place: str,
                  is_chosen_now: bool) -> bool:
    each = find(name, place)
    if isinstance(each, row.Ignored):
        return each.warns
    # An empty value is how an image takes a property back.
    if (not isinstance(each, row.Refused) or value == '' or
            each.accepts(name, value)):
        return False
    if is_chosen_now:
        raise exception.InvalidProperty(
            name, value, each.about, 'Use another %s, or a host with another '
            'hypervisor.' % place)
    return True


@dataclasses.dataclass(frozen=True)
class Unmet:
    """A property for which Nova's scheduler finds no host with VMware.

    :ivar place: IMAGE or FLAVOR
    :ivar row: says why, and what to do
    """

    name: str
    value: str
    place: str
    row: row.Refused


def find_unmet(properties: Mapping[str, str],
               extra_specs: Mapping[str, str]) -> list[Unmet]:
    """Return the properties that keep a server away from hosts with VMware.

    :param properties: properties of the image
    :param extra_specs: extra specs of the flavor
    """
    found = []
    for place, values in ((IMAGE, properties), (FLAVOR, extra_specs)):
        for name, value in sorted(values.items()):
            each = find(name, place)
            if _REQUIRED_TRAIT.fullmatch(name) and value == 'required':
                each = find_by_trait(name.partition(':')[2])
            if (isinstance(each, row.Refused) and each.scheduler and
                    value != '' and not each.accepts(name, value)):
                found.append(Unmet(name, value, place, each))
    return found


def find_by_trait(trait: str) -> row.Refused | None:
    """Return the row that says why no host with VMware has a trait."""
    return next((each for each in refused.ROWS
                 if fnmatch.fnmatchcase(trait, each.scheduler)), None)
