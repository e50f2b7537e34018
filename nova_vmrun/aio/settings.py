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

"""The choices of the first ``aio up``, which later commands reuse."""

from collections.abc import Mapping
import dataclasses
import ipaddress
import json
import pathlib
import secrets
import socket
from typing import Any

from nova_vmrun.aio.bus import address
from nova_vmrun.aio.database import address as database_address
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import listening
from nova_vmrun.host import files

ADDRESS = '127.0.0.1'
REGION = 'RegionOne'
# Horizon's page that needs no login.
LOGIN_PAGE = '/auth/login/'

# The ports of OpenStack's installation guides. Horizon's would need root.
DEFAULT_PORTS = {
    'keystone': 5000,
    'glance': 9292,
    'neutron': 9696,
    'nova': 8774,
    'placement': 8778,
    'novncproxy': 6080,
    'serialproxy': 6083,
    'cinder': 8776,
    'horizon': 8788,
    'rabbitmq': 5672,
    # What RabbitMQ's own tools need: its distribution port and port mapper.
    'erlang': 25672,
    'epmd': 4369,
    'gateway': 2222,
}
PORT_OWNERS = {
    'keystone': ('keystone',),
    'glance': ('glance',),
    'neutron': ('neutron',),
    'nova': ('nova', 'placement', 'novncproxy', 'serialproxy'),
    'compute': (),
    'cinder': ('cinder',),
    'horizon': ('horizon',),
    'rabbitmq': ('rabbitmq', 'erlang', 'epmd'),
    'gateway': ('gateway',),
}
USERS = ('admin', 'demo', 'glance', 'neutron', 'nova', 'placement', 'cinder',
         'rabbitmq')
# What other machines never reach, and what listens on an address of its own.
_NEVER_PUBLIC = ('erlang', 'epmd', 'gateway')
# Values of Settings.bus that are no URL.
NO_BUS = ''
OWN_BUS = 'rabbitmq'
# The control plane's own user of OWN_BUS.
BUS_USER = 'nova'
_MEMORY_BUS = 'fake:///'


@dataclasses.dataclass
class Settings:
    """The choices for one control plane.

    :ivar host: name of the compute host. It is kept because a laptop's name
        changes with its network, and Nova refuses a renamed host
    :ivar ports: TCP port by service, on 127.0.0.1
    :ivar physical_network: Neutron's name of the network that VMware offers
    :ivar vmnet: the VMware network behind it: nat, bridged, hostonly, vmnetN
    :ivar network: name of the shared Neutron network
    :ivar subnet: its IPv4 range, or empty to use the VMware network's
    :ivar fake: run the fake vmrun even if a real one is found
    :ivar vmrun_path: path of vmrun, or empty to search for it
    :ivar novnc: noVNC's folder, or empty to search for it
    :ivar knobs: the fake's FAKE_VMRUN_... variables
    :ivar bus: Nova's message bus: NO_BUS, OWN_BUS (a RabbitMQ in the state
        directory) or the URL of an existing one. Without a bus, messages stay
        in the memory of Nova's process, so nova-compute runs in it, too. With
        one, nova-compute is a process of its own, and other machines can run
        more of them
    :ivar bus_insecure: allow the URL of a bus on another machine without TLS
    :ivar database: the URL of a database server, or empty for SQLite files in
        the state directory
    :ivar database_insecure: allow one on another machine without TLS
    :ivar compute: run servers on this machine, too; it must, without a bus
    :ivar resume_servers: restart servers that ran when the machine went down
    :ivar volumes: run Cinder too
    :ivar dashboard: run Horizon too
    :ivar dashboard_address: IP address on which Horizon listens
    :ivar dashboard_insecure_listen: allow one that other machines can reach
    :ivar gateway_address: IP address on which the sshd for nodes listens
    :ivar listen: IPv4 address on which other machines reach the services by
        TLS, or empty for none
    :ivar listen_insecure: let them be reached there in plain text
    """
    host: str = dataclasses.field(default_factory=socket.gethostname)
    ports: dict[str, int] = dataclasses.field(
        default_factory=lambda: dict(DEFAULT_PORTS))
    physical_network: str = 'physnet1'
    vmnet: str = 'nat'
    network: str = 'vmnet8'
    subnet: str = ''
    fake: bool = False
    vmrun_path: str = ''
    novnc: str = ''
    knobs: dict[str, str] = dataclasses.field(default_factory=dict)
    bus: str = NO_BUS
    bus_insecure: bool = False
    database: str = database_address.SQLITE
    database_insecure: bool = False
    compute: bool = True
    resume_servers: bool = False
    volumes: bool = False
    dashboard: bool = False
    dashboard_address: str = ADDRESS
    dashboard_insecure_listen: bool = False
    gateway_address: str = '0.0.0.0'
    listen: str = ''
    listen_insecure: bool = False

    def __post_init__(self) -> None:
        self.ports = _completed(self.ports)

    @property
    def services(self) -> tuple[str, ...]:
        """The services to run, in the order of layout.SERVICES."""
        optional = {'cinder': self.volumes, 'horizon': self.dashboard,
                    'rabbitmq': self.bus == OWN_BUS,
                    'compute': bool(self.bus) and self.compute,
                    'gateway': bool(self.bus)}
        return tuple(name for name in aio_layout.SERVICES
                     if optional.get(name, True))

    @property
    def listeners(self) -> tuple[str, ...]:
        """Names of what listens on a port: the APIs and the proxies."""
        return tuple(listener for service in self.services
                     for listener in PORT_OWNERS[service])

    @property
    def runs_compute(self) -> bool:
        """Whether nova-compute runs in Nova's process."""
        return not self.bus

    def transport_url(self, passwords: Mapping[str, str]) -> str:
        """Return the URL of the bus for the control plane's own user.

        :param passwords: by user name
        """
        if self.bus == OWN_BUS:
            return bus_url(self, BUS_USER, passwords[OWN_BUS])
        return self.bus or _MEMORY_BUS

    def validate(self) -> None:
        """Check values that would otherwise fail late with obscure errors.

        :raises AioError: a value cannot be used
        """
        for service, port in self.ports.items():
            if not 1 <= port <= 65535:
                raise errors.AioError(
                    'Port %d of %s is out of range.' % (port, service), '',
                    'Choose ports from 1024 to 65535.')
        taken = sorted(self.ports.values())
        if len(set(taken)) != len(taken):
            raise errors.AioError(
                'Two services cannot share a port.',
                'Ports: %s.' % ', '.join(
                    '%s %d' % item for item in self.ports.items()),
                'Give each its own.')
        if self.subnet:
            _check_subnet(self.subnet)
        if self.dashboard:
            self._check_dashboard_address()
        self._check_bus()
        if self.database:
            database_address.check(self.database, self.database_insecure)
        self._check_gateway_address()
        if self.listen:
            listening.check(self.listen)

    def _check_gateway_address(self) -> None:
        try:
            ipaddress.ip_address(self.gateway_address)
        except ValueError as error:
            raise errors.AioError(
                'The gateway cannot listen on %.100s.' % self.gateway_address,
                '%s.' % error,
                'Name an IP address of this machine with --gateway-address, '
                'or 0.0.0.0 for all.') from error

    def _check_bus(self) -> None:
        if not self.bus and not self.compute:
            raise errors.AioError(
                'Without a message bus, no machine could run servers.',
                'With --no-compute, this one does not, and others need the '
                'bus.', 'Add --bus, or use --compute.')
        if self.bus not in (NO_BUS, OWN_BUS):
            address.check(self.bus, self.bus_insecure)

    def _check_dashboard_address(self) -> None:
        address = self.dashboard_address
        try:
            is_loopback = ipaddress.ip_address(address).is_loopback
        except ValueError as error:
            raise errors.AioError(
                'The dashboard cannot listen on %s.' % address, '%s.' % error,
                'Name an IP address of this machine with '
                '--dashboard-address, such as %s.' % ADDRESS) from error
        if self.listen and (ipaddress.ip_address(address).is_unspecified
                            or address == self.listen):
            raise errors.AioError(
                'The dashboard would listen on %s twice.' % self.listen,
                'It listens there because of --listen, and on %s.' % address,
                'Use --dashboard-address %s.' % ADDRESS)
        if not is_loopback and not self.dashboard_insecure_listen:
            raise errors.AioError(
                'The dashboard would listen on %s, which other machines can '
                'reach.' % address,
                'It is not encrypted: passwords could be read on the network.',
                'Use --dashboard-address %s and a tunnel of ssh, or add '
                '--dashboard-insecure-listen behind a firewall.' % ADDRESS)

    @property
    def tls(self) -> bool:
        """Whether other machines reach the services by TLS."""
        return bool(self.listen) and not self.listen_insecure

    def is_public(self, service: str) -> bool:
        """Return whether a service listens for other machines, too.

        The bus never does without TLS.
        """
        if service in _NEVER_PUBLIC or not self.listen:
            return False
        return service != OWN_BUS or self.tls

    def addresses(self, service: str) -> list[str]:
        """Return all IP addresses on which a service listens."""
        return [self.address(service),
                *([self.listen] if self.is_public(service) else [])]

    def address(self, service: str) -> str:
        """Return the IP address at which this machine reaches a service."""
        return {'horizon': self.dashboard_address,
                'gateway': self.gateway_address}.get(service, ADDRESS)

    @property
    def gateway_contact(self) -> str:
        """The IP address at which this machine reaches the gateway."""
        return _url_host(self.gateway_address).strip('[]')

    def url(self, service: str, path: str = '') -> str:
        """Return the URL of a service on this machine."""
        return 'http://%s:%d%s' % (
            _url_host(self.address(service)), self.ports[service], path)

    def public_url(self, service: str, path: str = '') -> str:
        """Return the URL of a service for its users, on any machine."""
        if not self.is_public(service):
            return self.url(service, path)
        return '%s://%s:%d%s' % ('https' if self.tls else 'http', self.listen,
                                 self.ports[service], path)

    def save(self, layout: aio_layout.Layout) -> None:
        write_private(layout.settings,
                      json.dumps(dataclasses.asdict(self), indent=2) + '\n')


def _completed(ports: dict[str, int]) -> dict[str, int]:
    """Add ports for services that the release which chose them did not have.

    If the ports are consecutive, continue the sequence. Otherwise use each
    service's default port, or the next one that no other service has.
    """
    row = ports_from(ports.get('keystone', DEFAULT_PORTS['keystone']))
    usual = (row if ports and ports.items() <= row.items()
             else DEFAULT_PORTS)
    completed = dict(ports)
    for name in DEFAULT_PORTS:
        if name not in ports:
            port = usual[name]
            while port in completed.values():
                port += 1
            completed[name] = port
    return completed


def _url_host(address: str) -> str:
    """Return the host of a URL that reaches a listener on an address."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified:
        # All addresses of this machine, so also the loopback one.
        return ADDRESS if parsed.version == 4 else '[::1]'
    return address if parsed.version == 4 else '[%s]' % address


def _check_subnet(text: str) -> None:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise errors.AioError(
            'Subnet %s is no IPv4 range.' % text, '%s.' % error,
            'Write it as 192.168.80.0/24.') from error
    if network.num_addresses < 16:
        raise errors.AioError(
            'Subnet %s is too small.' % text, '',
            'Choose one with at least 16 addresses.')


def bus_url(settings: Settings, user: str, password: str) -> str:
    """Return the URL of a control plane's own RabbitMQ for one of its users.

    :param password: URL-safe
    """
    return 'rabbit://%s:%s@%s:%d/' % (
        user, password, ADDRESS, settings.ports['rabbitmq'])


def ports_from(base: int) -> dict[str, int]:
    """Return consecutive ports for all services, from a first one on."""
    return {service: base + offset
            for offset, service in enumerate(DEFAULT_PORTS)}


def load(layout: aio_layout.Layout) -> Settings:
    """Read the choices of an existing control plane.

    :raises AioError: there is none, or its file is damaged
    """
    try:
        values = json.loads(layout.settings.read_text())
        settings = Settings(**_renamed(values))
    except FileNotFoundError:
        raise errors.AioError(
            'There is no control plane in %s.' % layout.root, '',
            'Make one with "nova-vmrun aio up".') from None
    except (ValueError, TypeError) as error:
        raise errors.AioError(
            '%s is damaged.' % layout.settings, '%s.' % error,
            'Remove %s and run "nova-vmrun aio up" again.' % layout.root
        ) from error
    return settings


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings in the terms of this release.

    Earlier ones had no option for a bus. Those who wrote its URL into the file
    started nova-compute by hand.
    """
    transport = values.pop('transport_url', _MEMORY_BUS)
    if not transport.startswith('fake:'):
        values.update(bus=transport, bus_insecure=True, compute=False)
    return values


def passwords(layout: aio_layout.Layout) -> dict[str, str]:
    """Return passwords by user name; the first call creates random ones."""
    try:
        known: dict[str, str] = json.loads(layout.secrets.read_text())
    except (FileNotFoundError, ValueError):
        known = {}
    missing = [user for user in USERS if user not in known]
    if missing:
        known.update((user, secrets.token_urlsafe(24)) for user in missing)
        write_private(layout.secrets, json.dumps(known, indent=2) + '\n')
    return known


def write_private(path: pathlib.Path, text: str) -> None:
    """Replace a file atomically by one that only its owner can read.

    :raises AioError: the file cannot be written
    """
    try:
        files.write_atomically(str(path), text)
    except OSError as error:
        raise errors.AioError(
            '%s could not be written.' % path, '%s.' % error.strerror,
            'Mend that, or choose another --state-dir.') from error
