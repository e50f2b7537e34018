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

"""What the value of a property can be: how it is read and documented."""

import dataclasses
import typing

from nova_vmrun.catalog import properties


class Kind:
    """Any text. Subclasses accept less."""

    def read(self, name: str, text: str) -> typing.Any:
        """Reads a value.

        :param name: of the property, for the error
        :raises InvalidProperty: the value is outside its range
        """
        return text

    def describe(self) -> str:
        """Returns what the documentation says about the values, in reST."""
        return ''


class Boolean(Kind):
    """A boolean, in the spellings that Nova accepts."""

    def read(self, name: str, text: str) -> bool:
        return properties.boolean(name, text)

    def describe(self) -> str:
        return 'A boolean.'


@dataclasses.dataclass(frozen=True)
class Integer(Kind):
    """A decimal number within limits."""

    minimum: int
    maximum: int

    def read(self, name: str, text: str) -> int:
        return properties.integer(name, text, self.minimum, self.maximum)

    def describe(self) -> str:
        return 'A number from %d to %d.' % (self.minimum, self.maximum)


@dataclasses.dataclass(frozen=True)
class Word(Kind):
    """One word of a table, in any case.

    :ivar words: words in lower case to what they mean
    """

    words: typing.Mapping[str, typing.Any]

    def read(self, name: str, text: str) -> typing.Any:
        return properties.one_of(name, text, self.words)

    def describe(self) -> str:
        return _listed(self.words)


@dataclasses.dataclass(frozen=True)
class Words(Word):
    """Several words of a table, separated by commas."""

    def read(self, name: str, text: str) -> tuple[typing.Any, ...]:
        return properties.words(name, text, self.words)

    def describe(self) -> str:
        return _listed(self.words).replace('.', ', separated by commas.')


@dataclasses.dataclass(frozen=True)
class ImageIds(Kind):
    """Ids of images in Glance, separated by commas.

    :ivar several: whether more than one is allowed
    """

    several: bool

    def read(self, name: str, text: str) -> tuple[str, ...]:
        return properties.image_ids(name, text)

    def describe(self) -> str:
        if self.several:
            return 'Ids of images, separated by commas.'
        return 'The id of an image.'


TEXT = Kind()
BOOLEAN = Boolean()


def _listed(words: typing.Iterable[str]) -> str:
    return '%s.' % ', '.join('``%s``' % word for word in words)
