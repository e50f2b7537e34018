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

"""What a node that is not let in does with VMs: the real program."""

import pathlib

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import membership
from nova_vmrun.server import disk_lists
from nova_vmrun.server import disks
from nova_vmrun.server import layout as server_layout
from nova_vmrun.server import records as server_records
from tests.functional import fake_vmware
from tests.unit import base

NODE = '0a1b2c3d-1111-2222-3333-444455556666'
LOCAL = '11111111-2222-3333-4444-555555555555'
ON_VOLUME = '22222222-2222-3333-4444-555555555555'
ADOPTED = '33333333-2222-3333-4444-555555555555'
_NOVA_CONF = """\
[DEFAULT]
state_path = %s
instances_path = %s
[vmrun]
vmrun_path = %s
vdiskmanager_path = %s
"""
_VMX = """\
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "18"
guestOS = "otherlinux-64"
memsize = "64"
"""


class LeftBehindTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.vmware = self.useFixture(fake_vmware.FakeVmware())
        self.layout = aio_layout.Layout(
            pathlib.Path(self.useFixture(fixtures.TempDir()).path) / 'state')
        self.layout.create()
        files = node_files.Files(self.layout)
        files.nova_conf.parent.mkdir(parents=True, exist_ok=True)
        files.nova_conf.write_text(_NOVA_CONF % (
            self.layout.nova_state, self.layout.instances, self.vmware.vmrun,
            self.vmware.vdiskmanager))
        (self.layout.nova_state / 'compute_id').write_text(NODE)
        self.member = membership.Membership(
            'lab-2', 'tester', ['192.0.2.1'], 2222, {}, 20100, {})
        self.servers = server_layout.Layout(str(self.layout.instances), '_')
        self.records = server_records.Records(self.servers, NODE)
        for uuid in (LOCAL, ON_VOLUME, ADOPTED):
            self.records.create(uuid, 'instance-1', disks=[])
            vmx = pathlib.Path(self.servers.vmx(uuid))
            vmx.write_text(_VMX)
            self.vmware.run('-T', 'ws', 'start', str(vmx), 'nogui')

    def stop(self, every):
        """Return what has become of the VMs, by server, and who runs on."""
        found = left_behind.stop(self.layout, self.member, every)
        return {vm.uuid: vm.state for vm in found}, {
            pathlib.Path(path).stem for path in self.vmware.running()}

    def test_without_nova(self):
        disk_lists.DiskLists(self.servers, self.records).attach_volume(
            ON_VOLUME, disks.volume('a1b2', '/volume.vmdk', 1, 'pvscsi',
                                    is_boot=True))
        theirs = server_records.Records(self.servers, 'another-node')
        theirs.take_over(theirs.of_any_node(ADOPTED))
        self.assertEqual(
            {LOCAL: 'runs', ON_VOLUME: 'runs', ADOPTED: 'adopted'},
            {vm.uuid: vm.state for vm in left_behind.look(
                self.layout, self.member)})
        self.assertEqual(
            ({LOCAL: 'runs', ON_VOLUME: 'runs', ADOPTED: 'stopped'},
             {LOCAL, ON_VOLUME}), self.stop(every=False))
        self.assertEqual(({LOCAL: 'stopped', ON_VOLUME: 'stopped'}, set()),
                         self.stop(every=True))
        self.assertEqual(({}, set()), self.stop(every=True))
        for uuid in (LOCAL, ON_VOLUME, ADOPTED):
            self.assertTrue(pathlib.Path(self.servers.vmx(uuid)).exists())
