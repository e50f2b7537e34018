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

"""A node: a stock nova-compute with folders, accounts and VMs of its own."""

from collections.abc import Mapping
import os
import pathlib
import subprocess
from typing import TypeAlias
from urllib import parse

import fixtures
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import accounts

from tests.cluster import nfs_volumes
from tests.cluster import relays
from tests.cluster import ssh
from tests.functional.split import compute
from tests.functional.split import gates

Options: TypeAlias = dict[tuple[str, str], str]

# Sections in which nova-compute logs in to Keystone.
_LOGINS = ('placement', 'neutron', 'glance', 'service_user')


class Node(fixtures.Fixture):
    """One compute host, which runs when it is set up.

    :param folder: everything of it lies there, except perhaps servers
    :param instances: its instances_path
    :param links: how it reaches the other nodes
    :param changes: further options, by section and name
    :param network: how it reaches the control plane; None: directly
    :param knobs: of its fake VMware
    :param volumes: folder that stands for the mount of an NFS server
    :ivar compute: its nova-compute
    :ivar qemu_img: stops conversions of images
    """

    def __init__(self, name: str, folder: pathlib.Path,
                 instances: pathlib.Path, layout: aio_layout.Layout,
                 settings: aio_settings.Settings, links: ssh.Ssh,
                 changes: Mapping[tuple[str, str], str],
                 network: relays.Relays | None = None,
                 knobs: Mapping[str, str] | None = None,
                 volumes: pathlib.Path | None = None) -> None:
        super().__init__()
        self._changes = changes
        self._mount = volumes
        self.name = name
        self.folder = folder
        self.instances = instances
        self.network = network
        self._layout = layout
        self._settings = settings
        self._ssh = links
        self._variables = {
            **(knobs or {}), 'FAKE_VMRUN_STATE': str(folder / 'vmware'),
            'FAKE_VMRUN_CONFIG': str(folder / 'knobs'),
            # Locks tell machines apart by it.
            'FAKE_VMRUN_HOST_NAME': name}

    def _setUp(self) -> None:
        for path in (self.instances, self.folder / 'vmware',
                     self.folder / 'state'):
            path.mkdir(parents=True, exist_ok=True)
        self.set_knobs('')
        self.qemu_img = self.useFixture(gates.QemuImg())
        self.compute = self.useFixture(compute.NovaCompute(
            self.folder, self._variables))
        if self._settings.volumes:
            assert self._mount
            self._cinder = self.useFixture(nfs_volumes.NfsVolumes(
                self._reached(self._settings.ports['cinder']),
                self._mount))
        self._account = accounts.create(
            self._layout, self._settings, self.name)
        self.configure({})
        self.compute.start()

    def configure(self, changes: Mapping[tuple[str, str], str]) -> None:
        """Write the options of its next nova-compute.

        :param changes: further options, by section and name
        """
        compute.write_config(
            self._layout.config_dir('nova') / 'nova.conf',
            self.compute.config, {**self._options(self._account), **changes})

    def _options(self, account: accounts.Account) -> Options:
        return {
            ('DEFAULT', 'host'): self.name,
            ('DEFAULT', 'state_path'): str(self.folder / 'state'),
            ('DEFAULT', 'instances_path'): str(self.instances),
            ('DEFAULT', 'transport_url'): self._over_network(
                account.transport_url),
            # Messages and reports that come sooner make tests shorter.
            ('DEFAULT', 'rpc_response_timeout'): '20',
            ('oslo_concurrency', 'lock_path'): str(self.folder / 'lock'),
            ('vmrun', 'migration_address'): self.name,
            ('vmrun', 'ssh_path'): self._ssh.path,
            ('vmrun', 'qemu_img_path'): self.qemu_img.path,
            **{('oslo_messaging_rabbit', option): value
               for option, value in account.messaging.items()},
            **{(section, 'username'): account.keystone_user
               for section in self._logins()},
            **{(section, 'password'): account.keystone_password
               for section in self._logins()},
            **self._addresses(), **self._volumes(), **self._changes}

    def _logins(self) -> tuple[str, ...]:
        return (*_LOGINS, *['cinder'] * self._settings.volumes)

    def _volumes(self) -> Options:
        if not self._settings.volumes:
            return {}
        return {
            ('cinder', 'endpoint_template'):
                'http://127.0.0.1:%d/v3/%%(project_id)s' % self._cinder.port,
            ('vmrun', 'nfs_mounts'): self._cinder.mounts}

    def _addresses(self) -> Options:
        """Return the options by which the APIs are reached."""
        if self.network is None:
            return {}
        return {
            **{(section, 'auth_url'): self._over_network(
                self._settings.url('keystone', '/v3'))
               for section in (*_LOGINS, 'cinder', 'keystone_authtoken')},
            **{(service, 'endpoint_override'): self._over_network(
                self._settings.url(service))
               for service in ('glance', 'neutron', 'placement')}}

    def _over_network(self, url: str) -> str:
        """Return a URL on the control plane as it is reached from here."""
        port = parse.urlsplit(url).port
        assert port, url
        return url.replace(':%d' % port, ':%d' % self._reached(port))

    def _reached(self, port: int) -> int:
        """Return where a port of the control plane is reached from here."""
        return port if self.network is None else self.network.ports[port]

    def set_knobs(self, text: str) -> None:
        """Set knobs of its fake VMware that it does not have already."""
        (self.folder / 'knobs').write_text(text)

    def running_vms(self) -> list[str]:
        """Return the ids of the servers whose VMs run on this node."""
        lines = self.vmrun('list')
        return [pathlib.Path(line).stem for line in lines.splitlines()[1:]]

    def vmrun(self, *words: str | pathlib.Path) -> str:
        """Run this node's vmrun, and return its output.

        :raises subprocess.CalledProcessError: it refuses
        """
        return subprocess.run(
            [self._layout.fakes / 'vmrun', '-T', 'ws', *words], check=True,
            capture_output=True, text=True,
            env={'PATH': os.environ['PATH'], **self._variables}).stdout

    def cached(self) -> set[pathlib.Path]:
        """Return the base disks in the image cache."""
        return set(self.instances.glob('_base/*/disk-*.vmdk'))
