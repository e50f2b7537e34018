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

"""nova-compute is killed while it builds a server."""

from openstack.compute.v2 import server as sdk_server
from openstack.image.v2 import image as sdk_image

from tests.functional.split import crashes


class BuildTestCase(crashes.CrashTestCase):

    def test_killed(self) -> None:
        for crash in (self.in_download, self.in_conversion, self.in_base,
                      self.in_clone):
            self.report.line(crash.__name__)
            image = crash()
            self.check_image(image)
            self.check_nothing_left()

    def in_download(self) -> sdk_image.Image:
        image = self.new_image()
        self.glance.close(self.glance.FROM_SERVER, crashes.HALF)
        server = self.request_boot(image)
        self.wait_until(self.glance.is_reached, 'half is downloaded')
        self.nova_compute.kill()
        self.glance.open()
        self.delete_failed(server)
        return image

    def in_conversion(self) -> sdk_image.Image:
        return self.in_qemu_img('convert')

    def in_base(self) -> sdk_image.Image:
        """The base disk has its name; its empty child is being made."""
        return self.in_qemu_img('create')

    def in_qemu_img(self, verb: str) -> sdk_image.Image:
        """qemu-img outlives nova-compute and goes on beside the next one."""
        image = self.new_image()
        self.qemu_img.close(verb)
        server = self.request_boot(image)
        self.wait_until(lambda: self.qemu_img.is_reached(verb),
                        'qemu-img %s is reached' % verb)
        self.nova_compute.kill()
        self.restart()
        self.qemu_img.open(verb)
        self.delete_failed(server)
        return image

    def in_clone(self) -> sdk_image.Image:
        """The disk is being copied, the last thing before the VM starts."""
        image = self.new_image(crashes.LARGE_MB, img_linked_clone='false')
        self.hang('start 1 hang')
        server = self.request_boot(image)
        folder = self.layout.instances / server.id
        self.wait_until(lambda: bool(list(folder.glob('*root.vmdk*'))),
                        'the disk is there, in whole or in part',
                        interval=0.001)
        self.nova_compute.kill()
        self.end_hanging()
        self.delete_failed(server)
        return image

    def delete_failed(self, server: sdk_server.Server) -> None:
        """Delete a server whose interrupted build Nova puts into ERROR."""
        if not self.nova_compute.is_running():
            self.restart()
        self.wait_for_status(server, 'ERROR')
        self.delete(server)
