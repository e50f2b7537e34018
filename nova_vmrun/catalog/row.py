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

"""A row of the catalog: a property by its names, and what happens to it."""

import dataclasses
from typing import Generic
from typing import TypeVar

from nova_vmrun.catalog import kinds
from nova_vmrun import exception

T_co = TypeVar('T_co', covariant=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row(Generic[T_co]):
    """An image property and the flavor extra specs that mean the same.

    In a name, ``#`` is any number and a ``*`` at the end is any text.

    :ivar image: names on images; the first one that is set wins
    :ivar flavor: names on flavors; the first one that is set wins
    :ivar kind: the values that it can have
    :ivar about: what the documentation says about it
    """

    image: tuple[str, ...] = ()
    flavor: tuple[str, ...] = ()
    kind: kinds.Kind[T_co]
    about: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Obeyed(Row[T_co]):
    """A property that the driver, or Nova itself, obeys.

    :ivar section: heading of the documentation that it stands under
    """

    section: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refused(Row[object]):
    """A property that VMware cannot obey and that a guest would rely on.

    :ivar about: the reason, as one sentence; it ends up in the server's fault
    :ivar harmless: values, as ``kind`` reads them, that ask for nothing
    :ivar advice: what to do about a server that the scheduler has refused;
        empty if there is nothing to say but to use another image or flavor
    :ivar scheduler: the trait, resource class or filter with which Nova's
        scheduler keeps such servers away from our hosts; empty if it does
        not, or does so only after an operator has configured it
    """

    kind: kinds.Kind[object] = kinds.TEXT
    harmless: tuple[object, ...] = ()
    advice: str = ''
    scheduler: str = ''

    def accepts(self, name: str, text: str) -> bool:
        """Return whether a value asks for nothing."""
        try:
            return self.kind.read(name, text) in self.harmless
        except exception.InvalidProperty:
            return False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ignored(Row[str]):
    """A property that changes nothing here.

    :ivar about: why that does no harm
    :ivar warns: whether the log mentions it because somebody may rely on it
    """

    kind: kinds.Kind[str] = kinds.TEXT
    warns: bool = False
