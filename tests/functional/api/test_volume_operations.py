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

"""Operations on servers with volumes that move or replace their files."""

import os

from tests.functional.api import two_hosts
from tests.functional.api import volumes
from tests.functional import glance_uploads


class TestCase(volumes.TestCase):
    """A running server with a volume."""

    def setUp(self):
        super().setUp()
        self.flags(allow_resize_to_same_host=True)
        self.useFixture(glance_uploads.GlanceUploads())
        self.server, self.volume = self.boot_stopped(), self.cinder.add()
        self.attach(self.server, self.volume)
        self._start_server(self.server)

    def assertRunsWithVolume(self):
        self.assertRunning(self.server)
        self.assertVolumes(self.server, self.volume)
        self.assertEqual('in-use', self.cinder.status(self.volume))


class ResizeTestCase(TestCase):

    def resize(self):
        self.admin_api.post_server_action(self.server['id'], {
            'resize': {'flavorRef': self.add_flavor(memory_mb=128, disk=2)}})
        self._wait_for_state_change(self.server, 'VERIFY_RESIZE')
        self.assertVolumes(self.server, self.volume)

    def test_confirmed(self):
        self.resize()
        self.assertRunsWithVolume()
        self._confirm_resize(self.server)
        self._stop_server(self.server)
        self._start_server(self.server)
        self.assertRunsWithVolume()

    def test_reverted_after_another_volume_was_attached(self):
        self._stop_server(self.server)
        self.resize()
        second = self.cinder.add()
        self.attach(self.server, second)
        self.admin_api.post_server_action(self.server['id'],
                                          {'revertResize': None})
        self._wait_for_state_change(self.server, 'SHUTOFF')
        self._start_server(self.server)
        self.assertRunning(self.server)
        self.assertVolumes(self.server, self.volume, second)


class RebuildTestCase(TestCase):

    def test_the_volume_stays(self):
        node = self.in_vmx(self.server)
        self.rebuild(self.server, self.add_image())
        self.assertRunsWithVolume()
        self.assertEqual(node, self.in_vmx(self.server))
        self._delete_server(self.server)
        self.assertNothingLeft()
        self.assertEqual('available', self.cinder.status(self.volume))


class RestoreTestCase(TestCase):

    def test_it_comes_back_with_its_volume(self):
        self.flags(reclaim_instance_interval=3600)
        self.admin_api.delete_server(self.server['id'])
        self._wait_for_state_change(self.server, 'SOFT_DELETED')
        self.assertEqual([], self.vmware.running())
        self.assertEqual('in-use', self.cinder.status(self.volume))
        self.admin_api.post_server_action(self.server['id'],
                                          {'restore': None})
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertRunsWithVolume()


class LostVmxTestCase(TestCase):

    def test_the_new_one_has_the_volume_at_its_old_place(self):
        self._stop_server(self.server)
        before = self.in_vmx(self.server)
        os.remove(self.vmx_path(self.server))
        self._reboot_server(self.server, hard=True)
        self.assertRunsWithVolume()
        self.assertEqual(before, self.in_vmx(self.server))


class ShelveTestCase(TestCase):

    def test_volumes_change_while_it_is_shelved(self):
        self._shelve_server(self.server)
        self.assertEqual([], self.vmware.running())
        second = self.cinder.add()
        self.request_attach(self.server, second)
        self.wait_for(lambda: second in self.attached(self.server),
                      'a second volume')
        self.detach(self.server, self.volume)
        self._unshelve_server(self.server)
        self.assertRunning(self.server)
        self.assertVolumes(self.server, second)


class MoveTestCase(volumes.TestCase, two_hosts.TwoHosts):

    def test_it_is_refused_while_the_server_runs(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        self._start_server(server)
        host = self.where(server)
        self.admin_api.post_server_action(server['id'], {'migrate': None})
        self._wait_for_migration_status(server, ['error'])
        self._wait_for_state_change(server, 'ACTIVE')
        self.assertIn('cannot move to another host',
                      self.stdlog.logger.output)
        self.assertRunsAt(host, server)
        self.assertEqual([volume], self.attached(server))
        self.assertEqual('in-use', self.cinder.status(volume))
