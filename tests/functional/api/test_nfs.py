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

"""Volumes on an NFS server; a folder stands for its mount."""

import os
import threading
from unittest import mock

from nova_vmrun.host import responsive
from tests.functional.api import base
from tests.functional.api import volumes

EXPORT = '192.0.2.1:/srv/volumes'


class TestCase(volumes.TestCase):
    """A folder is in the place of the mounted export."""

    def _setup_services(self):
        self.mount = self.useFixture(base.fixtures.TempDir()).path
        self.flags(nfs_mounts=['%s=%s' % (EXPORT, self.mount)],
                   group='vmrun')
        super()._setup_services()

    def add(self):
        """Make a volume as Cinder's NFS driver does; return its id."""
        volume = self.cinder.add(bootable=True)
        name = 'volume-%s' % volume
        os.rename(self.cinder.path(volume), os.path.join(self.mount, name))
        self.cinder.change(volume, 'nfs', export=EXPORT, name=name,
                           format='raw', options=None, device_path=None)
        return volume

    def in_mount(self):
        return sorted(os.listdir(self.mount))


class NfsTestCase(TestCase):

    def test_attach_and_detach(self):
        server, volume = self.boot_stopped(), self.add()
        self.attach(server, volume)
        descriptor = os.path.join(self.mount, 'volume-%s.vmdk' % volume)
        self.assertEqual(descriptor, self.vmx(server)['scsi3:0.fileName'])
        server = self._start_server(server)
        self.assertRunning(server)
        server = self._stop_server(server)
        self.detach(server, volume)
        self.assertEqual(['volume-' + volume], self.in_mount())

    def test_boot_and_delete(self):
        volume = self.add()
        body = self._build_server(image_uuid='', flavor_id=self.add_flavor(),
                                  networks='none')
        body['block_device_mapping_v2'] = [{
            'uuid': volume, 'source_type': 'volume',
            'destination_type': 'volume', 'boot_index': 0}]
        server = self._wait_for_state_change(
            self.admin_api.post_server({'server': body}), 'ACTIVE')
        self.assertRunning(server)
        self.assertEqual(
            os.path.join(self.mount, 'volume-%s.vmdk' % volume),
            self.vmx(server)['scsi0:0.fileName'])
        self._delete_server(server)
        self.assertNothingLeft()
        self.assertEqual(['volume-' + volume], self.in_mount())

    def test_a_server_that_hangs_holds_no_other(self):
        server, volume = self.boot_stopped(), self.add()
        self.attach(server, volume)
        answer = threading.Event()
        self.addCleanup(answer.set)
        stat = os.stat

        def hang(path, **options):
            if path.startswith(self.mount):
                answer.wait(base.PATIENCE)
            return stat(path, **options)

        with mock.patch.object(responsive, 'os') as fake, (
                mock.patch.object(responsive, '_SECONDS', 0.5)):
            fake.stat = hang
            self.admin_api.post_server_action(server['id'],
                                              {'os-start': None})
            other = self.boot()
            self.assertRunning(other)
            self._wait_for_action_fail_completion(
                server, 'start', 'compute_start_instance')
            answer.set()
