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

"""Places for those who connect, of which each owner gets a fair share.

A newcomer always gets a place. Where none is free, somebody leaves who has
been there for long, of the owner who has the most places: nobody can keep
others out by staying.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

Guest = TypeVar('Guest', bound=Hashable)


class FairShare(Generic[Guest]):
    """Some places.

    :param total: how many there are
    :param share: the most that one owner gets
    """

    def __init__(self, total: int, share: int) -> None:
        self._total = total
        self._share = share
        # The oldest comes first, of the owners and of their guests.
        self._owners: dict[Hashable, dict[Guest, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._owners.values()))

    def take(self, owner: Hashable, guest: Guest) -> Guest | None:
        """Gives a newcomer a place.

        :returns: who must leave for it
        """
        own = self._owners.setdefault(owner, {})
        own[guest] = None
        if len(own) > self._share:
            return self._oldest(owner)
        if len(self) > self._total:
            # Of several, max takes the first; the newcomer's is the last.
            return self._oldest(max(
                self._owners, key=lambda each: len(self._owners[each])))
        return None

    def leave(self, owner: Hashable, guest: Guest) -> None:
        """Frees the place of somebody, who may have left already."""
        own = self._owners.get(owner, {})
        own.pop(guest, None)
        if not own:
            self._owners.pop(owner, None)

    def _oldest(self, owner: Hashable) -> Guest:
        return next(iter(self._owners[owner]))
