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

"""The basis of a choice of hardware, and the description of its origin."""

from collections.abc import Mapping
import dataclasses
from typing import Generic
from typing import TypeVar

from nova_vmrun.catalog import properties as props
from nova_vmrun.catalog import row as rows
from nova_vmrun.catalog import table
from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles

T = TypeVar('T')
T_co = TypeVar('T_co', covariant=True)
V = TypeVar('V')

DEFAULT = 'default'
# How a comment in the .vmx names the place of a property.
_PLACES = {table.IMAGE: 'image property', table.FLAVOR: 'flavor'}


@dataclasses.dataclass(frozen=True)
class Choice(Generic[T_co]):
    """A value and a phrase that says where it comes from."""

    value: T_co
    origin: str


@dataclasses.dataclass(frozen=True)
class Property(Generic[T_co]):
    """A property that an image or a flavor sets.

    :ivar place: table.IMAGE or table.FLAVOR
    :ivar text: its value as it was written
    :ivar value: what the catalog reads from it
    """

    place: str
    name: str
    text: str
    value: T_co

    def choose(self, value: V, written: object = None) -> Choice[V]:
        """Return a Choice whose origin is this property.

        :param value: the choice
        :param written: how the origin spells the value; None: as it is
        """
        return Choice(value, '%s %s=%s' % (
            _PLACES[self.place], self.name,
            value if written is None else written))


@dataclasses.dataclass(frozen=True)
class Request:
    """Everything that determines the hardware of a server.

    :ivar properties: properties of the image
    :ivar extra_specs: extra specs of the flavor
    :ivar vcpus: number of vCPUs of the flavor
    :ivar hw_version: virtualHW.version
    :ivar image_adapter: ide or buslogic if VMware made the image's disk for
        that controller, else None
    """

    properties: Mapping[str, str]
    extra_specs: Mapping[str, str]
    guest: guestos.GuestOS
    vcpus: int
    hw_version: int
    image_adapter: str | None = None

    @property
    def profile(self) -> profiles.Profile:
        return profiles.PROFILES[self.guest.profile]

    @property
    def is_arm(self) -> bool:
        return self.guest.arch == guestos.AARCH64

    def default(self, value: V) -> Choice[V]:
        """Return a Choice whose origin is the guest's defaults."""
        return Choice(value, 'default of %s guests' % self.guest.profile)

    def image(self, row: rows.Row[T]) -> Property[T] | None:
        """Return what the image sets of a row of the catalog, or None.

        :raises InvalidProperty: a value outside the row's range
        """
        return _read(row, table.IMAGE, row.image, self.properties)

    def image_choice(self, row: rows.Row[T]) -> Choice[T | None]:
        """Return a Choice of what the image sets, None by default.

        :raises InvalidProperty: as image does
        """
        found = self.image(row)
        if found is None:
            return Choice(None, DEFAULT)
        return found.choose(found.value)

    def flavor(self, row: rows.Row[T]) -> Property[T] | None:
        """Return what the flavor sets, or None; raises what image raises."""
        return _read(row, table.FLAVOR, row.flavor, self.extra_specs)

    def flavor_or_image(self, row: rows.Row[T]) -> Property[T] | None:
        """Return what the flavor sets, or else the image, or None."""
        return self.flavor(row) or self.image(row)

    def unread(self, row: rows.Row[T]) -> tuple[str, str, str] | None:
        """Return what sets a row, the flavor before the image, or None.

        :returns: (place, name, text); the text may be outside the range
        """
        for place, names, values in (
                (table.FLAVOR, row.flavor, self.extra_specs),
                (table.IMAGE, row.image, self.properties)):
            name, text = props.first(values, names)
            if name is not None and text is not None:
                return place, name, text
        return None


def _read(row: rows.Row[T], place: str, names: tuple[str, ...],
          values: Mapping[str, str]) -> Property[T] | None:
    name, text = props.first(values, names)
    if name is None or text is None:
        return None
    return Property(place, name, text, row.kind.read(name, text))
