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

"""A server that is resized, for the unit tests of that."""

import contextlib
import os
import types
from unittest import mock

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops import consoles
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops import reconcile
from nova_vmrun.ops.resize import migration_files
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import other_host
from nova_vmrun.ops.resize import resize
from nova_vmrun.ops import volume_updates
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager
from nova_vmrun.volumes import connectors
from tests.unit.ops import hosts
from tests.unit import vmdks

UUID = hosts.UUID
HERE, THERE = '10.0.0.1', '10.0.0.2'
GIB = 1 << 30
WRITTEN = b'what the guest wrote'
VMX = hosts.VMX + '''
memsize = "64"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "root.vmdk"
'''
DISK = '''scsi0:%(number)d.present = "TRUE"
scsi0:%(number)d.fileName = "%(name)s.vmdk"
'''
MIGRATION = types.SimpleNamespace(
    uuid='the-migration', dest_host=HERE, source_compute='here',
    dest_compute='here')
MOVE = types.SimpleNamespace(
    uuid='the-migration', dest_host=THERE, source_compute='here',
    dest_compute='there')


def flavor(root_gb=1, ephemeral_gb=0, swap=0):
    return types.SimpleNamespace(root_gb=root_gb, ephemeral_gb=ephemeral_gb,
                                 swap=swap, vcpus=1, memory_mb=64)


class TestCase(hosts.TestCase):
    """A server with a linked disk of 1 GiB.

    :ivar resize: the operations, above tools that do their work on files
        of a few kilobytes
    """

    def setUp(self):
        super().setUp()
        self.tool = mock.create_autospec(vdiskmanager.VDiskManager,
                                         instance=True)
        self.tool.grow.side_effect = self.grow
        self.tool.create.side_effect = self.create
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_chain.side_effect = self.flatten
        self.other_host = mock.create_autospec(other_host.OtherHost,
                                               instance=True)
        self.definitions = mock.create_autospec(definition.Definitions,
                                                instance=True)
        self.reconciler = mock.create_autospec(reconcile.Reconciler,
                                               instance=True)
        self.reconciler.rebooter.return_value = self.rewrite
        self.reconciler.starter.return_value = self.rewrite
        self.definitions.draft.return_value.hardware.show_gui = True
        self.consoles = mock.create_autospec(consoles.Consoles, instance=True)
        self.consoles.port_for_new_server.side_effect = (
            lambda: contextlib.nullcontext(5907))
        self.volume_updates = mock.create_autospec(
            volume_updates.VolumeUpdates, instance=True)
        self.network_info = []
        self.ports = mock.create_autospec(ports.Ports, instance=True)
        power_ = self.make_power(consoles=self.consoles)
        self.destroy = destroy.Destroyer(self.servers, power_,
                                         connectors.Connectors({}))
        self.resize = self.make_resize(power_)
        self.power = power_

    def make_resize(self, power_, can_make_disks=True):
        return resize.Resize(
            self.layout, self.records, self.disk_lists, self.servers.storage,
            self.definitions, self.reconciler,
            migration_files.MigrationFiles(
                self.layout, self.disk_lists, self.servers.storage,
                self.qemu_img, self.tool),
            self.other_host, self.consoles, power_, self.destroy,
            self.volume_updates, self.ports, can_make_disks)

    # What the tools do

    def flatten(self, chain, adapter, target, subformat):
        vmdks.write(target, sectors=linked.read_header(chain[0]).capacity
                    // 512, content=files.read(chain[0])[-4096:],
                    adapter=adapter, create_type=subformat)

    def grow(self, disk, *, size_mb):
        vmdks.write(disk, sectors=size_mb * 2048,
                    content=files.read(disk)[-4096:])

    def create(self, disk, *, size_mb, adapter):
        vmdks.write(disk, sectors=size_mb * 2048, adapter=adapter)

    def rewrite(self, file):
        file.edit(lambda keys: keys.update(memsize='128'))

    # The server

    def make(self, names=('root',), running=False):
        """Makes the server; all but its root disk are its own files."""
        base = os.path.join(self.layout.cache, 'disk.vmdk')
        vmdks.write(base, cid='00000001', sectors=GIB // 512)
        self.add_server(vmx=VMX + ''.join(
            DISK % {'number': number, 'name': name}
            for number, name in enumerate(names) if number),
            running=running, vnc_port=5901)
        vmdks.write(self.layout.file(UUID, 'root.vmdk'), cid='00000002',
                    parent_cid='00000001', hint=base, sectors=GIB // 512,
                    content=WRITTEN)
        for name in names[1:]:
            vmdks.write(self.layout.file(UUID, name + '.vmdk'),
                        sectors=GIB // 512, content=name.encode())
        for name in ('config-drive.iso', UUID + '.nvram', 'vmware-0.log'):
            self.write(name, name)

    def write(self, name, content):
        with open(os.path.join(self.layout.folder(UUID), name), 'w') as file:
            file.write(content)

    def instance(self, vm_state='active', task_state=None, **sizes):
        return types.SimpleNamespace(
            image_ref='image', uuid=UUID, name='instance-1',
            display_name='web',
            system_metadata={}, flavor=flavor(**sizes), vm_state=vm_state,
            task_state=task_state, get_network_info=lambda: self.network_info)

    def migrate(self, host=HERE, present=None, timeout=0, **wanted):
        return self.resize.migrate(
            None, self.instance(**(present or {})),
            None if host == HERE else moves.Destination('there', host),
            flavor(**wanted), timeout)

    def finish(self, migration=MIGRATION, power_on=True, instance=None):
        self.resize.finish(None, instance or self.instance(), [], migration,
                           power_on)

    def revert(self, migration=MIGRATION, power_on=True, task_state=None):
        self.resize.revert(None, self.instance(task_state=task_state), [],
                           migration, power_on)

    def folders(self):
        """Returns what the names of the server's folders end with."""
        return sorted(name.removeprefix(UUID) for name in
                      os.listdir(self.layout.root) if UUID in name)

    def is_written(self, folder=None):
        """Return whether the disk that a .vmx names has the guest's data."""
        folder = folder or self.layout.folder(UUID)
        keys = vmx.load(files.read(os.path.join(folder, UUID + '.vmx')))
        disk = os.path.join(folder, keys['scsi0:0.fileName'])
        return WRITTEN in files.read(disk)

    def size(self, name='root'):
        return linked.read_header(
            self.layout.file(UUID, name + '.vmdk')).capacity
