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

import fixtures

from nova_vmrun import exception
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.server import disks
from tests.unit.ops import test_interfaces

UUID = test_interfaces.UUID
MAC = test_interfaces.MACS['nat']


class TagTestCase(test_interfaces.Base):
    """An adapter that has a tag."""

    def setUp(self):
        super().setUp()
        self.records.change(UUID, disks=disks.dump(
            [disks.config_drive('sata')]))
        self.written = self.useFixture(fixtures.MockPatchObject(
            self.tagged, 'written')).mock
        self.tags_by_mac[MAC] = 'front'
        self.describe.return_value = 'metadata'

    def present(self):
        return [(device.mac, device.tags) for device in
                device_tags.present(self.instance)]

    def test_the_guest_learns_it_before_the_adapter_comes(self):
        self.written.return_value.__enter__.side_effect = KeyboardInterrupt
        self.assertRaises(KeyboardInterrupt, self.attach, 'nat')
        self.assertEqual((UUID, 'metadata'), self.written.call_args[0][:2])
        self.assertEqual({}, self.nics())
        self.instance.save.assert_not_called()

    def test_it_comes_and_goes(self):
        self.attach('nat')
        self.assertEqual([(MAC, ['front'])], self.present())
        self.attach('office')
        self.detach('office')
        self.assertEqual([(MAC, ['front'])], self.present())
        self.assertEqual(1, self.describe.call_count)
        self.detach('nat')
        self.assertEqual([], self.present())
        self.assertEqual([], self.written.call_args[0][2])
        self.assertEqual(2, self.instance.save.call_count)

    def test_a_server_without_a_config_drive(self):
        self.records.change(UUID, disks=[])
        error = self.assertRaises(exception.InvalidInput, self.attach, 'nat')
        self.assertIn('no config drive', error.details)
        self.assertEqual({}, self.nics())
        self.written.assert_not_called()

    def test_a_refused_one_changes_nothing_that_the_guest_reads(self):
        self.start()
        self.assertRaises(exception.VmStateError, self.attach, 'nat')
        self.written.return_value.__enter__.assert_not_called()
        self.assertEqual([], self.present())
