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

"""What a choice of hardware is made from, and how its origin is told."""

from collections.abc import Mapping
import dataclasses
import typing

from nova_vmrun.catalog import properties as props
from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles

IMAGE = 'image property'
FLAVOR = 'flavor'


class Choice(typing.NamedTuple):
    """A value and a phrase that says what set it."""

    value: typing.Any
    origin: str


class Asked(typing.NamedTuple):
    """A property that is set.

    Its kind is IMAGE or FLAVOR; all three are empty if none is set.
    """

    kind: str
    name: str
    value: str

    def choose(self, value: object, shown: object = None) -> Choice:
        """Makes a Choice that names this property.

        :param value: what was chosen for it, a constant of ours
        :param shown: how the value is shown, if not as it is
        """
        return Choice(value, '%s %s=%s' % (
            self.kind, self.name, value if shown is None else shown))


_NOTHING = Asked('', '', '')


@dataclasses.dataclass(frozen=True)
class Request:
    """What is known of a server before its hardware is chosen.

    :ivar properties: of the image
    :ivar extra_specs: of the flavor
    :ivar guest: a GuestOS
    :ivar vcpus: of the flavor
    :ivar hw_version: virtualHW.version
    :ivar image_adapter: ide, buslogic or None: what the image's disk says
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

    def default(self, value: object) -> Choice:
        """Makes a Choice that names the guest's defaults."""
        return Choice(value,
                      'default of %s guests' % self.guest.profile)

    def image(self, *names: str) -> Asked:
        """Finds the first image property that is set."""
        name, value = props.first(self.properties, names)
        return Asked(IMAGE, name, value) if name and value else _NOTHING

    def flavor(self, *names: str) -> Asked:
        """Finds the first extra spec that is set."""
        name, value = props.first(self.extra_specs, names)
        return Asked(FLAVOR, name, value) if name and value else _NOTHING

    def either(self, image_name: str, spec_name: str) -> Asked:
        """Finds an extra spec, or else the image property."""
        asked = self.flavor(spec_name)
        return asked if asked.name else self.image(image_name)
