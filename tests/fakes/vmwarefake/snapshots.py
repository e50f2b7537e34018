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

"""Snapshots on disk: taking, reverting, deleting and consolidating.

Call all functions with the VM's lock held. If the tool is killed, the disks of
the VM still fit together, because the new deltas are written first, then the
vmx that names them, then the .vmsd.
"""

from __future__ import annotations

import os
import re
import shutil

from vmwarefake import checkpoint
from vmwarefake import devices
from vmwarefake import dictionary
from vmwarefake import errors
from vmwarefake import files
from vmwarefake import vm as vms
from vmwarefake import vmdk
from vmwarefake.vmdk import create
from vmwarefake.vmdk import disk
from vmwarefake import vmsd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

MAX_SNAPSHOTS = 100
_DELTA = re.compile(r'-\d{6}\Z')


def snapshot_disks(vm: vms.VM) -> list[devices.Drive]:
    """Return the drives that snapshots include."""
    return [d for d in devices.disks(vm.config, vm.directory)
            if not d.independent]


def next_delta(folder: str, path: str) -> str:
    """Return the path of a new delta: BASE-00000K.vmdk, the next free K."""
    base = _DELTA.sub('', os.path.splitext(os.path.basename(path))[0])
    for number in range(1, 1000000):
        name = os.path.join(folder, '%s-%06d.vmdk' % (base, number))
        if not os.path.lexists(name):
            return name
    raise errors.vix(13012)


def _open(path: str) -> disk.Disk:
    try:
        return disk.open_chain(path)[0]
    except vmdk.DiskError as e:
        raise errors.vix(4 if e.code == vmdk.NOT_FOUND else 13002)


def put_delta(vm: vms.VM, drive: devices.Drive, parent_path: str) -> None:
    """Attach an empty delta of ``parent_path`` to ``drive``."""
    delta = next_delta(vm.directory, parent_path)
    create.create_child(delta, _open(parent_path))
    vm.config[drive.node + '.fileName'] = os.path.basename(delta)


def _relative(vm: vms.VM, path: str) -> str:
    """Return how the vmx and the vmsd name a file of the VM."""
    path = os.path.normpath(path)
    if os.path.dirname(path) == vm.directory:
        return os.path.basename(path)
    return path


def take(vm: vms.VM, listing: vmsd.Vmsd, name: str) -> vmsd.Snapshot:
    """Take a snapshot of a VM that is not paused, and save the listing."""
    uid = listing.new_uid()
    filename = '%s-Snapshot%d.vmsn' % (vm.base, uid)
    state = vm.path(filename)
    kind = {vms.RUNNING: vmsd.ON, vms.SUSPENDED: vmsd.SUSPENDED}.get(
        vm.state, vmsd.OFF)
    drives = snapshot_disks(vm)
    for drive in drives:
        _open(drive.path)
    snapshot = vmsd.Snapshot(
        uid, name, filename, listing.current, kind,
        [(_relative(vm, d.path), d.node) for d in drives])
    _write_state(vm, state, kind)

    def switch_disks() -> dictionary.Dictionary:
        for drive in drives:
            put_delta(vm, drive, drive.path)
        vm.save_config()
        return vm.config

    change_disks(vm, switch_disks,
                 checkpoint.memory_path(state) if kind == vmsd.ON else None)
    listing.snapshots.append(snapshot)
    listing.current = uid
    listing.save()
    return snapshot


def _write_state(vm: vms.VM, path: str, kind: str) -> None:
    config = vm.config.copy()
    config['checkpoint.vmState'] = ''
    config.pop('checkpoint.vmState.readOnly')
    checkpoint.write(path, {
        'hardware': checkpoint.hardware(vm.config, vm.directory),
        'config': config.text()})
    if kind == vmsd.SUSPENDED:
        shutil.copyfile(checkpoint.memory_path(vm.path(
            vm.config['checkpoint.vmState'])), checkpoint.memory_path(path))


def change_disks(vm: vms.VM, action: abc.Callable[[], dictionary.Dictionary],
                 memory: str | None = None) -> None:
    """Run ``action``, with the help of the engine if the VM runs."""
    if not vm.is_on:
        action()
        return
    from vmwarefake import power
    before = vm.owner
    with power.engine_errors(vm):
        vm.engine.release_disks(action, memory)
    vm.unlock_files(before)
    owner = vm.running_owner()
    if owner != before:
        vm.log.begin(owner.pid, vm.session.product)
    vm.lock_files(owner)


def revert(vm: vms.VM, listing: vmsd.Vmsd, snapshot: vmsd.Snapshot) -> None:
    """Revert a VM that is off or suspended to a snapshot."""
    state = vm.path(snapshot.filename)
    saved = checkpoint.read(state)
    if 'config' not in saved:
        raise errors.vix(13001)
    checkpoint.discard(vm)
    before = vm.config
    vm.config = dictionary.parse(saved['config'])
    for key in ('uuid.bios', 'uuid.location'):
        if key in before:
            vm.config[key] = before[key]
    named = {node: name for name, node in snapshot.disks}
    for drive in snapshot_disks(vm):
        if drive.node in named:
            put_delta(vm, drive, vm.path(named[drive.node]))
    if snapshot.kind:
        vm.config['checkpoint.vmState'] = snapshot.filename
        vm.config['checkpoint.vmState.readOnly'] = 'TRUE'
    vm.save_config()
    listing.current = snapshot.uid
    listing.save()
    consolidate(vm, listing)


def delete(vm: vms.VM, listing: vmsd.Vmsd,
           doomed: list[vmsd.Snapshot]) -> None:
    """Remove snapshots and merge the data in their deltas."""
    for snapshot in doomed:
        listing.remove(snapshot)
        _keep_resumable(vm, snapshot)

    def merge() -> dictionary.Dictionary:
        listing.save()
        consolidate(vm, listing)
        return vm.config

    change_disks(vm, merge)
    for snapshot in doomed:
        state = vm.path(snapshot.filename)
        files.remove(state)
        files.remove(checkpoint.memory_path(state))


def _keep_resumable(vm: vms.VM, snapshot: vmsd.Snapshot) -> None:
    """Copy the state of a snapshot to a VM that was reverted to it."""
    if vm.config.get('checkpoint.vmState') != snapshot.filename:
        return
    from vmwarefake import power
    old, new = vm.path(snapshot.filename), power.suspend_path(vm)
    files.step()
    shutil.copyfile(old, new)
    shutil.copyfile(checkpoint.memory_path(old), checkpoint.memory_path(new))
    vm.config['checkpoint.vmState'] = os.path.basename(new)
    vm.config.pop('checkpoint.vmState.readOnly')
    vm.save_config()


def consolidate(vm: vms.VM, listing: vmsd.Vmsd) -> None:
    """Shorten the chains: merge or delete what no snapshot needs.

    Merge the only child of a link that no snapshot uses into the link, and
    delete deltas that nothing uses. Change only files in the VM's folder.
    """
    while _merge_one(vm, listing):
        continue


def _merge_one(vm: vms.VM, listing: vmsd.Vmsd) -> bool:
    kept = {os.path.realpath(vm.path(name))
            for snapshot in listing.snapshots for name, _ in snapshot.disks}
    current = {os.path.realpath(d.path)
               for d in devices.disks(vm.config, vm.directory)}
    for link in _own_links(vm):
        real = os.path.realpath(link.path)
        if real in kept or real in current:
            continue
        children = disk.children_in(vm.directory, link.path)
        if not children and link.is_child and _DELTA.search(
                os.path.splitext(link.path)[0]):
            _remove(link)
            return True
        if len(children) == 1:
            _merge_child(vm, listing, link, children[0])
            return True
    return False


def _own_links(vm: vms.VM) -> list[disk.Disk]:
    """Return the disks in the VM's folder."""
    found = []
    for name in sorted(os.listdir(vm.directory)):
        if name.endswith('.vmdk'):
            try:
                found.append(disk.open_link(os.path.join(vm.directory,
                                                         name)))
            except vmdk.DiskError:
                continue        # an extent, or not a disk
    return found


def _merge_child(vm: vms.VM, listing: vmsd.Vmsd, parent: disk.Disk,
                 child: disk.Disk) -> None:
    """Merge a child into its parent; chains are valid after each step.

    Give the grandchildren the parent's content id, not the parent the
    child's: that takes one write at a time, not all of them at once.
    """
    from vmwarefake.vmdk import copy
    grandchildren = disk.children_in(vm.directory, child.path)
    copy.merge(child, parent)
    for grandchild in grandchildren:
        grandchild.descriptor.header['parentFileNameHint'] = (
            _relative(vm, parent.path))
        grandchild.descriptor.header['parentCID'] = parent.descriptor.cid
        grandchild.save()
    _rename_everywhere(vm, listing, child.path, parent.path)
    _remove(child)
    if not grandchildren:
        parent.renew_cid()


def _rename_everywhere(vm: vms.VM, listing: vmsd.Vmsd, old: str,
                       new: str) -> None:
    name = _relative(vm, new)
    old = os.path.realpath(old)
    for drive in devices.disks(vm.config, vm.directory):
        if os.path.realpath(drive.path) == old:
            vm.config[drive.node + '.fileName'] = name
            vm.save_config()
    for snapshot in listing.snapshots:
        renamed = [(name if os.path.realpath(vm.path(d)) == old else d, node)
                   for d, node in snapshot.disks]
        if renamed != snapshot.disks:
            snapshot.disks = renamed
            listing.save()


def _remove(link: disk.Disk) -> None:
    for path in link.files():
        files.remove(path)
