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

"""A row of the catalog: a property by its names, and what becomes of it."""

import dataclasses

from nova_vmrun.catalog import kinds
from nova_vmrun import exception


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """An image property and the flavor extra specs that mean the same.

    In a name, ``#`` is any number and a ``*`` at the end is any text.

    :ivar image: names on images, the one that wins first
    :ivar flavor: names on flavors, the one that wins first
    :ivar kind: the values it can have
    :ivar about: what the documentation says about it
    """

    image: tuple[str, ...] = ()
    flavor: tuple[str, ...] = ()
    kind: kinds.Kind = kinds.TEXT
    about: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Obeyed(Row):
    """A property that a server gets.

    :ivar section: of the documentation
    """

    section: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refused(Row):
    """A property that VMware cannot obey, and that a guest would rely on.

    :ivar about: why not, in a sentence that ends up in the server's fault
    :ivar harmless: values, as ``kind`` reads them, that ask for nothing
    :ivar scheduler: the trait, resource class or filter by which Nova's
        scheduler keeps such servers away from our hosts; empty if it does
        not, or only if an operator has told it to
    """

    harmless: tuple[object, ...] = ()
    scheduler: str = ''

    def accepts(self, name: str, text: str) -> bool:
        """Tells whether a value asks for nothing."""
        try:
            return self.kind.read(name, text) in self.harmless
        except exception.InvalidProperty:
            return False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ignored(Row):
    """A property that changes nothing here.

    :ivar about: why that does no harm
    :ivar warns: whether the log names it, since somebody may rely on it
    """

    warns: bool = False
