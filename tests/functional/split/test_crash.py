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

"""nova-compute is killed while it is busy with images and disks.

Every step of every operation is in tests/crash; here a stock nova-compute is
killed, and Nova itself finds what is left.
"""

import os
import subprocess

import psutil

from tests.functional.split import base
from tests.functional.split import gates

_CONTENT = 8 << 20
_HELD_AFTER = 1 << 20
_LARGE = 128


class CrashTestCase(base.TestCase):

    def changes(self):
        self.qemu_img = self.useFixture(gates.QemuImg())
        self.glance = self.useFixture(gates.Proxy(
            self.settings.ports['glance']))
        return {
            ('vmrun', 'qemu_img_path'): self.qemu_img.path,
            ('glance', 'endpoint_override'):
                'http://127.0.0.1:%d' % self.glance.port}

    def test_killed(self):
        for crash in (self.in_download, self.in_conversion, self.in_base,
                      self.in_clone, self.in_snapshot, self.in_upload):
            self.report.line(crash.__name__)
            image = crash()
            self.check_image(image)
            self.check_nothing_left()

    # The moments

    def in_download(self):
        image = self.new_image()
        self.glance.close(self.glance.FROM_SERVER, _HELD_AFTER)
        server = self.request_boot(image)
        self.wait_until(self.glance.is_reached, 'half is downloaded')
        self.nova_compute.kill()
        self.glance.open()
        self.delete_failed(server)
        return image

    def in_conversion(self):
        return self.in_program('convert')

    def in_base(self):
        """The base disk has its name, its empty child is being made."""
        return self.in_program('create')

    def in_program(self, verb):
        """The program survives, and goes on when the next has begun."""
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

    def in_clone(self):
        """The disk is copied; nothing else comes before the VM's start."""
        image = self.new_image(_LARGE, img_linked_clone='false')
        self.hang('start 1 hang')
        server = self.request_boot(image)
        folder = self.layout.instances / server.id
        self.wait_until(lambda: list(folder.glob('*root.vmdk*')),
                        'the disk is there, whole or not', interval=0.001)
        self.nova_compute.kill()
        self.end_hanging()
        self.delete_failed(server)
        return image

    def in_snapshot(self):
        image, server = self.running_server()
        self.hang('snapshot 1 hang-after')
        vmsd = self.layout.instances / server.id / (server.id + '.vmsd')
        self.cloud.compute.create_server_image(server, 'first')
        self.wait_until(lambda: vmsd.exists() and
                        'nova-vmrun-' in vmsd.read_text(),
                        'the snapshot is there')
        self.nova_compute.kill()
        self.end_hanging()
        self.snapshot_again(server, vmsd)
        return image

    def in_upload(self):
        image, server = self.running_server()
        vmsd = self.layout.instances / server.id / (server.id + '.vmsd')
        self.glance.close(self.glance.TO_SERVER, _HELD_AFTER)
        self.cloud.compute.create_server_image(server, 'first')
        self.wait_until(self.glance.is_reached, 'half is uploaded')
        self.nova_compute.kill()
        self.glance.open()
        self.snapshot_again(server, vmsd)
        return image

    # What comes before and after

    def new_image(self, size_mb=16, **properties):
        content = _CONTENT if size_mb < _LARGE else size_mb << 20
        return self.upload_image(size_mb, os.urandom(content), **properties)

    def running_server(self):
        image = self.new_image()
        return image, self.boot(image)

    def hang(self, fault):
        """Makes vmrun hang from now on."""
        self.knobs.write_text('FAULTS = %s\n' % fault)

    def end_hanging(self):
        """Ends a vmrun that hangs, as it would in the end by itself."""
        self.knobs.write_text('')
        for process in psutil.process_iter(['cmdline']):
            words = process.info['cmdline'] or ()
            if '-T' in words and str(self.layout.instances) in ''.join(words):
                process.kill()

    def delete_failed(self, server):
        """Nova says of a build that was interrupted that it has failed."""
        if not self.nova_compute.is_running():
            self.restart()
        self.wait_for_status(server, 'ERROR')
        self.delete(server)

    def snapshot_again(self, server, vmsd):
        """The server has gone on; an image of it can be made."""
        vms = self.running_vms()
        self.assertEqual(1, len(vms))
        self.restart()
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
        self.assertNotIn('nova-vmrun-', vmsd.read_text()
                         if vmsd.exists() else '')
        image = self.cloud.compute.create_server_image(
            server, 'second', wait=True, timeout=base.TIMEOUT)
        self.wait_for_status(server, 'ACTIVE')
        self.assertNotIn('nova-vmrun-', vmsd.read_text())
        self.cloud.image.delete_image(image.id)
        self.delete(server)

    def check_image(self, image):
        """Another server gets what the image holds."""
        server = self.boot(image)
        disk = self.layout.instances / server.id / 'root.vmdk'
        subprocess.run(
            ['qemu-img', 'compare', '-U', '-f', 'vmdk', '-F', 'qcow2', disk,
             self.image_path(image)], check=True, stdout=subprocess.DEVNULL)
        self.delete(server)

    def check_nothing_left(self):
        self.assertEqual([], self.running_vms())
        self.assertEqual({'_base', 'locks'}, set(
            os.listdir(self.layout.instances)) - {'compute_nodes'})
        for path in (self.layout.instances / '_base').rglob('*'):
            self.assertNotRegex(
                str(path.relative_to(self.layout.instances)),
                'work-|boots|[.]part$|[.]deleted')
