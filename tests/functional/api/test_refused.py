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

"""Requests that are refused with a reason; the server does not change."""

from nova.tests.functional.api import client

from tests.functional.api import base
from tests.functional import fake_vmware


class TestCase(base.TestCase):

    # What one service refuses another must not hear by itself.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.server = self.boot()
        self.before = self.look()

    def look(self):
        shown = self.admin_api.get_server(self.server['id'])
        return (shown['status'], shown['OS-EXT-STS:task_state'],
                shown['os-extended-volumes:volumes_attached'],
                self.pid_of(self.server), self.is_running(self.server),
                dict(self.vmx(self.server).items()))

    def assertAsBefore(self):
        self.assertEqual(self.before, self.look())

    def assertRefused(self, code, *words, call, args):
        error = self.assertRaises(client.OpenStackApiException, call, *args)
        self.assertEqual(code, error.response.status_code)
        for word in words:
            self.assertIn(word, str(error))
        self.assertAsBefore()

    def assertFails(self, action, event, body):
        """Ask for what is accepted and then fails, as its event shows."""
        self.admin_api.post_server_action(self.server['id'], body)
        self._wait_for_action_fail_completion(self.server, action, event)
        self.assertAsBefore()


class VolumeTestCase(TestCase):

    # From 2.101 on, the API does not wait for an answer.
    microversion = '2.100'

    def attach(self, volume_id, **options):
        self.admin_api.post_server_volume(self.server['id'], {
            'volumeAttachment': {'volumeId': volume_id, **options}})

    def test_attach(self):
        volume = self.cinder.IMAGE_BACKED_VOL
        self.assertRefused(400, 'while it is stopped',
                           call=self.attach, args=[volume])
        self.assertFalse(self.cinder.volume_to_attachment.get(volume))
        self.assertRefused(400, call=self.attach,
                           args=[self.cinder.MULTIATTACH_VOL])
        error = self.assertRaises(client.OpenStackApiException, self.attach,
                                  volume, tag='data')
        self.assertEqual(400, error.response.status_code)


class ActionTestCase(TestCase):

    def test_crash_dump(self):
        self.assertFails('trigger_crash_dump',
                         'compute_trigger_crash_dump',
                         {'trigger_crash_dump': None})

    def test_a_tpm(self):
        server = self.boot(
            self.add_image(properties={'hw_tpm_version': '2.0',
                                       'hw_tpm_model': 'tpm-crb'}),
            expected_state='ERROR')
        self.assertIn('No valid host', self.fault(server))
        self.assertFails('resize', 'conductor_migrate_server', {'resize': {
            'flavorRef': self.add_flavor(extra_spec={
                'trait:COMPUTE_SECURITY_TPM_2_0': 'required'})}})


class PlayerTestCase(TestCase):

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(product='player')

    def test_pause(self):
        self.assertFails('pause', 'compute_pause_instance', {'pause': None})


class LockedTestCase(TestCase):

    def test_what_its_admin_has_locked(self):
        self.admin_api.post_server_action(
            self.server['id'], {'lock': {'locked_reason': 'mine'}})
        for body in ({'os-stop': None}, {'pause': None}, {'suspend': None},
                     {'reboot': {'type': 'HARD'}}):
            self.assertRefused(
                409, 'locked', call=self.api_fixture.api.post_server_action,
                args=(self.server['id'], body))
        self.admin_api.post_server_action(self.server['id'],
                                          {'unlock': None})
        self._stop_server(self.server)
