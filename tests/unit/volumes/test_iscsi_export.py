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

import os
import subprocess
import sys

import fixtures

from nova_vmrun import exception
from nova_vmrun.server import process_identity
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import qemu_storage_daemon
from nova_vmrun.volumes import iscsi_export
from nova_vmrun.volumes import iscsi_record
from nova_vmrun.volumes import iscsi_target
from tests.unit import base
from tests.unit import stubs

_TARGET = iscsi_target.Target('192.0.2.1:3260', 'iqn', 1, 'user', 'password')
_BUSY = (1, '', 'fusermount3: failed to unmount: Device or resource busy')
_NOT_MOUNTED = (1, '', 'fusermount3: entry for x not found in /etc/mtab')


class TestCase(base.TestCase):
    """An export whose programs are scripts and whose mounts are a list."""

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'server', 'volume')
        self.mounted = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.fuse.is_mounted', return_value=False)).mock
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.tools.qemu_storage_daemon.pids', return_value=[]))
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.volumes.iscsi_export._END_SECONDS', 0.3))
        self.script()

    def script(self, daemon=(0, ''), *unmounts):
        self.daemon = stubs.ScriptedRunner(daemon)
        self.unmounts = stubs.ScriptedRunner(*unmounts)
        self.export = iscsi_export.Export(
            iscsi_export.Tools(
                qemu_storage_daemon.QemuStorageDaemon(self.daemon, 'qsd', 5),
                fusermount.Fusermount(self.unmounts)),
            self.folder, 'id')

    def start_process(self, code='import sys; sys.stdin.read()'):
        process = subprocess.Popen(
            [sys.executable, '-c', 'print(flush=True); ' + code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        process.stdout.readline()
        return process

    def record(self, process=None):
        os.makedirs(self.folder)
        iscsi_record.write(self.folder, iscsi_record.Record(
            'id', _TARGET.portal, _TARGET.iqn, _TARGET.lun, _TARGET.user,
            self.export.mount_point, process and process.pid,
            process and process_identity.of(process.pid)))


class OpenTestCase(TestCase):

    def test_the_record_comes_before_the_daemon(self):
        seen = []

        def run(*argv, **options):
            seen.append(iscsi_record.read(self.folder))
            seen.append(sorted(os.listdir(self.folder)))
            with open(os.path.join(self.folder, 'secret')) as file:
                seen.append(file.read())
            raise exception.ToolTimeout('too slow')

        self.daemon.run = run
        self.assertRaises(exception.ToolTimeout, self.export.open, _TARGET,
                          'iqn.me')
        self.assertEqual(iscsi_record.Record(
            'id', _TARGET.portal, _TARGET.iqn, 1, 'user',
            self.export.mount_point), seen[0])
        self.assertEqual(['iscsi.json', 'secret', 'volume-id-flat.vmdk'],
                         seen[1])
        self.assertEqual('password', seen[2])
        self.assertNotIn('secret', os.listdir(self.folder))

    def test_a_daemon_that_is_left_by_a_failure_is_ended(self):
        process = self.start_process()
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.tools.qemu_storage_daemon.pids',
            return_value=[process.pid]))
        self.script(exception.ToolTimeout('too slow'))
        self.assertRaises(exception.ToolTimeout, self.export.open, _TARGET,
                          'iqn.me')
        self.assertEqual(-15, process.wait(5))

    def test_no_mount_after_a_start(self):
        self.daemon.run = self.write_pid_file
        error = self.assertRaises(exception.VolumeDamaged, self.export.open,
                                  _TARGET, 'iqn.me')
        self.assertIn('Nothing is mounted', error.details)

    def write_pid_file(self, *argv, **options):
        with open(argv[argv.index('--pidfile') + 1], 'w') as file:
            file.write('%d\n' % os.getpid())
        return stubs.process.Result(argv, 0, '', '')


class CloseTestCase(TestCase):

    def test_nothing_is_there(self):
        self.export.close()
        self.assertEqual([], self.unmounts.calls)

    def test_busy(self):
        process = self.start_process()
        self.record(process)
        self.mounted.return_value = True
        self.script((0, ''), _BUSY)
        self.assertRaises(exception.FileInUse, self.export.close)
        self.assertIsNone(process.poll())

    def test_busy_and_forced(self):
        process = self.start_process()
        self.record(process)
        self.mounted.side_effect = [True, False, False]
        self.script((0, ''), _BUSY)
        self.export.close(is_forced=True)
        self.assertEqual(-15, process.wait(5))

    def test_a_daemon_that_ignores_sigterm(self):
        process = self.start_process(
            'import signal, sys; '
            'signal.signal(signal.SIGTERM, signal.SIG_IGN); '
            'print(flush=True); sys.stdin.read()')
        process.stdout.readline()
        self.record(process)
        self.export.close()
        self.assertEqual(-9, process.wait(5))
        self.assertIn('signal 15', self.log.output)

    def test_a_mount_without_a_daemon(self):
        self.mounted.side_effect = [True, False, False]
        self.export.close()
        call, = self.unmounts.calls
        self.assertIn('-z', call)

    def test_a_mount_that_the_dead_daemon_left(self):
        process = self.start_process()
        self.record(process)
        self.mounted.side_effect = [True, True, False]
        self.export.close()
        self.assertEqual([False, True],
                         ['-z' in call for call in self.unmounts.calls])

    def test_a_mount_that_stays(self):
        self.mounted.return_value = True
        error = self.assertRaises(exception.ToolRefused, self.export.close)
        self.assertIn('umount -l', error.resolution)

    def test_the_pid_is_another_processs_now(self):
        process = self.start_process()
        self.record(process)
        record = iscsi_record.read(self.folder)
        iscsi_record.write(self.folder, iscsi_record.Record(
            **{**vars(record), 'birth': '0 0'}))
        self.export.close()
        self.assertIsNone(process.poll())


class ForgetTestCase(TestCase):

    def test_nothing_is_there(self):
        self.export.forget()

    def test_other_volumes_keep_their_folder(self):
        self.record()
        os.mkdir(os.path.join(os.path.dirname(self.folder), 'other'))
        self.export.forget()
        self.assertEqual(['other'],
                         os.listdir(os.path.dirname(self.folder)))

    def test_a_stale_lock_goes_too(self):
        self.record()
        lock = self.export.descriptor + '.lck'
        os.mkdir(lock)
        open(os.path.join(lock, 'M12345.lck'), 'w').close()
        self.export.forget()
        self.assertFalse(os.path.exists(os.path.dirname(self.folder)))

    def test_another_file_stays(self):
        self.record()
        notes = os.path.join(self.folder, 'notes')
        open(notes, 'w').close()
        self.assertRaises(OSError, self.export.forget)
        self.assertTrue(os.path.exists(notes))

    def test_data_below_the_mount_stays(self):
        self.record()
        with open(self.export.mount_point, 'w') as file:
            file.write('data')
        error = self.assertRaises(exception.VolumeDamaged, self.export.forget)
        self.assertIn(self.export.mount_point, error.details)
        self.assertTrue(os.path.exists(self.export.mount_point))


class SocketTestCase(base.TestCase):

    def test_two_uuids_leave_room_in_its_path(self):
        found = iscsi_export._socket(os.path.join(
            '/var/lib/nova/instances/_volumes', 36 * 's', 36 * 'v'))
        self.assertEqual('/var/lib/nova/instances/_volumes',
                         os.path.dirname(found))
        self.assertLess(len(found), 60)
        self.assertNotEqual(found, iscsi_export._socket(os.path.join(
            '/var/lib/nova/instances/_volumes', 36 * 't', 36 * 'v')))
