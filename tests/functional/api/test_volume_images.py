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

"""Images of servers with volumes."""

from unittest import mock

from nova import context
from nova import objects

from tests.functional.api import volumes
from tests.functional import glance_uploads


class TestCase(volumes.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(glance_uploads.GlanceUploads())

    def create_image(self, server):
        """Make an image; return its id and the verbs of vmrun that ran."""
        before = len(self.vmware.calls())
        image_id = self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})['image_id']
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        return image_id, [verb for program, verb in
                          self.vmware.verbs_since(before)
                          if program == 'vmrun' and verb != 'list']


class RootDiskTestCase(TestCase):

    def test_a_running_server_is_paused_and_gets_no_snapshot(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        server = self._start_server(server)
        image_id, verbs = self.create_image(server)
        self.assertEqual(['pause', 'unpause'], verbs)
        self.assertRunning(server)
        self.assertVolumes(server, volume)
        self.assertRunning(self.boot(image_id))

    def test_a_stopped_one_is_left_alone(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        self.assertEqual([], self.create_image(server)[1])


class BootVolumeTestCase(TestCase):
    """The server boots from a volume, for Nova and Cinder."""

    def boot_from_volume(self):
        server = self.boot()
        volume = self.cinder.add()
        root = objects.BlockDeviceMappingList.get_by_instance_uuid(
            context.get_admin_context(), server['id']).root_bdm()
        root.update({'source_type': 'volume', 'destination_type': 'volume',
                     'volume_id': volume})
        root.save()
        return server

    def test_it_is_paused_while_cinder_makes_snapshots(self):
        server = self.boot_from_volume()
        running = []
        make = self.cinder.fake_create_snapshot_force

        def look(*arguments):
            running.append(self.vmware.verbs_since(0)[-1])
            return make(*arguments)

        with mock.patch('nova.volume.cinder.API.create_snapshot_force',
                        side_effect=look, autospec=False):
            self.create_image(server)
        self.assertEqual([('vmrun', 'pause')], running)
        # Nova does not wait for the end of it.
        self.wait_for(lambda: self.vmware.verbs_since(0)[-1] == (
            'vmrun', 'unpause'), 'the server to go on')
        self.assertRunning(server)
