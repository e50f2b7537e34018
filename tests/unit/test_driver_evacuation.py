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

"""Unit tests for the driver's part in evacuations."""

import fixtures
from nova import context
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.ops.nova import evacuations
from tests.unit import test_driver

UUID = test_driver.UUID
ELSEWHERE = test_driver.Instance(uuid=UUID, host='second', task_state=None,
                                 vm_state='active')


class EvacuationTestCase(test_driver.Base):

    def setUp(self):
        super().setUp()
        self.is_leaving = True
        self.useFixture(fixtures.MockPatchObject(
            evacuations, 'is_leaving', lambda *_: self.is_leaving))

    def spawn(self):
        self.driver.spawn('context', ELSEWHERE, None, [], None, {}, 'network',
                          'volumes')

    def test_a_server_whose_disks_are_here_is_adopted(self):
        self.parts.evacuation.keeps_disks.return_value = True
        self.spawn()
        self.parts.evacuation.adopt.assert_called_once_with(
            'context', ELSEWHERE, 'network', 'volumes')
        self.parts.spawner.spawn.assert_not_called()

    def test_an_evacuation_that_went_no_further_is_forgotten(self):
        """Nova has the server here now: it was migrated, for example."""
        self.parts.evacuation.keeps_disks.return_value = True
        self.driver.spawn('context', test_driver.INSTANCE, None, [], None, {},
                          'network', 'volumes')
        self.parts.evacuation.adopt.assert_not_called()
        self.parts.spawner.spawn.assert_called_once()

    def test_any_other_is_built(self):
        self.spawn()
        self.parts.evacuation.adopt.assert_not_called()
        self.parts.spawner.spawn.assert_called_once()
        self.parts.evacuation.make_way.assert_called_once_with(
            'context', ELSEWHERE, 'volumes')

    def test_a_new_server_has_no_other_host(self):
        self.driver.spawn('context', test_driver.INSTANCE, None, [], None, {},
                          'network', 'volumes')
        self.parts.evacuation.make_way.assert_not_called()

    def test_a_refusal_leaves_the_server_in_its_state(self):
        self.parts.evacuation.examine.side_effect = exception.FileInUse(
            'Host second may still write.')
        error = self.assertRaises(
            nova_exception.InstanceFaultRollback,
            self.driver.instance_on_disk, ELSEWHERE)
        self.assertIn('second may still', str(error.inner_exception))

    def test_the_context_of_the_request_reads_the_image(self):
        self.driver.instance_on_disk(test_driver.Instance(
            uuid=UUID, host='second', _context=context.RequestContext(
                'user', 'project', auth_token='token', is_admin=True)))
        used = self.parts.evacuation.examine.call_args.args[0]
        self.assertEqual(('token', True), (used.auth_token, used.is_admin))

    def test_an_image_service_that_does_not_answer(self):
        self.parts.evacuation.examine.side_effect = (
            nova_exception.GlanceConnectionFailed(server='x', reason='down'))
        self.assertRaises(nova_exception.InstanceFaultRollback,
                          self.driver.instance_on_disk, ELSEWHERE)

    def test_disks_that_are_here(self):
        self.parts.evacuation.examine.return_value = True
        self.assertTrue(self.driver.instance_on_disk(ELSEWHERE))

    def test_a_server_of_another_host_does_not_exist_here(self):
        self.assertFalse(self.driver.instance_exists(ELSEWHERE))
        self.assertTrue(self.driver.instance_exists(test_driver.INSTANCE))

    def test_adopted_servers_are_stopped_before_any_starts(self):
        self.assertEqual('servers', self.driver.process_instances_at_startup(
            'context', 'servers'))
        self.parts.evacuation.stop_adopted.assert_called_once_with(
            'context', test_driver.NODE, is_starting=True)

    def test_an_evacuated_server(self):
        self.driver.destroy(None, ELSEWHERE, None)
        self.parts.evacuation.leave.assert_called_once_with(UUID, True)
        self.parts.destroy.stop.assert_not_called()

    def test_a_server_that_is_being_evacuated_while_we_start(self):
        instance = test_driver.Instance(
            uuid=UUID, host=test_driver.NODE, task_state='rebuilding',
            vm_state='active', deleted=False)
        self.driver._is_starting = True
        self.driver.destroy(None, instance, None)
        self.parts.evacuation.leave.assert_called_once_with(UUID, False)
        self.parts.allocations.keep.assert_not_called()

    def test_a_server_that_has_come_back_goes_on(self):
        """Nova looks at evacuations of the past when it starts."""
        instance = test_driver.Instance(
            uuid=UUID, host=test_driver.NODE, task_state=None,
            vm_state='active', deleted=False)
        self.driver._is_starting = True
        self.is_leaving = False
        self.driver.destroy('context', instance, None)
        self.parts.evacuation.leave.assert_not_called()
        self.parts.destroy.stop.assert_not_called()
        self.parts.allocations.keep.assert_called_once_with('context',
                                                            instance)

    def test_starts_are_refused_while_another_host_has_the_server(self):
        self.parts.evacuation.require_here.side_effect = exception.FileInUse(
            'Host second has it.')
        instance = test_driver.INSTANCE
        self.driver._is_starting = False
        for start, *arguments in (
                (self.driver.power_on, []),
                (self.driver.resume_state_on_host_boot, [], None),
                (self.driver.reboot, [], 'HARD'),
                (self.driver.unrescue,)):
            error = self.assertRaises(nova_exception.NovaException, start,
                                      None, instance, *arguments)
            self.assertIn('second has it', str(error))
        error = self.assertRaises(
            nova_exception.InstanceFaultRollback, self.driver.resume, None,
            instance, [])
        self.assertIn('second has it', str(error))
        self.assertEqual([], self.parts.power.method_calls)
        self.parts.rescue.end.assert_not_called()
