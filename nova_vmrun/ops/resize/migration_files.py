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

"""The folder of a server as it will be after its resize.

It is made beside the server's own, which is not touched. Disks that stay as
they are get a second name there: only one of the two VMs ever runs, and a
revert keeps what its guest has written. Everything that VMware replaces or
rewrites is copied.
"""

import os
import shutil

from oslo_utils import units

from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.host import space
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks as server_disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from nova_vmrun import system
from nova_vmrun.tools import qemu_img as qemu_img_module
from nova_vmrun.tools import vdiskmanager as vdiskmanager_module

# Nobody writes to these: images in drives, and what belongs to snapshots.
_LINKED = ('.iso', '.vmsn', '.vmem')


class MigrationFiles:
    """Prepares the new folders of servers.

    :param vdiskmanager: None if vmware-vdiskmanager is not installed; no plan
        then asks for larger or new disks
    """

    def __init__(self, layout: layout_module.Layout,
                 disk_lists: disk_lists_module.DiskLists,
                 storage: server_storage.ServerStorage,
                 qemu_img: qemu_img_module.QemuImg,
                 vdiskmanager: vdiskmanager_module.VDiskManager | None
                 ) -> None:
        self._layout = layout
        self._disk_lists = disk_lists
        self._storage = storage
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._vmx_files = vmx_file.VmxFiles(layout)

    def require_space(self, plan: resize_plan.Plan,
                      to_other_host: bool) -> None:
        """Refuse what would fill the file system under all servers.

        Whatever leaves the host is first copied to instances_path.

        :raises DiskFull: there is not enough space here
        """
        needed: dict[str, int] = {}
        for copy in plan.copied:
            root = self._root(copy.disk.listed, to_other_host)
            needed[root] = needed.get(root, 0) + copy.bytes
        for disk in plan.kept:
            if to_other_host and disk.listed.is_in_storage:
                root = self._layout.root
                needed[root] = needed.get(root, 0) + disk.content
        for root, size in needed.items():
            space.of_instances(root).require(
                size, 'There is not enough space to copy disks of server %s.'
                % plan.uuid)

    def _root(self, disk: server_disks.Disk, to_other_host: bool) -> str:
        """Return the folder on whose file system a copy of a disk will be."""
        if to_other_host or disk.storage is None:
            return self._layout.root
        return self._storage.folders.require(disk.storage).path

    def needed_elsewhere(self, plan: resize_plan.Plan) -> int:
        """Return the bytes that a server may need on another host."""
        folder = self._layout.folder(plan.uuid)
        return (plan.copied_bytes +
                sum(disk.content for disk in plan.kept) +
                sum(os.path.getsize(os.path.join(folder, name))
                    for name in self._other_files(plan.uuid)))

    def prepare(self, plan: resize_plan.Plan, to_other_host: bool) -> None:
        """Make the new folder of a server, which is off.

        To another host the server goes without its record, which says that
        it belongs to this one; its disk list goes as a file of its own.

        :raises VmrunError: a disk cannot be made
        :raises OSError: ENOSPC among others
        """
        uuid = plan.uuid
        part = self._layout.preparing(uuid)
        self.discard(uuid)
        targets = _targets(plan, to_other_host)
        listed = tuple(targets.values())
        os.mkdir(part, mode=0o700)
        if to_other_host:
            self._disk_lists.write_for_other_host(part, listed)
        else:
            self._disk_lists.write_copy(uuid, part, listed)
        folders = sorted({os.path.dirname(disk.path) for disk in listed
                          if disk.is_in_storage})
        for path in folders:
            self._storage.create(path)
        if not to_other_host:
            self._link_in_storage(plan, targets)
        for path in self._linked_disks(plan, to_other_host):
            _link(path, part)
        folder = self._layout.folder(uuid)
        for name in self._other_files(uuid):
            path = os.path.join(folder, name)
            if name.lower().endswith(_LINKED):
                _link(path, part)
            else:
                _copy(path, part)
        for copy in plan.copied:
            self._copy_disk(copy, targets[copy.listed.name].file(part))
        if self._vdiskmanager:
            for disk in plan.blank:
                self._vdiskmanager.create(
                    targets[disk.name].file(part),
                    size_mb=(disk.size or 0) // units.Mi,
                    adapter=vmdk.adapter_type(plan.bus))
        if plan.copied or any(disk.listed.is_in_storage
                              for disk in plan.kept):
            self._name_disks(plan, targets, part)
        for path in (*folders, part):
            _flush(path)
        os.rename(part, self._layout.prepared(uuid))
        files.sync_folder(self._layout.root)

    def discard(self, uuid: str) -> None:
        """Remove what was prepared for a server here."""
        for folder in (self._layout.preparing(uuid),
                       self._layout.prepared(uuid)):
            self._storage.remove(uuid, folder)
        files.remove_tree(self._layout.preparing(uuid))
        files.remove_tree(self._layout.prepared(uuid))

    def _linked_disks(self, plan: resize_plan.Plan,
                      to_other_host: bool) -> list[str]:
        if to_other_host:
            return [disk.chain[0] for disk in plan.kept]
        folder = self._layout.folder(plan.uuid)
        found = [os.path.join(folder, name)
                 for name in sorted(os.listdir(folder))
                 if name.lower().endswith('.vmdk')]
        left_out = set(map(paths.canonical, plan.left_out))
        return [path for path in found
                if paths.canonical(path) not in left_out]

    def _link_in_storage(self, plan: resize_plan.Plan,
                         targets: dict[str, server_disks.Disk]) -> None:
        """Give disks in storage folders that stay as they are second names."""
        left_out = set(map(paths.canonical, plan.left_out))
        for disk in plan.kept:
            if disk.listed.is_in_storage:
                target = os.path.dirname(targets[disk.listed.name].path)
                own = os.path.dirname(disk.listed.path)
                for path in disk.chain:
                    if (os.path.dirname(path) == os.path.realpath(own) and
                            paths.canonical(path) not in left_out):
                        _link(path, target)

    def _other_files(self, uuid: str) -> list[str]:
        """Return the names of the files that go along, except disks."""
        folder = self._layout.folder(uuid)
        left_behind = [os.path.basename(path) for path in (
            self._layout.record(uuid), self._layout.paused(uuid),
            self._layout.allocations(uuid), self._layout.moving(uuid),
            self._layout.migration(folder),
            self._layout.disk_list(folder))]
        return [entry.name for entry in os.scandir(folder)
                if entry.is_file(follow_symlinks=False) and
                entry.name not in left_behind and
                not _is_temporary(entry.name) and
                not entry.name.lower().endswith('.vmdk')]

    def _copy_disk(self, copy: resize_plan.Copy, target: str) -> None:
        disk = copy.disk
        if len(disk.chain) == 1:
            linked.make_copy(disk.chain[0], target, disk.attached.bus)
        else:
            self._qemu_img.convert_chain(
                disk.chain, disk.adapter, target,
                subformat=vmdk.MONOLITHIC_SPARSE)
            os.chmod(target, 0o600)
        if copy.size_mb and self._vdiskmanager:
            self._vdiskmanager.grow(target, size_mb=copy.size_mb)

    def _name_disks(self, plan: resize_plan.Plan,
                    targets: dict[str, server_disks.Disk],
                    folder: str) -> None:
        """Let the .vmx name the copies, which no longer have snapshots.

        Also let it name the disks in storage folders.
        """
        def change(keys: vmx.Vmx) -> None:
            for copy in plan.copied:
                keys[copy.disk.attached.node + '.fileName'] = (
                    targets[copy.listed.name].path)
            for disk in plan.kept:
                if disk.listed.is_in_storage:
                    keys[disk.attached.node + '.fileName'] = os.path.join(
                        os.path.dirname(targets[disk.listed.name].path),
                        os.path.basename(disk.chain[0]))

        self._vmx_files.edit_copy(plan.uuid, folder, change)


def _targets(plan: resize_plan.Plan,
             to_other_host: bool) -> dict[str, server_disks.Disk]:
    """Return the disks of the new folder, by their names, in their order.

    Disks in a storage folder get another folder there. New ones go where the
    first disk is. On another host, all of them are in the server's folder.
    """
    fresh = {path: server_folders.new_path(os.path.dirname(path), plan.uuid)
             for path in {os.path.dirname(disk.path) for disk in plan.listed
                          if disk.is_in_storage}}
    blank = [disk.name for disk in plan.blank]
    home = next((disk for disk in plan.listed if disk.name not in blank and
                 disk.device is server_disks.Device.DISK), None)

    def target(disk: server_disks.Disk) -> server_disks.Disk:
        if to_other_host:
            return (server_disks.moved(disk, '', None) if disk.is_in_storage
                    else disk)
        model = home if disk.name in blank and home else disk
        if not model.is_in_storage:
            return disk
        return server_disks.moved(disk, fresh[os.path.dirname(model.path)],
                                  model.storage)

    return {disk.name: target(disk) for disk in plan.listed}


def _is_temporary(name: str) -> bool:
    """Whether a VM that is off does not need a file."""
    return '.log' in name or name.startswith('.') or name.endswith('.lck')


def _link(path: str, folder: str) -> None:
    files.link_or_copy(path, os.path.join(folder, os.path.basename(path)))


def _copy(path: str, folder: str) -> None:
    target = os.path.join(folder, os.path.basename(path))
    with files.replacing(target) as part:
        files.copy(path, part)
        shutil.copymode(path, part)


def _flush(folder: str) -> None:
    """Let a power cut find whole files under the folder's final name."""
    for entry in os.scandir(folder):
        with open(entry.path, 'rb') as file:
            system.here().flush(file.fileno())
    files.sync_folder(folder)
