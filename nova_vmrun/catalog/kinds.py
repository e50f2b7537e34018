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

"""Kinds of property values: how each is read, checked and documented."""

import collections.abc
import dataclasses
from typing import Generic
from typing import TypeVar

from nova_vmrun.catalog import properties

T = TypeVar('T')
T_co = TypeVar('T_co', covariant=True)


class Kind(Generic[T_co]):
    """The values that a property can have."""

    def read(self, name: str, text: str) -> T_co:
        """Return the value that a text stands for.

        :param name: name of the property, for the error
        :raises InvalidProperty: the value is outside its range
        """
        raise NotImplementedError

    def allows(self, value: object) -> bool:
        """Return whether read() can return a value."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return the sentence that documents the values, in reST."""
        raise NotImplementedError


class Text(Kind[str]):
    """Any text; its user checks it."""

    def read(self, name: str, text: str) -> str:
        return text

    def allows(self, value: object) -> bool:
        return isinstance(value, str)

    def describe(self) -> str:
        return ''


class Boolean(Kind[bool]):
    """A boolean, in the spellings that Nova accepts."""

    def read(self, name: str, text: str) -> bool:
        return properties.boolean(name, text)

    def allows(self, value: object) -> bool:
        return isinstance(value, bool)

    def describe(self) -> str:
        return 'A boolean.'


@dataclasses.dataclass(frozen=True)
class Integer(Kind[int]):
    """A decimal number within limits, both included."""

    minimum: int
    maximum: int

    def read(self, name: str, text: str) -> int:
        return properties.integer(name, text, self.minimum, self.maximum)

    def allows(self, value: object) -> bool:
        return (isinstance(value, int) and
                self.minimum <= value <= self.maximum)

    def describe(self) -> str:
        return 'A number from %d to %d.' % (self.minimum, self.maximum)


@dataclasses.dataclass(frozen=True)
class Word(Kind[T]):
    """One word of a table, in any case.

    :ivar words: words in lower case to what they mean
    """

    words: collections.abc.Mapping[str, T]

    def read(self, name: str, text: str) -> T:
        return properties.one_of(name, text, self.words)

    def allows(self, value: object) -> bool:
        return value in self.words.values()

    def describe(self) -> str:
        return _listed(self.words) + '.'


@dataclasses.dataclass(frozen=True)
class Words(Kind[tuple[T, ...]]):
    """Several words of a table, separated by commas, each only once.

    :ivar words: as for Word
    """

    words: collections.abc.Mapping[str, T]

    def read(self, name: str, text: str) -> tuple[T, ...]:
        return properties.words(name, text, self.words)

    def allows(self, value: object) -> bool:
        return isinstance(value, tuple) and all(
            each in self.words.values() for each in value)

    def describe(self) -> str:
        return _listed(self.words) + ', separated by commas.'


class ImageIds(Kind[tuple[str, ...]]):
    """Ids of Glance images, separated by commas."""

    def read(self, name: str, text: str) -> tuple[str, ...]:
        return properties.image_ids(name, text)

    def allows(self, value: object) -> bool:
        return isinstance(value, tuple)

    def describe(self) -> str:
        return 'Ids of images, separated by commas.'


class ImageId(Kind[str]):
    """The id of one Glance image."""

    def read(self, name: str, text: str) -> str:
        return properties.image_id(name, text)

    def allows(self, value: object) -> bool:
        return isinstance(value, str)

    def describe(self) -> str:
        return 'The id of an image.'


TEXT = Text()
BOOLEAN = Boolean()


def same(*words: str) -> Word[str]:
    """Return the kind whose words mean themselves."""
    return Word({word: word for word in words})


def _listed(words: collections.abc.Iterable[str]) -> str:
    return ', '.join('``%s``' % word for word in words)
