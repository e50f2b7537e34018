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

"""A control plane on the first machine, with its own nova-compute."""

import io
import pathlib

import fixtures
from nova_vmrun.aio import client
from nova_vmrun.aio import down
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import status
from nova_vmrun.aio import up
from openstack.compute.v2 import server as sdk_server
import testtools

from tests.functional.split import base as split


class TestCase(split.TestCase):
    """The control plane that "aio up" starts, with its own nova-compute."""

    def setUp(self) -> None:
        testtools.TestCase.setUp(self)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.report = report.Report(io.StringIO())
        self.layout = aio_layout.Layout(self.folder / 'first')
        self.settings = aio_settings.Settings(
            host=split.HOST, fake=True,
            ports=dict(zip(aio_settings.DEFAULT_PORTS, split.free_ports(
                len(aio_settings.DEFAULT_PORTS)))))
        self.layout.create()
        self.addCleanup(self.wipe)

    def wipe(self) -> None:
        if self.layout.exists:
            down.wipe(self.layout, self.report)

    def up(self, bus: str) -> None:
        down.down(self.layout, self.report)
        self.settings.bus = bus
        self.start()

    def start(self) -> None:
        self.settings.save(self.layout)
        up.up(self.layout, self.settings, self.report)
        self.cloud = client.connect(
            self.settings, aio_settings.passwords(self.layout))
        self.assertEqual({}, {
            service.name: service.state
            for service in status.services(self.layout, self.settings)
            if not service.ready})

    def check_is_managed(self, server: sdk_server.Server,
                         vms: list[str]) -> None:
        """Check that a server's VM has run on, and is stopped on request."""
        self.assertEqual(vms, self.running_vms())
        self.wait_for_status(server, 'ACTIVE')
        self.cloud.compute.stop_server(server)
        self.wait_for_status(server, 'SHUTOFF')
        self.assertEqual([], self.running_vms())
        self.cloud.compute.start_server(server)
        self.wait_for_status(server, 'ACTIVE')
        self.assertEqual(vms, self.running_vms())
