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

"""``nova-vmrun aio``: a complete OpenStack on this machine."""

import argparse
from collections.abc import Iterable, Sequence
import dataclasses
import os
import shlex
import tempfile
from typing import Any

from cliff import command
from cliff import lister

from nova_vmrun.aio import client
from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors
from nova_vmrun.aio import installed
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import shells
from nova_vmrun.cmd import database_options
from nova_vmrun.cmd import joined_before
from nova_vmrun.cmd import listen_options
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun import system

# Packages of the aio extra that would be missed first.
_PACKAGES = ('keystone', 'glance', 'neutron', 'placement', 'cheroot',
             'openstack', 'psutil')


def _check_installed() -> None:
    installed.require(_PACKAGES, 'The OpenStack services are not installed.',
                      'Install them with: pip install "nova-vmrun[aio]".')


class Up(plain.Plain, command.Command):
    """Start the control plane.

    Starts keystone, glance, placement, neutron and nova, with --volumes also
    cinder, and with --dashboard also horizon, on 127.0.0.1, with SQLite, or
    with --database in the databases of a server. With --bus, it also starts
    RabbitMQ, or uses an existing one, and nova-compute as a process of its
    own, so that other machines can become compute hosts. Running it again
    restarts services that are down and leaves the others alone. Options are
    remembered for the next "up".
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        add_settings(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio import dashboard
        from nova_vmrun.aio import lock
        from nova_vmrun.aio import programs
        from nova_vmrun.aio import up

        layout = aio_layout.Layout(parsed_args.state_dir)
        progress = report.Report(self.app.stdout)
        progress.line('state directory %s' % layout.root)
        programs.require()
        layout.create()
        with lock.hold(layout):
            settings = chosen_settings(layout, parsed_args, progress)
            up.up(layout, settings, progress)
            joined_before.write_keys(layout, settings, progress)
        self.app.stdout.write(
            'The control plane is up. To use it as an ordinary user, run:\n'
            '  source %s\n  openstack server list\n'
            'To administer it, run:\n  source %s\n'
            % (shlex.quote(str(layout.openrc_demo)),
               shlex.quote(str(layout.openrc))))
        self.app.stdout.write(listen_options.welcome(layout, settings))
        if settings.dashboard:
            self.app.stdout.write(dashboard.welcome(layout, settings))


class Down(plain.Plain, command.Command):
    """Stop the control plane but leave the servers running.

    "up" starts it again. "wipe" stops the servers too.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio import down
        from nova_vmrun.aio import lock

        layout = aio_layout.Layout(parsed_args.state_dir)
        aio_settings.load(layout)
        with lock.hold(layout):
            if not down.down(layout, report.Report(self.app.stdout)):
                self.app.stdout.write('It is already down.\n')


class Wipe(plain.Plain, command.Command):
    """Stop the control plane and its servers, and delete all their files.

    Volumes, their snapshots and their backups are deleted too. Lists what will
    be deleted and asks for confirmation first.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        parser.add_argument(
            '--yes', '-y', action='store_true',
            help='Do not ask for confirmation')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio import down
        from nova_vmrun.aio import lock

        layout = aio_layout.Layout(parsed_args.state_dir)
        if not layout.exists:
            self.app.stdout.write('There is no control plane in %s.\n'
                                  % layout.root)
            return
        self.app.stdout.write(down.inventory(layout))
        if not (parsed_args.yes or plain.is_sure(
                self.app, 'Delete all of this?')):
            raise errors.AioError(
                'Nothing was deleted.', '',
                'Answer "yes", or run "nova-vmrun aio wipe --yes".')
        with lock.hold(layout):
            down.wipe(layout, report.Report(self.app.stdout))


class Status(plain.Plain, lister.Lister):
    """Show the status of the control plane's services.

    Memory is the resident size in MiB. The exit status is 1 unless all
    services are ready. A line on standard error says what runs the VMs.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        return parser

    def take_action(
            self,
            parsed_args: argparse.Namespace
            ) -> tuple[Sequence[str], Iterable[Any]]:
        _check_installed()
        from nova_vmrun.aio import status
        from nova_vmrun.aio import vmware

        layout = aio_layout.Layout(parsed_args.state_dir)
        settings = aio_settings.load(layout)
        services = status.services(layout, settings)
        self.app.stderr.write(vmware.describe(layout, settings) + '\n')
        self._ready = all(service.ready for service in services)
        return status.COLUMNS, [service.row() for service in services]

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or (0 if self._ready else 1)


class Env(plain.Plain, command.Command):
    """Print the environment variables for the openstack command.

    In bash and zsh, run: eval "$(nova-vmrun aio env)". In fish, run:
    nova-vmrun aio env --shell fish | source. In PowerShell, run: nova-vmrun
    aio env --shell powershell | Out-String | Invoke-Expression.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        parser.add_argument(
            '--shell', choices=list(shells.TEXTS), default='bash',
            help='Shell to print for (default: %(default)s)')
        parser.add_argument(
            '--user', choices=list(client.User), type=client.User,
            default=client.User.ADMIN,
            help='Log in as the administrator, or as an ordinary user with a '
                 'project of its own (default: %(default)s)')
        parser.add_argument(
            '--by-file', action='store_true',
            help='Name the clouds.yaml of the control plane in '
                 'OS_CLIENT_CONFIG_FILE and OS_CLOUD, instead of putting the '
                 'password into the environment')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout = aio_layout.Layout(parsed_args.state_dir)
        settings = aio_settings.load(layout)
        variables = (
            client.environment_by_file(layout, settings,
                                       user=parsed_args.user)
            if parsed_args.by_file else client.environment(
                layout, settings, aio_settings.passwords(layout),
                user=parsed_args.user))
        self.app.stdout.write(shells.TEXTS[parsed_args.shell](variables))


class Demo(plain.Plain, command.Command):
    """Boot a server on a real OpenStack step by step, then clean up.

    Each step is checked through the API, and on disk or with vmrun. The exit
    status is 0 only if every check passed. If VMware is installed, the demo
    uses its vmrun, otherwise the fake.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--keep', action='store_true',
            help='Leave OpenStack running at the end, and print what to type '
                 'next')
        parser.add_argument(
            '--state-dir', metavar='<directory>',
            help='Directory that holds the whole control plane (default: a '
                 'temporary one, or with --keep the one that "aio up" uses)')
        add_settings(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio.demo import commands
        from nova_vmrun.aio.demo import runner
        from nova_vmrun.aio.demo import session
        from nova_vmrun.aio import lock
        from nova_vmrun.aio import programs

        progress = report.Report(self.app.stdout)
        layout = self._layout(parsed_args)
        progress.line('state directory %s' % layout.root)
        programs.require()
        layout.create()
        with lock.hold(layout):
            settings = chosen_settings(layout, parsed_args, progress)
            option = (' --state-dir %s' % shlex.quote(parsed_args.state_dir)
                      if parsed_args.state_dir else '')
            with commands.Commands() as openstack:
                runner.run(session.Session(
                    layout, settings, progress, parsed_args.keep, openstack),
                    option)

    def _layout(self, parsed_args: argparse.Namespace) -> aio_layout.Layout:
        if parsed_args.state_dir:
            return aio_layout.Layout(parsed_args.state_dir)
        if parsed_args.keep:
            return aio_layout.Layout(aio_layout.default_state_dir())
        if not parsed_args.port_base:
            # The default ports may be in use by a control plane that is kept.
            from nova_vmrun.aio import ports
            parsed_args.port_base = ports.free_base()
        return aio_layout.Layout(tempfile.mkdtemp(
            prefix='nova-vmrun-demo-', dir=system.here().temporary_folder))


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``aio up``."""
    parser.add_argument(
        '--port-base', type=state_dir.port, metavar='<port>',
        help='First of %d consecutive ports for the services; use it to '
             'run several control planes side by side'
             % len(aio_settings.DEFAULT_PORTS))
    for service, port in aio_settings.DEFAULT_PORTS.items():
        parser.add_argument(
            '--%s-port' % service, type=state_dir.port, metavar='<port>',
            help='Port of %s (default: %d)' % (service, port))
    parser.add_argument(
        '--fake', action=argparse.BooleanOptionalAction,
        help='Use the fake vmrun even if VMware is installed')
    parser.add_argument(
        '--vmrun-path', metavar='<path>',
        help='Path to vmrun (default: the first one found in PATH and the '
             'default install locations of VMware, otherwise the fake)')
    parser.add_argument(
        '--novnc', metavar='<directory>', type=os.path.abspath,
        help='Directory that contains noVNC (default: /usr/share/novnc)')
    parser.add_argument(
        '--resume-servers', action=argparse.BooleanOptionalAction,
        help='After the machine was switched off, restart the servers that '
             'were running before (default: no)')
    parser.add_argument(
        '--volumes', action=argparse.BooleanOptionalAction,
        help='Run Cinder too, for volumes and their snapshots and backups '
             '(default: no)')
    bus = parser.add_mutually_exclusive_group()
    bus.add_argument(
        '--bus', metavar='<url>', nargs='?', const=aio_settings.OWN_BUS,
        help='Connect the parts of Nova by RabbitMQ, so that other machines '
             'can be compute hosts: without a URL by one that "up" starts as '
             'you, in the state directory; otherwise by an existing one, such '
             'as rabbit://user:password@host:5672/. nova-compute then has a '
             'process of its own, and keeps its name and servers')
    bus.add_argument(
        '--no-bus', dest='bus', action='store_const',
        const=aio_settings.NO_BUS,
        help='Run all of Nova in one process (default). Refused after other '
             'machines have joined')
    parser.add_argument(
        '--bus-insecure', action=argparse.BooleanOptionalAction,
        help='Allow the URL of a RabbitMQ on another machine without TLS, '
             'although passwords in its messages can be read on the network '
             '(default: no)')
    database_options.add(parser)
    parser.add_argument(
        '--gateway-address', metavar='<address>',
        help='With --bus: IP address on which the sshd for other machines '
             'listens. They reach no other service without --listen (default: '
             '0.0.0.0, which is all addresses)')
    listen_options.add(parser)
    parser.add_argument(
        '--compute', action=argparse.BooleanOptionalAction,
        help='Run servers on this machine, too (default: yes; "no" needs '
             '--bus)')
    parser.add_argument(
        '--dashboard', action=argparse.BooleanOptionalAction,
        help='Run Horizon too, the dashboard for browsers (default: no)')
    parser.add_argument(
        '--dashboard-address', metavar='<address>',
        help='IP address on which the dashboard listens (default: %s)'
             % aio_settings.ADDRESS)
    parser.add_argument(
        '--dashboard-insecure-listen', action=argparse.BooleanOptionalAction,
        help='Allow an address that other machines can reach, although the '
             'dashboard is not encrypted (default: no)')
    parser.add_argument(
        '--host', metavar='<name>',
        help='Name of the compute host (default: the host name at the time of '
             'the first "up")')
    parser.add_argument(
        '--network', metavar='<name>',
        help='Name of the shared Neutron network (default: vmnet8)')
    parser.add_argument(
        '--subnet', metavar='<cidr>',
        help='IPv4 range of that network (default: the range of the vmnet in '
             "VMware's configuration; required for a bridged network)")
    parser.add_argument(
        '--physical-network', metavar='<name>',
        help='Name of its physical network (default: physnet1)')
    parser.add_argument(
        '--vmnet', metavar='<vmnet>',
        help='VMware network that the servers use: nat, bridged, hostonly or '
             'vmnetN (default: nat)')


def chosen_settings(layout: aio_layout.Layout,
                    parsed_args: argparse.Namespace,
                    progress: report.Report) -> aio_settings.Settings:
    """Return the remembered settings, updated with the options given.

    :param progress: where to report default ports that were taken
    :raises AioError: the control plane is running with other settings, Cinder,
        Horizon, RabbitMQ or a driver is wanted but not installed, or something
        is not wanted that volumes, servers or other machines need
    """
    from nova_vmrun.aio.bus import broker
    from nova_vmrun.aio import dashboard
    from nova_vmrun.aio import databases
    from nova_vmrun.aio import hosts
    from nova_vmrun.aio import listening
    from nova_vmrun.aio import ports
    from nova_vmrun.aio import processes
    from nova_vmrun.aio import vmware
    from nova_vmrun.aio import volumes

    old = aio_settings.load(layout) if layout.exists else None
    new = dataclasses.replace(old) if old else aio_settings.Settings()
    new.ports, given = _chosen_ports(new.ports, parsed_args)
    for field in dataclasses.fields(new):
        value = getattr(parsed_args, field.name, None)
        if value is not None:
            setattr(new, field.name, value)
    if not old:
        joined_before.require_no_node(layout)
        for line in ports.next_free(new, given):
            progress.line(line)
        # Remembered, so that a running VM never changes its engine.
        new.knobs = {vmware.ENGINE: vmware.default_engine()}
    elif new.bus == aio_settings.OWN_BUS != old.bus:
        # Debian's package has started a RabbitMQ on the usual ports.
        for line in ports.next_free(new, given | set(old.listeners)):
            progress.line(line)
    new.knobs = dict(new.knobs, **vmware.knobs(os.environ))
    new.validate()
    if new.listen:
        listening.require_own(new.listen)
    if old and new != old and any(
            processes.find(layout, service)
            for service in aio_layout.SERVICES):
        raise errors.AioError(
            'The control plane is running with other options.', '',
            'Run "nova-vmrun aio down" first.')
    if new.database:
        address.require_driver(new.database)
    if old:
        databases.require_same_kind(layout, old.database, new.database)
    if new.dashboard:
        dashboard.require_installed()
    if new.volumes:
        volumes.require_installed()
    elif old and old.volumes:
        volumes.require_none_attached(layout)
    if new.bus == aio_settings.OWN_BUS:
        broker.require_installed()
    elif old and old.bus and not new.bus:
        hosts.require_no_others(layout, new)
    if old and not new.compute and old.compute:
        hosts.require_no_servers(layout, new)
    for line in joined_before.hints(layout, old, new) if old else ():
        progress.line(line)
    new.save(layout)
    return new


def _chosen_ports(remembered: dict[str, int], parsed_args: argparse.Namespace
                  ) -> tuple[dict[str, int], set[str]]:
    """Return the port of each service, and the ports the user chose."""
    chosen = dict(remembered)
    given: set[str] = set()
    if parsed_args.port_base:
        chosen = aio_settings.ports_from(parsed_args.port_base)
        given.update(chosen)
    for service in chosen:
        port = getattr(parsed_args, '%s_port' % service)
        if port:
            chosen[service] = port
            given.add(service)
    return chosen, given
