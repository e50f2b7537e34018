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

"""A server of which an image is made, for the unit tests of that."""

import os
import types
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops.power import time_limits
from nova_vmrun.ops import quiesce
from nova_vmrun.ops import snapshot
from nova_vmrun.server import freeze_marks
from nova_vmrun.server import vmx_file
from nova_vmrun.tools import qemu_img
from tests.unit.ops import glances
from tests.unit.ops import hosts
from tests.unit import stubs
from tests.unit import vmdks

UUID, IMAGE = hosts.UUID, glances.IMAGE
NAME = 'nova-vmrun-' + IMAGE
VMX = hosts.VMX + '''
memsize = "64"
guestOS = "debian12-64"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "root.vmdk"
'''


class Killed(BaseException):
    """The power is cut: nothing after this has any effect."""


class TestCase(hosts.TestCase):
    """A server with a linked disk, and a vmrun that knows snapshots."""

    def setUp(self):
        super().setUp()
        self.base = os.path.join(self.layout.cache, 'disk.vmdk')
        vmdks.write(self.base, cid='00000001')
        self.make()
        self.steps = []
        self.properties = {}
        self.failing = {}
        self.killed = False
        self.chains = []
        self.vmrun.tool.snapshot.side_effect = self.step(
            'snapshot', self.take)
        self.vmrun.tool.delete_snapshot.side_effect = self.step(
            'delete', self.remove)
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_chain.side_effect = self.step(
            'convert', self.convert)
        self.upload = self.useFixture(fixtures.MockPatchObject(
            glance, 'upload', side_effect=self.step('upload', self.check))
        ).mock
        remove_tree = files.remove_tree
        self.useFixture(fixtures.MockPatchObject(
            files, 'remove_tree', lambda path: self.step(
                'clean', remove_tree)(path)))
        self.restart()

    def make(self):
        self.add_server(vmx=VMX)
        vmdks.write(self.layout.file(UUID, 'root.vmdk'), cid='00000002',
                    parent_cid='00000001', hint=self.base)

    def restart(self):
        self.killed = False
        self.failing = {}
        self.slept = []
        self.snapshots = snapshot.Snapshots(
            self.host(qemu_img=self.qemu_img), self.servers,
            time_limits.TimeLimits(stubs.conf(),
                                   vmx_file.VmxFiles(self.layout)),
            quiesce.Quiescer(self.product, self.states, self.records,
                             self.make_power(), self.guest_agents,
                             freeze_marks.FreezeMarks(self.layout),
                             sleep=self.slept.append),
            sleep=self.slept.append)

    def step(self, name, action=lambda *args: None):
        """Returns a function that fails where a test wants it to.

        An error comes instead of the action; a kill comes behind it, the
        first time that the step is reached.
        """
        def run(*args, **options):
            if self.killed:
                raise Killed()
            self.steps.append(name)
            error = self.failing.get(name)
            if isinstance(error, Exception):
                raise error
            result = action(*args)
            if error is Killed:
                self.killed = True
                raise Killed()
            return result
        return run

    # What VMware does

    def taken(self):
        """Returns the names of all snapshots, the oldest first."""
        try:
            keys = vmx.load(files.read(self.layout.vmsd(UUID)))
        except FileNotFoundError:
            return []
        return [value for key, value in keys.items()
                if key.endswith('.displayName')]

    def save(self, names):
        lines = ['snapshot.numSnapshots = "%d"' % len(names)]
        for number, name in enumerate(names):
            prefix = 'snapshot%d.' % number
            lines += [prefix + 'displayName = "%s"' % name,
                      prefix + 'numDisks = "1"',
                      prefix + 'disk0.node = "scsi0:0"',
                      prefix + 'disk0.fileName = "root.vmdk"']
        files.write_atomically(self.layout.vmsd(UUID), '\n'.join(lines))

    def take(self, path, name):
        self.save(self.taken() + [name])

    def remove(self, path, name):
        names = self.taken()
        if name not in names:
            raise exception.SnapshotNotFound('No such snapshot.')
        names.remove(name)
        self.save(names)

    # What QEMU and Glance do

    def convert(self, chain, adapter, target):
        self.chains.append((chain, adapter, self.taken()))
        self.target = target
        vmdks.write(target, create_type='streamOptimized')

    def check(self, *args):
        self.assertNotIn(NAME, self.taken())
        self.assertTrue(os.path.exists(self.target))

    def snap(self):
        instance = types.SimpleNamespace(
            uuid=UUID, system_metadata={'image_os_distro': 'debian'},
            image_meta=types.SimpleNamespace(properties=self.properties))

        def update(task_state, expected_state=None):
            self.step(task_state)()

        self.snapshots.take('context', instance, IMAGE, update)

    def assertNoTraces(self, *taken):
        self.assertEqual(list(taken), self.taken())
        self.assertFalse(os.path.exists(self.layout.snapshot_work(UUID)))
