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

"""A control plane with RabbitMQ, and three nodes, for all tests of a class."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import io
import os
import pathlib
import signal
import subprocess
from typing import ClassVar

import fixtures
from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import down
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import report
from nova_vmrun.aio.services import cinder
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import up
from openstack.compute.v2 import server as sdk_server
from openstack.image.v2 import image as sdk_image
import testtools
from testtools import content

from tests.cluster import node
from tests.cluster import relays
from tests.cluster import ssh
from tests.functional.split import base as split

NODES = ('n1', 'n2', 'n3')
_SIZE_MB = 16
_CONTENT = 1 << 20
# Shorter times than an operator would choose, for shorter tests; but no node
# is down because its nova-compute starts slowly on a busy machine.
_LOCAL_CONF = """\
[DEFAULT]
rpc_response_timeout = 20
service_down_time = 600

[scheduler]
discover_hosts_in_cells_interval = 1
"""
# For tests in which no answer is lost, so that each may be late.
_RPC_SECONDS = 60
_PATIENT_CONF = """\
[DEFAULT]
rpc_response_timeout = %d
""" % _RPC_SECONDS
# All nodes reach the files of volumes.
_CINDER_CONF = """\
[%s]
vmrun_hosts = %s
"""


class Cluster(fixtures.Fixture):
    """A control plane that runs no servers itself, and its nodes.

    :param names: of the nodes
    :param database: the URL of a database server, or empty for SQLite
    :param local_conf: further options of the control plane's Nova
    :param changes: further options of the nodes, by section and name
    :param shared: names of nodes with the same instances_path
    :param cut_off: names of nodes whose network can break
    :param knobs: of the fake VMware of all nodes
    :param volumes: let Cinder run, too; nodes see its volumes as on NFS
    :ivar nodes: by name
    :ivar ssh: how the nodes reach each other
    :ivar volumes: folder that stands for the mount of an NFS server
    """

    def __init__(self, names: Iterable[str] = NODES, database: str = '',
                 local_conf: str = '', changes: node.Options | None = None,
                 shared: Collection[str] = (), cut_off: Collection[str] = (),
                 knobs: Mapping[str, str] | None = None,
                 volumes: bool = False) -> None:
        super().__init__()
        self._names = tuple(names)
        self._database = database
        self._local_conf = local_conf
        self._changes = changes or {}
        self._shared = shared
        self._cut_off = cut_off
        self._knobs = knobs or {}
        self._volumes = volumes

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = aio_layout.Layout(folder / 'first')
        self.settings = aio_settings.Settings(
            host='first', fake=True, bus=aio_settings.OWN_BUS, compute=False,
            database=self._database, volumes=self._volumes,
            ports=dict(zip(aio_settings.DEFAULT_PORTS, split.free_ports(
                len(aio_settings.DEFAULT_PORTS)))))
        self.layout.create()
        self.settings.save(self.layout)
        progress = report.Report(io.StringIO())
        self.addCleanup(down.wipe, self.layout, progress)
        self._write_local('nova', _LOCAL_CONF + self._local_conf)
        if self._volumes:
            self._write_local('cinder', _CINDER_CONF % (
                cinder.BACKEND, ','.join(self._names)))
        up.up(self.layout, self.settings, progress)
        self.cloud = client.connect(
            self.settings, aio_settings.passwords(self.layout))
        self.volumes = folder / 'volumes'
        instances = {
            name: folder / ('shared' if name in self._shared else name) /
            'instances' for name in self._names}
        self.ssh = self.useFixture(ssh.Ssh({
            name: str(path) for name, path in instances.items()}))
        self.nodes = {name: self._add_node(name, folder, instances[name])
                      for name in self._names}

    def _write_local(self, project: str, text: str) -> None:
        local = self.layout.config_dir(project) / config.LOCAL_CONF
        local.parent.mkdir(mode=0o700)
        local.write_text(text)

    def _add_node(self, name: str, folder: pathlib.Path,
                  instances: pathlib.Path) -> node.Node:
        network = None
        if name in self._cut_off:
            network = self.useFixture(relays.Relays(
                self.settings.ports.values()))
        added: node.Node = self.useFixture(node.Node(
            name, folder / name, instances, self.layout, self.settings,
            self.ssh, self._changes, network, self._knobs, self.volumes))
        return added

    def kill_bus(self) -> None:
        """Kill RabbitMQ, as if it had crashed; it is started again."""
        for pid, name in broker.leftovers(self.layout).items():
            if name == 'beam.smp':
                os.kill(pid, signal.SIGKILL)

    def has_bus(self) -> bool:
        return processes.phase(self.layout, 'rabbitmq') == processes.READY


def patient() -> Cluster:
    """Return a cluster in which answers may be late."""
    return Cluster(
        local_conf=_PATIENT_CONF,
        changes={('DEFAULT', 'rpc_response_timeout'): str(_RPC_SECONDS)})


class TestCase(split.TestCase):
    """Tests that share a cluster; each removes its servers at the end."""

    cluster: ClassVar[Cluster]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.cluster = cls.make_cluster()
        cls.cluster.setUp()
        cls.addClassCleanup(cls.cluster.cleanUp)

    @classmethod
    def make_cluster(cls) -> Cluster:
        return Cluster()

    def setUp(self) -> None:
        testtools.TestCase.setUp(self)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        progress = io.StringIO()
        self.report = report.Report(progress)
        self.addDetail('progress', content.Content(
            content.text_content('').content_type,
            lambda: [progress.getvalue().encode()]))
        self.layout = self.cluster.layout
        self.settings = self.cluster.settings
        self.cloud = self.cluster.cloud
        self.nodes = self.cluster.nodes
        for name, each in self.nodes.items():
            self.addDetail(name, content.content_from_file(
                str(each.compute.log), buffer_now=False))
        self.addCleanup(self.remove_all)
        self.addCleanup(self.cluster.ssh.open)
        self.start_nodes()

    def start_nodes(self) -> None:
        """Start the nodes that do not run, and wait until all are up."""
        for each in self.nodes.values():
            if not each.compute.is_running():
                each.compute.start()
        for name, each in self.nodes.items():
            self.wait_until(each.compute.has_started, '%s runs' % name)
        self.wait_until(self.cluster.has_bus, 'the bus runs')
        self.wait_until(
            lambda: {found.name for found in self.cloud.compute.hypervisors()
                     if found.state == 'up'} == set(NODES),
            'the scheduler knows the nodes')

    def remove_all(self) -> None:
        self.start_nodes()
        for server in list(self.cloud.compute.servers()):
            self.cloud.compute.delete_server(server)
        self.wait_until(lambda: not list(self.cloud.compute.servers()),
                        'the servers are deleted')
        self.wait_until(lambda: not self.where_it_runs(),
                        'no VM runs on any node')

    def new_image(self) -> sdk_image.Image:
        image: sdk_image.Image = self.upload_image(
            _SIZE_MB, os.urandom(_CONTENT))
        return image

    def boot_on(self, host: str, **options: object) -> sdk_server.Server:
        """Boot a server on a certain node."""
        server: sdk_server.Server = self.boot(
            self.new_image(), host=host, **options)
        self.check_runs_on(host, server)
        return server

    def node_of(self, server: sdk_server.Server) -> str:
        """Return the name of the node on which a server is, for Nova."""
        return str(self.cloud.compute.get_server(server.id).compute_host)

    def where_it_runs(self, servers: Iterable[sdk_server.Server] | None = None
                      ) -> list[tuple[str, str]]:
        """Return the node and id of each VM that runs.

        :param servers: only theirs
        """
        wanted = None if servers is None else {
            server.id for server in servers}
        return [(name, found) for name, each in self.nodes.items()
                for found in each.running_vms()
                if wanted is None or found in wanted]

    def check_runs_on(self, name: str, server: sdk_server.Server) -> None:
        """Check that a server runs on one node and on no other."""
        self.assertEqual([(name, server.id)], self.where_it_runs([server]))
        self.assertEqual(name, self.node_of(server))

    def check_disk(self, name: str, server: sdk_server.Server) -> None:
        """Check that a server's disk still has what its image has."""
        disk = self.nodes[name].instances / server.id / 'root.vmdk'
        subprocess.run(
            ['qemu-img', 'compare', '-U', '-f', 'vmdk', '-F', 'qcow2', disk,
             self.image_path(self.cloud.image.get_image(server.image.id))],
            check=True, stdout=subprocess.DEVNULL)

    def migrate(self, server: sdk_server.Server, name: str) -> None:
        """Request that a server goes to another node."""
        self.cloud.compute.migrate_server(server, host=name)

    def confirm(self, server: sdk_server.Server) -> None:
        self.cloud.compute.confirm_server_resize(server)
        self.wait_for_status(server, 'ACTIVE')

    def revert(self, server: sdk_server.Server) -> None:
        self.cloud.compute.revert_server_resize(server)
        self.wait_for_status(server, 'ACTIVE')
