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

"""Images of servers whose guests have something on their disks."""

import base64

from nova_vmrun.aio import processes
from tests.e2e.cloud import base
from tests.e2e.guest import console


class SnapshotCase(base.CloudCase):

    def make_image(self, server):
        """Ask for an image, without waiting for it."""
        image = self.cloud.compute.create_server_image(
            server.id, 'image-of-' + server.name, wait=False)
        self.addCleanup(self.cloud.image.delete_image, image.id,
                        ignore_missing=True)
        return image

    def wait_image(self, image):
        return self.cloud.image.wait_for_status(
            self.cloud.image.get_image(image.id), 'active', interval=1,
            wait=base.CHANGE)

    def traces(self, server):
        """Return the files that a snapshot makes in a server's folder."""
        return [path.name for path in server.folder.iterdir()
                if path.name == 'snapshot' or 'Snapshot' in path.name or
                '-00000' in path.name]

    def assertGoesOn(self, server):
        server.console.wait_tick(server.console.ticks()[-1])
        self.assertEqual(1, len(server.console.all_facts()))
        self.assertEqual([], self.traces(server))


class SnapshotTest(SnapshotCase):

    def test_a_running_guest_goes_on_and_its_image_boots(self):
        server, _ = self.boot(
            user_data=base64.b64encode(b'write note kept\n').decode())
        image = self.wait_image(self.make_image(server))
        server.wait('ACTIVE')
        self.assertGoesOn(server)
        self.assertEqual('streamOptimized',
                         image.properties['vmware_disktype'])
        # The disk counts how often it was booted.
        again = self.create(image, name='again')
        again.wait('ACTIVE')
        facts = again.console.wait_boots(2)
        self.assertEqual({'note': 'kept'}, console.files(facts))

    def test_shelve_and_unshelve(self):
        server, _ = self.boot()
        self.cloud.compute.shelve_server(server.id)
        server.wait('SHELVED_OFFLOADED')
        self.assertFalse(server.folder.exists())
        self.cloud.compute.unshelve_server(server.id)
        server.wait('ACTIVE')
        server.console.wait_boots(2)

    def test_nova_is_killed_in_the_middle(self):
        server, _ = self.boot()
        image = self.make_image(server)
        copy = server.folder / 'snapshot' / 'disk.vmdk'
        self.assertTrue(processes.wait_until(copy.exists, base.CHANGE,
                                             interval=0.01))
        with self.plane.killed('nova'):
            self.assertTrue(server.processes())

        server.wait('ACTIVE')
        self.assertGoesOn(server)
        found = self.cloud.image.find_image(image.id, ignore_missing=True)
        self.assertTrue(found is None or found.status != 'active')
        self.wait_image(self.make_image(server))
        server.wait('ACTIVE')
        self.assertGoesOn(server)
