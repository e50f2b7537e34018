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

"""nova-compute is killed while it makes an image of a server."""

from openstack.compute.v2 import server as sdk_server
from openstack.image.v2 import image as sdk_image

from tests.functional.split import base
from tests.functional.split import crashes

# How the driver names its own snapshots.
_PREFIX = 'nova-vmrun-'


class SnapshotTestCase(crashes.CrashTestCase):

    def test_killed(self) -> None:
        for crash in (self.in_snapshot, self.in_upload):
            self.report.line(crash.__name__)
            image = crash()
            self.check_image(image)
            self.check_nothing_left()

    def in_snapshot(self) -> sdk_image.Image:
        image = self.new_image()
        server = self.boot(image)
        self.hang('snapshot 1 hang-after')
        self.cloud.compute.create_server_image(server, 'first')
        self.wait_until(lambda: self.has_snapshot(server),
                        'the snapshot is there')
        self.nova_compute.kill()
        self.end_hanging()
        self.make_image_again(server)
        return image

    def in_upload(self) -> sdk_image.Image:
        image = self.new_image()
        server = self.boot(image)
        self.glance.close(self.glance.TO_SERVER, crashes.HALF)
        self.cloud.compute.create_server_image(server, 'first')
        self.wait_until(self.glance.is_reached, 'half is uploaded')
        self.nova_compute.kill()
        self.glance.open()
        self.make_image_again(server)
        return image

    def has_snapshot(self, server: sdk_server.Server) -> bool:
        """Return whether a server has a snapshot of the driver's."""
        vmsd = self.vmsd(server)
        return vmsd.exists() and _PREFIX in vmsd.read_text()

    def make_image_again(self, server: sdk_server.Server) -> None:
        """Check that the server kept running, and make an image of it."""
        vms = self.running_vms()
        self.assertEqual(1, len(vms))
        self.restart()
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
        self.assertFalse(self.has_snapshot(server))
        image = self.cloud.compute.create_server_image(
            server, 'second', wait=True, timeout=base.TIMEOUT)
        self.wait_for_status(server, 'ACTIVE')
        self.assertTrue(self.vmsd(server).exists())
        self.assertFalse(self.has_snapshot(server))
        self.cloud.image.delete_image(image.id)
        self.delete(server)
