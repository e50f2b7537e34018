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

"""The .vmsd file: the snapshots of a VM, and what it is a clone of."""

from __future__ import annotations

import os
import re
import time

from vmwarefake import dictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import vm as vms

OFF, ON, SUSPENDED = '', '1', '2'

_KEY = re.compile(r'snapshot(\d+)\.(.+)\Z', re.I)
_LISTED = re.compile(r'(clone\d+|disk\d+\.(filename|node))\Z', re.I)
_KNOWN = ('uid', 'filename', 'parent', 'displayname', 'description', 'type',
          'createtimehigh', 'createtimelow', 'numdisks', 'numclones')


class Snapshot:
    """One snapshot.

    :ivar disks: (file name, node) of each.
    :ivar clones: paths of the linked clones.
    :ivar extra: unknown keys, without ``snapshotN.``.
    """

    def __init__(self, uid: int, name: str, filename: str,
                 parent: int | None = None, kind: str = OFF,
                 disks: abc.Iterable[tuple[str, str]] = (),
                 created: int | None = None) -> None:
        self.uid = uid
        self.name = name
        self.filename = filename
        self.parent = parent
        self.kind = kind
        self.disks = list(disks)
        self.clones: list[str] = []
        self.description = ''
        self.created = time.time_ns() // 1000 if created is None else created
        self.extra: dict[str, str] = {}

    @classmethod
    def parse(cls, keys: dict[str, str]) -> Snapshot:
        """Return the snapshot with these keys (in lower case)."""
        high = int(keys.get('createtimehigh', 0)) & 0xffffffff
        low = int(keys.get('createtimelow', 0)) & 0xffffffff
        parent = keys.get('parent')
        snapshot = cls(int(keys['uid']), keys.get('displayname', ''),
                       keys.get('filename', ''),
                       int(parent) if parent else None,
                       keys.get('type', OFF), created=high << 32 | low)
        snapshot.description = keys.get('description', '')
        return snapshot

    def items(self) -> abc.Iterator[tuple[str, str]]:
        yield 'uid', str(self.uid)
        yield 'filename', self.filename
        if self.parent is not None:
            yield 'parent', str(self.parent)
        yield 'displayName', self.name
        if self.description:
            yield 'description', self.description
        if self.kind:
            yield 'type', self.kind
        yield 'createTimeHigh', str(_signed(self.created >> 32))
        yield 'createTimeLow', str(_signed(self.created & 0xffffffff))
        if self.clones:
            yield 'numClones', str(len(self.clones))
        for n, clone in enumerate(self.clones):
            yield 'clone%d' % n, clone
        yield 'numDisks', str(len(self.disks))
        for n, (name, node) in enumerate(self.disks):
            yield 'disk%d.fileName' % n, name
            yield 'disk%d.node' % n, node
        yield from self.extra.items()


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value


class Vmsd:
    """The snapshots of one VM.

    :ivar snapshots: in file order.
    :ivar current: uid of the current snapshot, or None.
    :ivar other: all other keys (cloneOf0, sentinel0, ...).
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.snapshots: list[Snapshot] = []
        self.current: int | None = None
        self.last_uid = 0
        self.other = dictionary.Dictionary()

    @classmethod
    def of(cls, vm: vms.VM) -> Vmsd:
        """Read the .vmsd of a VM, which may be missing or empty.

        :raises dictionary.Malformed: if it is not a dictionary.
        """
        vmsd = cls(os.path.join(vm.directory, vm.base + '.vmsd'))
        if os.path.exists(vmsd.path) and os.path.getsize(vmsd.path):
            vmsd._load(dictionary.read(vmsd.path))
        return vmsd

    def _load(self, keys: dictionary.Dictionary) -> None:
        numbered: dict[int, dict[str, str]] = {}
        for key, value in keys.items():
            parts = _KEY.match(key)
            if parts:
                numbered.setdefault(int(parts.group(1)), {})[
                    parts.group(2)] = value
            elif key.lower() not in ('snapshot.lastuid', 'snapshot.current',
                                     'snapshot.numsnapshots', '.encoding'):
                self.other[key] = value
        count = keys.integer('snapshot.numSnapshots')
        for number in range(count):
            self.snapshots.append(self._read_one(numbered[number]))
        self.last_uid = keys.integer('snapshot.lastUID')
        current = keys.integer('snapshot.current')
        self.current = current if self.by_uid(current) else None

    @staticmethod
    def _read_one(keys: dict[str, str]) -> Snapshot:
        lower = {key.lower(): value for key, value in keys.items()}
        snapshot = Snapshot.parse(lower)
        for n in range(int(lower.get('numclones', 0))):
            snapshot.clones.append(lower['clone%d' % n])
        for n in range(int(lower.get('numdisks', 0))):
            snapshot.disks.append((lower['disk%d.filename' % n],
                                   lower.get('disk%d.node' % n, '')))
        for key, value in keys.items():
            if key.lower() not in _KNOWN and not _LISTED.match(key):
                snapshot.extra[key] = value
        return snapshot

    def save(self) -> None:
        """Write the file in the order that the products use."""
        out = dictionary.Dictionary([
            ('.encoding', 'UTF-8'),
            ('snapshot.lastUID', str(self.last_uid)),
            ('snapshot.current', str(self.current or 0))])
        for number, snapshot in enumerate(self.snapshots):
            for key, value in snapshot.items():
                out['snapshot%d.%s' % (number, key)] = value
            if number == 0:
                out['snapshot.numSnapshots'] = str(len(self.snapshots))
        out.setdefault('snapshot.numSnapshots', '0')
        for key, value in self.other.items():
            out[key] = value
        dictionary.write(self.path, out)

    def by_uid(self, uid: int) -> Snapshot | None:
        for snapshot in self.snapshots:
            if snapshot.uid == uid:
                return snapshot
        return None

    def children(self, uid: int | None) -> list[Snapshot]:
        """Return the children of ``uid``, or the roots if it is None."""
        return [s for s in self.snapshots if s.parent == uid]

    def descendants(self, snapshot: Snapshot) -> list[Snapshot]:
        """Return a snapshot and its descendants, parents first."""
        found = [snapshot]
        for child in self.children(snapshot.uid):
            found += self.descendants(child)
        return found

    def find(self, name: str) -> list[Snapshot]:
        """Return the snapshots called ``name``, or at the path ``a/b/c``."""
        found = [s for s in self.snapshots if s.name == name]
        if found or '/' not in name:
            return found
        level = self.children(None)
        steps = name.strip('/').split('/')
        for step in steps:
            found = [s for s in level if s.name == step]
            level = [c for s in found for c in self.children(s.uid)]
        return found

    def remove(self, snapshot: Snapshot) -> None:
        """Remove a snapshot; its parent becomes the parent of its children."""
        for child in self.children(snapshot.uid):
            child.parent = snapshot.parent
        self.snapshots.remove(snapshot)
        if self.current == snapshot.uid:
            self.current = snapshot.parent

    def new_uid(self) -> int:
        self.last_uid = max([self.last_uid]
                            + [s.uid for s in self.snapshots]) + 1
        return self.last_uid
