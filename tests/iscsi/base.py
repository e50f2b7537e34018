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

"""What the tests with a real target start from."""

from collections import abc
import os
import signal
import time
import uuid

import fixtures
from oslo_utils import units
from oslo_utils import uuidutils
import testtools

from nova_vmrun import exception
from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_storage_daemon
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import iscsi
from nova_vmrun.volumes import iscsi_export
from tests.iscsi import target

SIZE = 64 * units.Mi
SECONDS = 60


def refuse_without_fuse(test: testtools.TestCase) -> None:
    """Skip a test where this user cannot mount, or there is no tgt."""
    if not target.is_installed():
        test.skipTest('tgt is not installed')
    try:
        fuse.check()
    except exception.VmrunError as error:
        test.skipTest(str(error))


def tools(timeout: float = 60) -> iscsi_export.Tools:
    """Return the programs; a connector needs nothing else.

    :param timeout: seconds for a target to answer
    """
    runner = process.Runner()
    return iscsi_export.Tools(
        qemu_storage_daemon.QemuStorageDaemon(
            runner, qemu_storage_daemon.NAME, timeout),
        fusermount.Fusermount(runner))


def end_daemons(paths: layout.Layout) -> None:
    """End the daemons that a test has left, also those of running VMs."""
    folder = os.path.dirname(paths.initiator())
    if os.path.isdir(folder):
        for server in filter(uuidutils.is_uuid_like, os.listdir(folder)):
            for volume_id in paths.connected_volumes(server):
                iscsi_export.Export(
                    tools(), paths.volume(server, volume_id),
                    volume_id).close(is_forced=True)


class TestCase(testtools.TestCase):
    """A test with a target of its own, and a connector."""

    def setUp(self) -> None:
        super().setUp()
        refuse_without_fuse(self)
        self.log = self.useFixture(fixtures.FakeLogger(level=10))
        self.target = self.useFixture(target.Target())
        # QEMU's own syntax gives meaning to a comma.
        root = os.path.join(self.useFixture(fixtures.TempDir()).path,
                            "a, b=c'")
        self.layout = layout.Layout(root, '_base')
        self.layout.prepare()
        self.connector = self.make_connector()
        self.server = str(uuid.uuid4())
        self.volume_id = str(uuid.uuid4())
        self.number = self.target.add(SIZE)
        self.addCleanup(end_daemons, self.layout)

    def make_connector(self, timeout: float = 60.0) -> iscsi.IscsiConnector:
        """Return a connector that remembers nothing.

        :param timeout: seconds for a target to answer
        """
        return iscsi.IscsiConnector(self.layout, tools(timeout))

    def volume(self, **changes: object) -> connection.Volume:
        return connection.parse(self.target.connection_info(
            self.number, self.volume_id, **changes))

    def connect(self, server: str | None = None,
                **changes: object) -> str:
        """Connect the volume and return the path of its bytes."""
        shown = self.connector.connect(
            server or self.server, self.volume(**changes), 'lsilogic')
        return shown.descriptor.removesuffix('.vmdk') + '-flat.vmdk'

    def folder(self, server: str | None = None) -> str:
        return self.layout.volume(server or self.server, self.volume_id)

    def pids(self, server: str | None = None) -> list[int]:
        """Return the processes of the daemon of a server's volume."""
        return qemu_storage_daemon.pids(qemu_storage_daemon.Files(
            '', '', os.path.join(self.folder(server), 'daemon.pid'), ''))

    def kill_daemon(self) -> None:
        pid, = self.pids()
        os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not self.pids())

    def wait_until(self, condition: abc.Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def volumes_folder(self) -> str:
        return os.path.dirname(self.layout.volumes(self.server))

    def assert_nothing_left(self, server: str | None = None) -> None:
        self.assertEqual([], self.pids(server))
        self.assertFalse(os.path.lexists(self.folder(server)))
        initiator = self.layout.initiator()
        if os.path.isdir(self.volumes_folder()):
            self.assertEqual(set(), set(os.listdir(self.volumes_folder())) -
                             {os.path.basename(initiator)})
