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

from nova import context
from nova import exception as nova_exception

from nova_vmrun import exception
from tests.unit import test_driver

UUID = test_driver.UUID
ELSEWHERE = test_driver.Instance(uuid=UUID, host='second', task_state=None,
                                 vm_state='active')


class EvacuationTestCase(test_driver.Base):

    def spawn(self):
        self.driver.spawn('context', ELSEWHERE, None, [], None, {}, 'network',
                          'volumes')

    def test_a_server_whose_disks_are_here_is_adopted(self):
        self.parts.evacuation.keeps_disks.return_value = True
        self.spawn()
        self.parts.evacuation.adopt.assert_called_once_with(
            'context', ELSEWHERE, 'network', 'volumes')
        self.parts.spawner.spawn.assert_not_called()

    def test_any_other_is_built(self):
        self.spawn()
        self.parts.evacuation.adopt.assert_not_called()
        self.parts.spawner.spawn.assert_called_once()
        self.parts.evacuation.unlock_volumes.assert_called_once_with(
            'context', ELSEWHERE, 'volumes')

    def test_a_new_server_has_no_other_host(self):
        self.driver.spawn('context', test_driver.INSTANCE, None, [], None, {},
                          'network', 'volumes')
        self.parts.evacuation.unlock_volumes.assert_not_called()

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
            'context', test_driver.NODE)

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
