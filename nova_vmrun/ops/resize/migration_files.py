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
they are get a second name there: only one of the two VMs ever runs, and what
its guest writes is kept by a revert too. Everything that VMware replaces or
rewrites is copied.
"""

import os
import shutil

from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.host import space
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked
from nova_vmrun import system

# Nobody writes to these: images of drives, and what snapshots hold.
_LINKED = ('.iso', '.vmsn', '.vmem')


class MigrationFiles:
    """Prepares the new folders of servers.

    :param layout: a nova_vmrun.server.layout.Layout
    :param qemu_img: a nova_vmrun.tools.qemu_img.QemuImg
    :param vdiskmanager: a nova_vmrun.tools.vdiskmanager.VDiskManager, or None
    """

    def __init__(self, layout, qemu_img, vdiskmanager):
        self._layout = layout
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._vmx_files = vmx_file.VmxFiles(layout)

    def require_space(self, plan):
        """Refuses what would fill the file system under all servers.

        :param plan: a nova_vmrun.ops.resize.resize_plan.Plan
        :raises DiskFull: there is not enough space here
        """
        if not plan.copied:
            return
        space.of_instances(self._layout.root).require(
            plan.copied_bytes, 'There is not enough space to copy disks of '
            'server %s.' % plan.uuid)

    def needed_elsewhere(self, plan):
        """Returns the bytes that a server may need on another host."""
        names = self._others(plan.uuid, to_other_host=True)
        folder = self._layout.folder(plan.uuid)
        return (plan.copied_bytes +
                sum(disk.content for disk in plan.kept) +
                sum(os.path.getsize(os.path.join(folder, name))
                    for name in names))

    def prepare(self, plan, to_other_host):
        """Makes the new folder; the server is off.

        :param plan: a nova_vmrun.ops.resize.resize_plan.Plan
        :param to_other_host: it goes to another host, without the record of
            whose server it is
        :raises VmrunError: a disk cannot be made
        :raises OSError: ENOSPC among others
        """
        uuid = plan.uuid
        part = self._layout.preparing(uuid)
        self.discard(uuid)
        os.mkdir(part, mode=0o700)
        for path in self._linked_disks(plan, to_other_host):
            _link(path, part)
        folder = self._layout.folder(uuid)
        for name in self._others(uuid, to_other_host):
            path = os.path.join(folder, name)
            if name.lower().endswith(_LINKED):
                _link(path, part)
            else:
                _copy(path, part)
        for disk, size_mb in plan.copied:
            self._copy_disk(disk, size_mb, self._disk(part, disk.name))
        for name, size_mb in plan.blank.items():
            self._vdiskmanager.create(
                self._disk(part, name), size_mb=size_mb,
                adapter=vmdk.adapter_type(plan.bus))
        if plan.copied:
            self._name_disks(plan, part)
        _flush(part)
        os.rename(part, self._layout.prepared(uuid))
        files.sync_folder(self._layout.root)

    def discard(self, uuid):
        """Removes what was prepared for a server here."""
        files.remove_tree(self._layout.preparing(uuid))
        files.remove_tree(self._layout.prepared(uuid))

    def _linked_disks(self, plan, to_other_host):
        if to_other_host:
            return [disk.chain[0] for disk in plan.kept]
        folder = self._layout.folder(plan.uuid)
        found = [os.path.join(folder, name)
                 for name in sorted(os.listdir(folder))
                 if name.lower().endswith('.vmdk')]
        left_out = set(map(paths.canonical, plan.left_out))
        return [path for path in found
                if paths.canonical(path) not in left_out]

    def _others(self, uuid, to_other_host):
        """Returns the names of the files that go along, disks apart."""
        folder = self._layout.folder(uuid)
        left = {os.path.basename(self._layout.paused(uuid)),
                os.path.basename(self._layout.allocations(uuid)),
                os.path.basename(self._layout.migration(folder))}
        if to_other_host:
            left.add(os.path.basename(self._layout.record(uuid)))
        return [entry.name for entry in os.scandir(folder)
                if entry.is_file(follow_symlinks=False) and
                entry.name not in left and not _is_passing(entry.name) and
                not entry.name.lower().endswith('.vmdk')]

    def _disk(self, folder, name):
        return os.path.join(folder, name + '.vmdk')

    def _copy_disk(self, disk, size_mb, target):
        if len(disk.chain) == 1:
            linked.make_copy(disk.chain[0], target, disk.attached.bus)
        else:
            self._qemu_img.convert_chain(
                disk.chain, resize_plan.kind(disk), target,
                subformat=vmdk.MONOLITHIC_SPARSE)
            os.chmod(target, 0o600)
        if size_mb:
            self._vdiskmanager.grow(target, size_mb=size_mb)

    def _name_disks(self, plan, folder):
        """Lets the .vmx name the copies: they have no snapshots any more."""
        def change(keys: vmx.Vmx) -> None:
            for disk, _size in plan.copied:
                keys[disk.attached.node + '.fileName'] = disk.name + '.vmdk'

        self._vmx_files.edit_copy(plan.uuid, folder, change)


def _is_passing(name):
    """Tells whether a file means nothing to the VM when it is off."""
    return '.log' in name or name.startswith('.') or name.endswith('.lck')


def _link(path, folder):
    files.link_or_copy(path, os.path.join(folder, os.path.basename(path)))


def _copy(path, folder):
    target = os.path.join(folder, os.path.basename(path))
    with files.replacing(target) as part:
        files.copy(path, part)
        shutil.copymode(path, part)


def _flush(folder):
    """Lets a power cut find whole files under the folder's final name."""
    for entry in os.scandir(folder):
        with open(entry.path, 'rb') as file:
            system.here().flush(file.fileno())
    files.sync_folder(folder)
