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

"""What happens to a connected volume when something dies."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time

import fixtures

from nova_vmrun.host import fuse
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import process
from nova_vmrun.volumes import iscsi_record
from tests.iscsi import base

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# Connects a volume as nova-compute would, says so, and waits for its end.
_COMPUTE = '''
import json, sys
from nova_vmrun.server import layout
from nova_vmrun.tools import fusermount, process, qemu_storage_daemon
from nova_vmrun.volumes import connection, iscsi, iscsi_export
root, server, info = sys.argv[1:]
runner = process.Runner()
iscsi.IscsiConnector(
    layout.Layout(root, '_base'), iscsi_export.Tools(
        qemu_storage_daemon.QemuStorageDaemon(
            runner, qemu_storage_daemon.NAME, 60),
        fusermount.Fusermount(runner))).connect(
            server, connection.parse(json.loads(info)), 'lsilogic')
print('connected', flush=True)
sys.stdin.read()
'''


# Writes numbers to a file, each in a sector of its own, until its end. Tells
# in another file how many are on the disk, the longest time that one took in
# seconds, and the number of the error that ended it.
_WRITER = '''
import os, sys, time
path, progress = sys.argv[1:]
descriptor, notes = os.open(path, os.O_RDWR | os.O_DSYNC), os.open(
    progress, os.O_WRONLY)
count, longest, error = 0, 0.0, 0
while not error:
    started = time.monotonic()
    try:
        os.pwrite(descriptor, b'%08d' % count * 64, count * 512)
        count += 1
    except OSError as failure:
        error = failure.errno
    longest = max(longest, time.monotonic() - started)
    os.pwrite(notes, b'%08d %08.3f %08d' % (count, longest, error), 0)
'''


class Writer:
    """A process that writes, as a VM would.

    It is a process of its own, because one that has the file open waits for
    the target when it ends or starts a program.
    """

    def __init__(self, path: str, progress: str) -> None:
        self._progress = progress
        with open(progress, 'w') as file:
            file.write('0 0 0')
        self.process = subprocess.Popen(
            [sys.executable, '-c', _WRITER, path, progress])

    def _notes(self) -> list[str]:
        with open(self._progress) as file:
            return file.read().split()

    @property
    def written(self) -> int:
        return int(self._notes()[0])

    @property
    def longest(self) -> float:
        return float(self._notes()[1])

    @property
    def error(self) -> int:
        return int(self._notes()[2])

    @staticmethod
    def sector(number: int) -> bytes:
        return b'%08d' % number * 64

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class UnderLoadTestCase(base.TestCase):

    def write(self, path: str) -> Writer:
        writer = Writer(path, os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'progress'))
        self.addCleanup(writer.stop)
        self.wait_until(lambda: writer.written > 20)
        return writer

    def wait_for_more(self, writer: Writer) -> None:
        before = writer.written
        self.wait_until(lambda: writer.written > before + 20)

    def assert_all_there(self, writer: Writer) -> None:
        self.assertEqual(0, writer.error)
        with open(self.target.content(self.number), 'rb') as file:
            for number in range(writer.written):
                self.assertEqual(writer.sector(number), file.read(512))

    def test_nova_compute_is_killed(self):
        compute = self.connect_in_another_process()
        path = os.path.join(
            self.folder(), 'volume-%s-flat.vmdk' % self.volume_id)
        writer = self.write(path)
        # Nothing of its session or group survives, as a terminal's end or an
        # operator's kill of the group would have it.
        os.killpg(compute.pid, signal.SIGKILL)
        compute.wait()
        self.wait_for_more(writer)
        pids = self.pids()
        # The next nova-compute finds it in use, and leaves it so.
        self.assertEqual(path, self.connect())
        self.assertEqual(pids, self.pids())
        self.wait_for_more(writer)
        writer.stop()
        self.assert_all_there(writer)
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()

    def connect_in_another_process(self) -> subprocess.Popen[bytes]:
        compute = subprocess.Popen(
            [sys.executable, '-c', _COMPUTE, self.layout.root, self.server,
             json.dumps(self.target.connection_info(
                 self.number, self.volume_id))],
            cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        self.addCleanup(compute.communicate)
        assert compute.stdout is not None
        self.assertEqual(b'connected\n', compute.stdout.readline())
        return compute

    def test_the_target_dies_and_returns(self):
        writer = self.write(self.connect())
        self.target.kill()
        time.sleep(5)
        stuck_at = writer.written
        self.target.start()
        self.wait_until(lambda: writer.written > stuck_at + 20)
        writer.stop()
        self.assertGreater(writer.longest, 1.5)
        self.assert_all_there(writer)

    def test_disconnect_while_the_target_is_gone(self):
        writer = self.write(self.connect())
        self.target.kill()
        time.sleep(0.5)
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()
        writer.process.wait(base.SECONDS)
        self.assertIn(writer.error, (
            errno.ECONNABORTED, errno.ENOTCONN, errno.EIO))


class LeftTestCase(base.TestCase):
    """A crash has left something, and the next start comes."""

    def test_the_daemon_was_killed(self):
        path = self.connect()
        self.kill_daemon()
        self.assertTrue(fuse.is_mounted(path))
        self.assertEqual(path, self.connect())
        self.assertEqual(base.SIZE, os.path.getsize(path))

    def test_the_daemon_was_killed_while_the_file_is_open(self):
        path = self.connect()
        descriptor = os.open(path, os.O_RDONLY)
        self.kill_daemon()
        self.assertEqual(path, self.connect())
        self.assertEqual(base.SIZE, os.path.getsize(path))
        self.assertRaises(OSError, os.close, descriptor)

    def test_the_host_has_crashed(self):
        path = self.connect()
        self.kill_daemon()
        fusermount.Fusermount(process.Runner()).unmount(path)
        self.assertEqual(0, os.path.getsize(path))
        # Its pid may be another process's now, and that must survive.
        record = iscsi_record.read(self.folder())
        iscsi_record.write(self.folder(), dataclasses.replace(
            record, pid=os.getpid()))
        self.assertEqual(path, self.connect())
        self.assertEqual(base.SIZE, os.path.getsize(path))

    def test_nova_compute_died_before_it_noted_the_daemon(self):
        path = self.connect()
        record = iscsi_record.read(self.folder())
        iscsi_record.write(self.folder(), dataclasses.replace(
            record, pid=None, birth=None, size=None))
        before = self.pids()
        self.assertEqual(path, self.connect())
        self.assertEqual(1, len(self.pids()))
        self.assertNotEqual(before, self.pids())

    def test_the_record_is_damaged(self):
        self.connect()
        with open(iscsi_record.path(self.folder()), 'w') as file:
            file.write('{"volume_id": 1')
        self.connector.disconnect(self.server, self.volume_id)
        self.assert_nothing_left()

    def test_the_mount_was_taken_away(self):
        path = self.connect()
        fusermount.Fusermount(process.Runner()).unmount(path)
        before = self.pids()
        self.assertEqual(path, self.connect())
        self.assertEqual(base.SIZE, os.path.getsize(path))
        self.assertNotEqual(before, self.pids())
