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

"""A limit on connections that gives each owner a fair share.

A new connection is always admitted. If there are too many, the owner with the
most of them loses its oldest one, so nobody can keep others out by staying
connected.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

Connection = TypeVar('Connection', bound=Hashable)


class FairShare(Generic[Connection]):
    """The connections of all owners.

    :param total: maximum number of all owners together
    :param share: maximum number of one owner
    """

    def __init__(self, total: int, share: int) -> None:
        self._total = total
        self._share = share
        # The oldest owners, and the oldest connections of each, come first.
        self._owners: dict[Hashable, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._owners.values()))

    def admit(self, owner: Hashable,
              connection: Connection) -> Connection | None:
        """Count a new connection.

        :returns: the connection to close to make room, or None
        """
        own = self._owners.setdefault(owner, {})
        own[connection] = None
        if len(own) > self._share:
            return self._oldest(owner)
        if len(self) > self._total:
            # Of equals, max returns the first; the new owner is last.
            return self._oldest(max(
                self._owners, key=lambda each: len(self._owners[each])))
        return None

    def remove(self, owner: Hashable, connection: Connection) -> None:
        """Stop counting a connection, if it is still counted."""
        own = self._owners.get(owner, {})
        own.pop(connection, None)
        if not own:
            self._owners.pop(owner, None)

    def _oldest(self, owner: Hashable) -> Connection:
        return next(iter(self._owners[owner]))
