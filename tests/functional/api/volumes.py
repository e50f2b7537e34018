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

"""A Nova whose Cinder has volumes in files on this host."""

import os

from tests.functional.api import base
from tests.functional import local_cinder


class TestCase(base.TestCase):

    # From 2.101 on, the API does not wait for an answer.
    microversion = '2.100'
    # What one service refuses another must not hear by itself.
    CAST_AS_CALL = False

    def _setup_services(self):
        self._folder = os.path.join(self.folder_of_volumes(), 'volumes')
        self.flags(volume_folders=[self._folder], group='vmrun')
        super()._setup_services()
        self.cinder = self.useFixture(self.make_cinder())

    def make_cinder(self):
        return local_cinder.LocalCinder(self, self._folder)

    def folder_of_volumes(self):
        return self.useFixture(base.fixtures.TempDir()).path

    def boot_stopped(self, **options):
        server = self.boot(**options)
        return self._stop_server(server)

    def attach(self, server, volume_id, **options):
        """Attach a volume and wait until Nova has done so."""
        self.request_attach(server, volume_id, **options)
        self.wait_for(lambda: volume_id in self.attached(server) and
                      self.cinder.status(volume_id) == 'in-use',
                      'an attached volume')

    def request_attach(self, server, volume_id, **options):
        self.admin_api.post_server_volume(server['id'], {
            'volumeAttachment': {'volumeId': volume_id, **options}})

    def detach(self, server, volume_id):
        """Detach a volume and wait until Nova has done so."""
        self.admin_api.delete_server_volume(server['id'], volume_id)
        self.wait_for(lambda: volume_id not in self.attached(server),
                      'a detached volume')

    def rebuild(self, server, image_id):
        """Rebuild a server; Nova's own method waits only some seconds."""
        self.admin_api.post_server_action(
            server['id'], {'rebuild': {'imageRef': image_id}})
        self._wait_for_state_change(server, 'ACTIVE')

    def attached(self, server):
        """Return the ids of a server's volumes, as Nova knows them."""
        return [each['volumeId'] for each in
                self.admin_api.get_server_volumes(server['id'])]

    def in_vmx(self, server):
        """Return the nodes of volumes in a .vmx, with their descriptors."""
        keys = self.vmx(server)
        return {key.removesuffix('.fileName'): path
                for key, path in keys.items()
                if key.endswith('.fileName') and
                os.path.dirname(path) == self.cinder.folder}

    def assertVolumes(self, server, *volume_ids):
        """Assert that Nova and the .vmx agree on a server's volumes."""
        self.assertEqual(sorted(volume_ids), sorted(self.attached(server)))
        self.assertEqual(sorted(map(self.cinder.descriptor, volume_ids)),
                         sorted(self.in_vmx(server).values()))
