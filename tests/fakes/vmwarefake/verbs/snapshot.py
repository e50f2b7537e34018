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

"""listSnapshots, snapshot, deleteSnapshot, revertToSnapshot."""

from __future__ import annotations

import os

from vmwarefake import dictionary
from vmwarefake import errors
from vmwarefake import power
from vmwarefake import slow
from vmwarefake import snapshots
from vmwarefake import vm as vms
from vmwarefake import vmsd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions


def read_listing(machine: vms.VM) -> vmsd.Vmsd:
    try:
        return vmsd.Vmsd.of(machine)
    except (dictionary.Malformed, KeyError, ValueError):
        raise errors.vix(13001)


def find_one(listing: vmsd.Vmsd, name: str) -> vmsd.Snapshot:
    found = listing.find(name)
    if not found:
        raise errors.vix(13003)
    if len(found) > 1:
        raise errors.vix(13017)
    return found[0]


def list_snapshots(session: sessions.Session, words: list[str]) -> None:
    """List snapshots, in any state and without the lock."""
    listing = read_listing(session.vm(words[0]))
    session.line('Total snapshots: %d' % len(listing.snapshots))
    if 'showtree' in [word.lower() for word in words[1:]]:
        for root in listing.children(None):
            _print_tree(session, listing, root, 0)
    else:
        for snapshot in listing.snapshots:
            session.line(snapshot.name)


def _print_tree(session: sessions.Session, listing: vmsd.Vmsd,
                snapshot: vmsd.Snapshot, depth: int) -> None:
    session.line('\t' * depth + snapshot.name)
    for child in listing.children(snapshot.uid):
        _print_tree(session, listing, child, depth + 1)


def take(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    name = words[1]
    if not name:
        raise errors.vix(3)
    with machine.locked():
        power.check_not_locked(machine)
        if machine.state == vms.PAUSED:
            raise errors.paused(machine.given)
        listing = read_listing(machine)
        _check_allowed(machine, listing)
        if any(s.name == name for s in listing.snapshots):
            raise errors.Refused('A snapshot with the name already exists')
        running = machine.state == vms.RUNNING
        slow.run(machine, 'snapshot' if running else None,
                 lambda: snapshots.take(machine, listing, name))


def _check_allowed(machine: vms.VM, listing: vmsd.Vmsd) -> None:
    if machine.config.true('snapshot.disabled'):
        raise errors.vix(13005)
    most = machine.config.integer('snapshot.maxSnapshots',
                                  snapshots.MAX_SNAPSHOTS)
    if len(listing.snapshots) >= most:
        raise errors.vix(13019)
    if machine.state != vms.RUNNING:
        return
    if machine.encrypted:
        raise errors.vix(35)
    from vmwarefake import devices
    if any(d.independent for d in devices.disks(machine.config,
                                                machine.directory)):
        raise errors.vix(13018)


def delete(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        power.check_not_locked(machine)
        listing = read_listing(machine)
        doomed = [find_one(listing, words[1])]
        if 'anddeletechildren' in [word.lower() for word in words[2:]]:
            doomed = listing.descendants(doomed[0])
        for snapshot in doomed:
            # What vmrun does is not known; the GUI refuses (stricter).
            if any(os.path.exists(clone) for clone in snapshot.clones):
                raise errors.vix(13000)
        snapshots.delete(machine, listing, list(reversed(doomed)))


def revert(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        # Some sources say that a running VM is powered off first
        # (stricter: refuse it as locked).
        if machine.is_on:
            raise errors.vix(15)
        power.check_not_locked(machine)
        listing = read_listing(machine)
        snapshots.revert(machine, listing, find_one(listing, words[1]))
