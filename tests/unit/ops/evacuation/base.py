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

"""What the tests of evacuations share: a server of another host."""

from unittest import mock

import fixtures
from nova import objects

from nova_vmrun.ops import consoles
from nova_vmrun.ops import destroy
from nova_vmrun.ops.evacuation import evacuation
from nova_vmrun.ops.evacuation import examination
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.power import power
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue
from nova_vmrun.server import activity
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vm_process
from tests.unit.ops import hosts

UUID = hosts.UUID
THEIRS = 'their-node'


class TestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.theirs = records_module.Records(self.layout, THEIRS)
        self.theirs.create(UUID, 'instance-1', disks=[])
        # nova-compute has started.
        open(self.layout.node('this-node'), 'w').close()
        with open(self.layout.vmx(UUID), 'w') as file:
            file.write(hosts.VMX)
        self.examination = mock.create_autospec(examination.Examination,
                                                instance=True)
        self.examination.keeps_disks.return_value = True
        self.examination.locks.return_value = []
        self.examination.second_of.return_value = None
        self.examination.disk_folders.return_value = []
        self.examination.machine_ids.return_value = set()
        self.examination.has_remains.return_value = False
        self.examination.former.side_effect = (
            lambda _context, _instance, record: record.compute_id)
        self.examination.adoptable.side_effect = lambda *_: (
            self.records.of_any_node(UUID))
        self.reconciler = mock.create_autospec(reconcile.Reconciler,
                                               instance=True)
        self.consoles = mock.create_autospec(consoles.Consoles, instance=True)
        self.consoles.port_for_new_server.return_value.__enter__ = (
            lambda _self: 5907)
        self.power = mock.create_autospec(power.Power, instance=True)
        self.rescue = mock.create_autospec(rescue.Rescue, instance=True)
        self.destroyer = mock.create_autospec(destroy.Destroyer,
                                              instance=True)
        self.evacuation = evacuation.Evacuation(
            self.servers, self.examination, self.reconciler, self.consoles,
            self.power, self.rescue, self.destroyer)
        self.instance = objects.Instance(uuid=UUID, host='there')
        for target, name, function in (
                (mappings, 'volumes', lambda *_: []),
                (evacuations, 'host_of', lambda *_: 'there'),
                (evacuations, 'is_fenced', lambda *_: self.is_fenced),
                (evacuations, 'involving', self.involving),
                (evacuations, 'gone_from', self.gone_from),
                (evacuations, 'end_interrupted', self.end_interrupted),
                (evacuations, 'acknowledge', self.acknowledge)):
            patcher = mock.patch.object(target, name, function)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.scans = self.useFixture(fixtures.MockPatchObject(
            vm_process, 'vmx_paths', side_effect=lambda: set(
                self.vmrun.running))).mock
        self.useFixture(fixtures.MockPatchObject(activity, 'SECONDS', 0))
        self.is_fenced = False
        # Evacuated from or to this host.
        self.moved = {UUID}
        # Those that Nova has elsewhere.
        self.gone = {UUID}
        self.questions = []
        self.acknowledged = None

    def involving(self, _context, host):
        self.questions.append(host)
        return [objects.Migration(instance_uuid=uuid) for uuid in self.moved]

    def end_interrupted(self, _context, host):
        self.questions.append('end ' + host)

    def acknowledge(self, _context, host, moves, alive, is_starting):
        self.acknowledged = (host, alive, is_starting)

    def gone_from(self, _context, host, uuids, is_starting=False):
        self.questions += filter(None, [uuids])
        return self.gone & uuids

    def look(self, is_starting=False):
        self.evacuation.stop_adopted(None, 'here', is_starting)

    def adopt(self):
        self.evacuation.adopt(None, self.instance, [], None)

    def owner(self):
        return self.records.of_any_node(UUID).compute_id
