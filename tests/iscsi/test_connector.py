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

"""Volumes on a real target, connected without root."""

import os
import signal
import stat
import uuid

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.host import fuse
from tests.iscsi import base


def write(path: str, offset: int, data: bytes) -> None:
    with open(path, 'r+b') as file:
        file.seek(offset)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read(path: str, offset: int, length: int) -> bytes:
    with open(path, 'rb') as file:
        file.seek(offset)
        return file.read(length)


class ConnectTestCase(base.TestCase):

    def test_what_is_written_is_on_the_lun(self):
        path = self.connect()
        write(path, 5 * units.Mi, b'written')
        self.assertEqual(b'written', read(
            self.target.content(self.number), 5 * units.Mi, 7))

    def test_the_descriptor_fits(self):
        shown = self.connector.connect(self.server, self.volume(), 'lsilogic')
        self.assertEqual(base.SIZE, shown.size)
        with open(shown.descriptor, 'rb') as file:
            flat.check(file.read(), flat.FlatDisk(
                'volume-%s-flat.vmdk' % self.volume_id, base.SIZE // 512,
                self.volume_id))

    def test_nobody_else_sees_the_password(self):
        self.connect()
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.folder()).st_mode))
        for name in os.listdir(self.folder()):
            path = os.path.join(self.folder(), name)
            self.assertEqual(0, os.stat(path).st_mode & 0o077, name)
            if not name.endswith('-flat.vmdk'):
                with open(path, 'rb') as file:
                    self.assertNotIn(self.target.password.encode(),
                                     file.read())
        with open('/proc/%d/cmdline' % self.pids()[0], 'rb') as file:
            self.assertNotIn(self.target.password.encode(), file.read())
        self.assertNotIn(self.target.password, self.log.output)

    def test_again_at_each_start(self):
        path = self.connect()
        write(path, 0, b'first')
        before = self.pids()
        self.assertEqual(path, self.connect())
        self.assertEqual(1, len(self.pids()))
        self.assertNotEqual(before, self.pids())
        self.assertEqual(b'first', read(path, 0, 5))

    def test_again_while_somebody_has_it_open(self):
        path = self.connect()
        before = self.pids()
        with open(path, 'rb'):
            self.assertEqual(path, self.connect())
            self.assertEqual(before, self.pids())

    def test_another_lun_is_not_shown_while_the_file_is_open(self):
        other = self.target.add(base.SIZE)
        path = self.connect()
        before = self.pids()
        self.number = other
        with open(path, 'rb'):
            error = self.assertRaises(exception.FileInUse, self.connect)
        self.assertIn(path, str(error))
        self.assertEqual(before, self.pids())

    def test_a_lun_that_has_grown(self):
        self.connect()
        self.target.grow(self.number, 2 * base.SIZE)
        shown = self.connector.connect(self.server, self.volume(), 'lsilogic')
        self.assertEqual(2 * base.SIZE, shown.size)
        with open(shown.descriptor, 'rb') as file:
            self.assertIn(b'RW %d FLAT' % (2 * base.SIZE // 512), file.read())

    def test_two_volumes_have_a_daemon_each(self):
        self.connect()
        first = self.pids()
        self.number, self.volume_id = self.target.add(base.SIZE), str(
            uuid.uuid4())
        path = self.connect()
        self.assertNotEqual(first, self.pids())
        write(path, 0, b'second')
        self.assertEqual(b'second',
                         read(self.target.content(self.number), 0, 6))


class DisconnectTestCase(base.TestCase):

    def test_nothing_is_left(self):
        write(self.connect(), 0, b'kept')
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()
        self.assertEqual(b'kept',
                         read(self.target.content(self.number), 0, 4))
        self.connector.disconnect(self.server, self.volume_id)

    def test_a_volume_of_another_connector(self):
        folder = self.folder()
        os.makedirs(folder)
        record = os.path.join(folder, 'brick.json')
        open(record, 'w').close()
        self.connector.disconnect(self.server, self.volume_id)
        self.assertTrue(os.path.exists(record))

    def test_a_daemon_that_hangs(self):
        self.connect()
        os.kill(self.pids()[0], signal.SIGSTOP)
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()

    def test_a_mount_without_a_daemon(self):
        self.connect()
        self.kill_daemon()
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()

    def test_a_snapshot_of_vmware_is_not_lost(self):
        path = self.connect()
        snapshot = path.replace('-flat.vmdk', '-000001.vmdk')
        open(snapshot, 'w').close()
        error = self.assertRaises(
            exception.HasSnapshots, self.connector.disconnect, self.server,
            self.volume_id)
        self.assertIn(snapshot, str(error))
        self.assertTrue(fuse.is_mounted(path))
        os.remove(snapshot)

    def test_a_foreign_file_is_not_removed(self):
        notes = os.path.join(os.path.dirname(self.connect()), 'notes')
        open(notes, 'w').close()
        error = self.assertRaises(
            exception.FileSystemFailed, self.connector.disconnect,
            self.server, self.volume_id)
        self.assertIn(self.folder(), error.resolution)
        os.remove(notes)
        os.rmdir(self.folder())


class TwoServersTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.other = str(uuid.uuid4())

    def test_one_that_no_longer_uses_it_gives_it_up(self):
        write(self.connect(self.other), 0, b'mine')
        path = self.connect()
        self.assertEqual(b'mine', read(path, 0, 4))
        self.assertEqual([], self.pids(self.other))
        self.assertFalse(os.path.exists(self.folder(self.other)))

    def test_one_that_uses_it_keeps_it(self):
        with open(self.connect(self.other), 'rb'):
            self.assertRaises(exception.FileInUse, self.connect)
        self.assertEqual(1, len(self.pids(self.other)))
        self.assertEqual([], self.pids())


class RefusedTestCase(base.TestCase):
    """A target does not give what Cinder said; nothing is left of the try."""

    def refusal(self, kind=exception.ToolRefused, **changes):
        error = self.assertRaises(kind, self.connect, **changes)
        self.assert_nothing_left()
        self.assertTrue(error.details)
        self.assertTrue(error.resolution)
        self.assertNotIn(self.target.password, str(error))
        return str(error)

    def test_wrong_password(self):
        self.assertIn('refuses the user name or the password',
                      self.refusal(auth_password='wrong,123456'))

    def test_wrong_user(self):
        self.assertIn('refuses the user name or the password',
                      self.refusal(auth_username='somebody,lun=2'))

    def test_no_user(self):
        self.assertIn('refuses the user name or the password', self.refusal(
            auth_method=None, auth_username=None, auth_password=None))

    def test_no_such_lun(self):
        self.assertIn('has no such LUN', self.refusal(target_lun=7))

    def test_a_lun_that_is_gone(self):
        self.target.take_away(self.number)
        self.assertIn('has no such LUN', self.refusal())

    def test_no_such_target(self):
        self.assertIn('has no such target',
                      self.refusal(target_iqn='iqn.2010-10.org.x:a,b"c'))

    def test_no_target_at_all(self):
        self.target.kill()
        self.assertIn('cannot be reached', self.refusal())

    def test_a_target_that_does_not_answer(self):
        self.connector = self.make_connector(2.0)
        self.target.pause()
        self.addCleanup(self.target.go_on)
        self.assertIn('does not answer',
                      self.refusal(exception.ToolTimeout))

    def test_a_file_with_data_below_the_mount(self):
        path = self.connect()
        self.kill_daemon()
        self.connector.disconnect(self.server, self.volume_id)
        os.makedirs(self.folder())
        with open(path, 'w') as file:
            file.write('data')
        error = self.assertRaises(exception.VolumeDamaged, self.connect)
        self.assertIn(path, error.details)
        self.assertEqual(b'data', read(path, 0, 9))
        self.assertEqual([os.path.basename(path)],
                         os.listdir(self.folder()))
        os.remove(path)
        os.rmdir(self.folder())
