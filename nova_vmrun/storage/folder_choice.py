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

"""Choice of the storage folders of a server's disks: most free space first."""

from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses

from oslo_utils import units

from nova_vmrun import exception


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A storage folder that may take new disks.

    :ivar name: of the folder
    :ivar device: number of its file system
    :ivar free: bytes that no build has reserved
    """

    name: str
    tags: frozenset[str]
    device: int
    free: int


@dataclasses.dataclass(frozen=True)
class Wish:
    """Disks that belong into one folder.

    :ivar tag: that the folder must have; None: any folder
    :ivar size: bytes that the disks can grow to
    """

    tag: str | None
    size: int


def choose(candidates: Sequence[Candidate],
           wishes: Iterable[Wish]) -> list[Candidate]:
    """Return a folder for each wish.

    Each wish gets the folder with most free space of those with its tag; of
    equal folders, the first. What one wish takes is not free for the next.

    :param candidates: in the order of preference
    :raises NoStorageFolder: no folder has a tag, or enough space
    """
    taken: dict[int, int] = {}
    chosen = []
    for wish in wishes:
        allowed = [each for each in candidates
                   if wish.tag is None or wish.tag in each.tags]
        if not allowed:
            raise _unknown_tag(wish, candidates)
        best = max(allowed, key=lambda each: (
            each.free - taken.get(each.device, 0)))
        if best.free - taken.get(best.device, 0) < wish.size:
            raise _too_large(wish, allowed)
        taken[best.device] = taken.get(best.device, 0) + wish.size
        chosen.append(best)
    return chosen


def _unknown_tag(wish: Wish, candidates: Iterable[Candidate]
                 ) -> exception.NoStorageFolder:
    return exception.NoStorageFolder(
        'No storage folder of this host has the tag %r.' % wish.tag,
        'Available are: %s.' % (', '.join(
            '%s (%s)' % (each.name, ', '.join(sorted(each.tags)))
            for each in candidates) or 'none'),
        'Correct the tag in the flavor, the image or [vmrun] '
        'default_storage_tag, or give it to a folder in [vmrun] '
        'storage_folders.')


def _too_large(wish: Wish, allowed: Iterable[Candidate]
               ) -> exception.NoStorageFolder:
    return exception.NoStorageFolder(
        'No storage folder of this host has %d GiB free for the disks of a '
        'server.' % -(-wish.size // units.Gi), 'Free are: %s.' % ', '.join(
            '%s %.1f GiB' % (each.name, each.free / units.Gi)
            for each in allowed),
        'Free some space there, or choose a flavor with smaller disks.')
