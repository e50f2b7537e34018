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

"""The base class of tests that kill a stock nova-compute.

tests/crash kills the driver at every step of every operation; here a stock
nova-compute is killed, and Nova itself finds what is left.
"""

import os
import pathlib
import subprocess

from openstack.compute.v2 import server as sdk_server
from openstack.image.v2 import image as sdk_image
import psutil

from tests.functional.split import base
from tests.functional.split import gates

LARGE_MB = 128
# Bytes that Glance has sent or received when nova-compute is killed.
HALF = 1 << 20
_CONTENT = 8 << 20
_OPTIONS = dict[tuple[str, str], str]


class CrashTestCase(base.TestCase):
    """A nova-compute behind gates, and checks of what a crash has left."""

    def changes(self) -> _OPTIONS:
        self.qemu_img = self.useFixture(gates.QemuImg())
        self.glance = self.useFixture(gates.Proxy(
            self.settings.ports['glance']))
        return {
            ('vmrun', 'qemu_img_path'): self.qemu_img.path,
            ('glance', 'endpoint_override'):
                'http://127.0.0.1:%d' % self.glance.port}

    def new_image(self, size_mb: int = 16,
                  **properties: str) -> sdk_image.Image:
        content = _CONTENT if size_mb < LARGE_MB else size_mb << 20
        return self.upload_image(size_mb, os.urandom(content), **properties)

    def hang(self, fault: str) -> None:
        """Make vmrun hang from now on."""
        self.knobs.write_text('FAULTS = %s\n' % fault)

    def end_hanging(self) -> None:
        """End a vmrun that hangs."""
        self.knobs.write_text('')
        for process in psutil.process_iter(['cmdline']):
            words = process.info['cmdline'] or ()
            if '-T' in words and str(self.layout.instances) in ''.join(words):
                process.kill()

    def vmsd(self, server: sdk_server.Server) -> pathlib.Path:
        """Return the path of the list of a server's snapshots."""
        return self.layout.instances / server.id / (server.id + '.vmsd')

    def check_image(self, image: sdk_image.Image) -> None:
        """Check that another server gets what the image holds."""
        server = self.boot(image)
        disk = self.layout.instances / server.id / 'root.vmdk'
        subprocess.run(
            ['qemu-img', 'compare', '-U', '-f', 'vmdk', '-F', 'qcow2', disk,
             self.image_path(image)], check=True, stdout=subprocess.DEVNULL)
        self.delete(server)

    def check_nothing_left(self) -> None:
        """Check that there is no VM, and no incomplete file in the cache."""
        self.assertEqual([], self.running_vms())
        self.assertEqual({'_base', 'locks'}, set(
            os.listdir(self.layout.instances)) - {'compute_nodes'})
        for path in (self.layout.instances / '_base').rglob('*'):
            self.assertNotRegex(
                str(path.relative_to(self.layout.instances)),
                'work-|boots|[.]part$|[.]deleted')
