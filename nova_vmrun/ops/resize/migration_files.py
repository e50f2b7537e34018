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
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked
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
                 qemu_img: qemu_img_module.QemuImg,
                 vdiskmanager: vdiskmanager_module.VDiskManager | None
                 ) -> None:
        self._layout = layout
        self._disk_lists = disk_lists
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._vmx_files = vmx_file.VmxFiles(layout)

    def require_space(self, plan: resize_plan.Plan) -> None:
        """Refuse what would fill the file system under all servers.

        :raises DiskFull: there is not enough space here
        """
        if not plan.copied:
            return
        space.of_instances(self._layout.root).require(
            plan.copied_bytes, 'There is not enough space to copy disks of '
            'server %s.' % plan.uuid)

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
        os.mkdir(part, mode=0o700)
        if to_other_host:
            self._disk_lists.write_for_other_host(part, plan.listed)
        else:
            self._disk_lists.write_copy(uuid, part, plan.listed)
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
            self._copy_disk(copy, part)
        if self._vdiskmanager:
            for disk in plan.blank:
                self._vdiskmanager.create(
                    disk.file(part), size_mb=(disk.size or 0) // units.Mi,
                    adapter=vmdk.adapter_type(plan.bus))
        if plan.copied:
            self._name_disks(plan, part)
        _flush(part)
        os.rename(part, self._layout.prepared(uuid))
        files.sync_folder(self._layout.root)

    def discard(self, uuid: str) -> None:
        """Remove what was prepared for a server here."""
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

    def _other_files(self, uuid: str) -> list[str]:
        """Return the names of the files that go along, except disks."""
        folder = self._layout.folder(uuid)
        left_behind = [os.path.basename(path) for path in (
            self._layout.record(uuid), self._layout.paused(uuid),
            self._layout.allocations(uuid), self._layout.migration(folder),
            self._layout.disk_list(folder))]
        return [entry.name for entry in os.scandir(folder)
                if entry.is_file(follow_symlinks=False) and
                entry.name not in left_behind and
                not _is_temporary(entry.name) and
                not entry.name.lower().endswith('.vmdk')]

    def _copy_disk(self, copy: resize_plan.Copy, folder: str) -> None:
        disk, target = copy.disk, copy.listed.file(folder)
        if len(disk.chain) == 1:
            linked.make_copy(disk.chain[0], target, disk.attached.bus)
        else:
            self._qemu_img.convert_chain(
                disk.chain, disk.adapter, target,
                subformat=vmdk.MONOLITHIC_SPARSE)
            os.chmod(target, 0o600)
        if copy.size_mb and self._vdiskmanager:
            self._vdiskmanager.grow(target, size_mb=copy.size_mb)

    def _name_disks(self, plan: resize_plan.Plan, folder: str) -> None:
        """Let the .vmx name the copies, which no longer have snapshots."""
        def change(keys: vmx.Vmx) -> None:
            for copy in plan.copied:
                keys[copy.disk.attached.node + '.fileName'] = copy.listed.path

        self._vmx_files.edit_copy(plan.uuid, folder, change)


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
