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

"""Operations on servers that boot from a volume."""

import os

from nova.tests.functional.api import client

from tests.functional.api import test_boot_from_volume


class TestCase(test_boot_from_volume.TestCase):
    """A running server with a boot volume and another one."""

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.root = self.cinder.add(bootable=True)
        self.data = self.cinder.add()
        self.server = self.request(self.existing(self.root),
                                   self.existing(self.data, boot_index=-1))

    def assertBoots(self):
        self.assertRunning(self.server)
        self.assertVolumes(self.server, self.root, self.data)
        self.assertEqual(self.cinder.descriptor(self.root),
                         self.boot_node(self.server))


class RescueTestCase(TestCase):

    def rescue(self, **properties):
        self.admin_api.post_server_action(self.server['id'], {
            'rescue': {'rescue_image_ref': self.add_image(
                properties=properties)}})

    def test_there_and_back(self):
        before = self.in_vmx(self.server)
        self.rescue(hw_rescue_device='disk', hw_rescue_bus='scsi')
        self._wait_for_state_change(self.server, 'RESCUE')
        self.assertEqual('rescue.vmdk', self.boot_node(self.server))
        self.assertVolumes(self.server, self.root, self.data)
        keys = self.vmx(self.server)
        for node in self.in_vmx(self.server):
            self.assertEqual('independent-persistent', keys[node + '.mode'])
        self.admin_api.post_server_action(self.server['id'],
                                          {'unrescue': None})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertBoots()
        self.assertEqual(before, self.in_vmx(self.server))
        self.assertNotIn('rescue.vmdk', os.listdir(self.path(self.server)))

    def test_an_image_that_does_not_say_where(self):
        error = self.assertRaises(client.OpenStackApiException, self.rescue)
        self.assertEqual(400, error.response.status_code)
        self.assertBoots()


class ResizeTestCase(TestCase):

    def resize(self):
        # The size of the root disk does not matter.
        self.admin_api.post_server_action(self.server['id'], {
            'resize': {'flavorRef': self.add_flavor(
                memory_mb=128, disk=5, ephemeral=1)}})
        self._wait_for_state_change(self.server, 'VERIFY_RESIZE')
        self.assertEqual('128', self.vmx(self.server)['memsize'])
        self.assertIn('ephemeral0.vmdk',
                      os.listdir(self.path(self.server)))
        self.assertBoots()

    def test_confirmed_and_reverted(self):
        self.resize()
        self.admin_api.post_server_action(self.server['id'],
                                          {'revertResize': None})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertEqual('64', self.vmx(self.server)['memsize'])
        self.assertBoots()
        self.resize()
        self._confirm_resize(self.server)
        self.assertBoots()


class ShelveTestCase(TestCase):

    def test_there_and_back(self):
        self._shelve_server(self.server)
        self.assertEqual([], self.vmware.running())
        self._unshelve_server(self.server)
        self.assertBoots()


class RebuildTestCase(TestCase):

    def reimage(self, context, volume_id, image_id, **options):
        """Do what Cinder does: it tells Nova when it has finished."""
        with open(self.cinder.path(volume_id), 'r+b') as file:
            file.write(b'the new image')
        self.assertNotIn(self.server['id'], os.listdir(self.instances_path))
        self.admin_api.create_server_external_events([{
            'name': 'volume-reimaged', 'tag': volume_id,
            'status': 'completed', 'server_uuid': self.server['id']}])

    def test_with_a_new_image(self):
        self.cinder.fake_reimage_volume = self.reimage
        self.rebuild(self.server, self.add_image())
        self.assertBoots()
        with open(self.cinder.path(self.root), 'rb') as file:
            self.assertEqual(b'the new image', file.read(13))

    def test_what_cannot_be_built_is_refused_first(self):
        pid = self.pid_of(self.server)
        self.admin_api.post_server_action(self.server['id'], {
            'rebuild': {'imageRef': self.add_image(
                properties={'vmrun_guestos': 'no-such-guest'})}})
        self._wait_for_action_fail_completion(
            self.server, 'rebuild', 'compute_rebuild_instance')
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertBoots()
        self.assertEqual(pid, self.pid_of(self.server))
