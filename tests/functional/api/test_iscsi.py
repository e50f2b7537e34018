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

"""Volumes on an iSCSI target with CHAP, connected without root."""

import errno
import os
import signal

from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from tests.functional.api import volumes
from tests.functional import iscsi_cinder
from tests.iscsi import base


class TestCase(volumes.TestCase):

    def setUp(self):
        base.refuse_without_fuse(self)
        super().setUp()
        self.layout = layout.Layout(self.instances_path, '_base')
        self.addCleanup(self.end_daemons)

    def make_cinder(self):
        return iscsi_cinder.IscsiCinder(self)

    def end_daemons(self):
        """End the daemons of servers that a failed test has left."""
        base.end_daemons(self.layout)

    def lun(self, server, volume_id):
        """Return the path of the file that shows a volume's bytes."""
        return os.path.join(self.layout.volume(server['id'], volume_id),
                            'volume-%s-flat.vmdk' % volume_id)

    def in_vmx(self, server):
        keys = self.vmx(server)
        return {key.removesuffix('.fileName'): path
                for key, path in keys.items()
                if key.endswith('.fileName') and
                path.startswith(self.layout.volumes(server['id']))}


class AttachTestCase(TestCase):

    def test_a_volume_comes_and_goes(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        path = self.lun(server, volume)
        self.assertTrue(fuse.is_mounted(path))
        self.assertEqual([path.replace('-flat.vmdk', '.vmdk')],
                         list(self.in_vmx(server).values()))
        self.assertEqual(1 << 30, os.path.getsize(path))
        server = self._start_server(server)
        self.assertRunning(server)
        with open(path, 'r+b') as file:
            file.write(b'written by the guest')
            file.flush()
            os.fsync(file.fileno())
        server = self._stop_server(server)
        self.detach(server, volume)
        self.assertEqual({}, self.in_vmx(server))
        self.assertFalse(os.path.exists(os.path.dirname(path)))
        with open(self.cinder.content(volume), 'rb') as file:
            self.assertEqual(b'written by the guest', file.read(20))

    def test_deleted_with_its_server(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.attach(server, volume)
        path = self.lun(server, volume)
        self._delete_server(server)
        self.assertFalse(fuse.is_mounted(path))
        self.assertFalse(os.path.exists(os.path.dirname(path)))


class StartTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.server, self.volume = self.boot_stopped(), self.cinder.add()
        self.attach(self.server, self.volume)
        self.shown = self.lun(self.server, self.volume)

    def kill_daemon(self):
        with open(os.path.join(os.path.dirname(self.shown),
                               'daemon.pid')) as file:
            os.kill(int(file.read()), signal.SIGKILL)
        self.wait_for(self.is_broken, 'a mount without a daemon')

    def is_broken(self):
        try:
            os.stat(self.shown)
        except OSError as error:
            return error.errno == errno.ENOTCONN
        return False

    def test_after_the_daemon_has_died(self):
        self.kill_daemon()
        server = self._start_server(self.server)
        self.assertRunning(server)
        self.assertEqual(1 << 30, os.path.getsize(self.shown))
        self.assertEqual([self.shown.replace('-flat.vmdk', '.vmdk')],
                         list(self.in_vmx(server).values()))

    def test_resume_after_the_daemon_has_died(self):
        server = self._start_server(self.server)
        server = self._suspend_server(server)
        self.kill_daemon()
        server = self._resume_server(server)
        self.assertRunning(server)
        self.assertEqual(1 << 30, os.path.getsize(self.shown))

    def test_hard_reboot(self):
        server = self._start_server(self.server)
        self._reboot_server(server, hard=True)
        self.assertEqual(1 << 30, os.path.getsize(self.shown))

    def test_while_the_target_is_gone(self):
        self.cinder.target.kill()
        self.admin_api.post_server_action(
            self.server['id'], {'os-start': None})
        self._wait_for_action_fail_completion(
            self.server, 'start', 'compute_start_instance')
        self.cinder.target.start()
        self.assertRunning(self._start_server(self.server))
        self.assertEqual(1 << 30, os.path.getsize(self.shown))


class ChapTestCase(TestCase):

    def test_a_wrong_password(self):
        server, volume = self.boot_stopped(), self.cinder.add()
        self.cinder.change(volume, auth_password='wrong')
        self.request_attach(server, volume)
        self._wait_for_action_fail_completion(
            server, 'attach_volume', 'compute_attach_volume')
        self.wait_for(lambda: not self.attached(server), 'no volume')
        self.assertEqual({}, self.in_vmx(server))
        self.assertEqual([], self.layout.connected_volumes(server['id']))
        self.assertEqual('available', self.cinder.status(volume))
        # With the right one it can be attached at once.
        self.cinder.change(volume)
        self.attach(server, volume)
        self.detach(server, volume)
