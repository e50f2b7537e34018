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

"""``nova-vmrun node``: more machines for a cloud."""

import argparse
from collections.abc import Iterable, Sequence
import pathlib
import signal
import threading
import time
from typing import Any, TYPE_CHECKING

from cliff import command
from cliff import lister

from nova_vmrun.aio import errors
from nova_vmrun.aio import installed
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import plain
from nova_vmrun.cmd import state_dir
from nova_vmrun.formats import words

if TYPE_CHECKING:
    from nova_vmrun.cluster.node import membership

_PACKAGES = ('nova', 'openstack', 'psutil')
# Seconds in which a unit that has been stopped ends.
_PATIENCE = 5
_COLUMNS = ('Name', 'State', 'Status', 'Servers', 'Address', 'Nova',
            'nova-vmrun', 'Ports')


def _check_installed() -> None:
    installed.require(_PACKAGES, 'Nova is not installed.',
                      'Install it with: pip install "nova-vmrun[aio]".')


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', metavar='<name>', help='Name of the node')


class _OfFirst(plain.Plain, command.Command):
    """What the commands for the first machine have in common."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        return parser


def _first(parsed_args: argparse.Namespace
           ) -> tuple[aio_layout.Layout, aio_settings.Settings]:
    """Return the control plane of this machine.

    :raises AioError: there is none, or it has no message bus
    """
    _check_installed()
    from nova_vmrun.cluster.first import capacity

    layout = aio_layout.Layout(parsed_args.state_dir)
    settings = aio_settings.load(layout)
    capacity.require_bus(settings)
    return layout, settings


class Token(_OfFirst):
    """Write a token with which another machine becomes a node.

    Run it on the first machine, where "aio up --bus" runs, and copy the file
    to the other one, for example with scp. A token is for one node and expires
    soon. Until then, whoever has the file can join as that node once. A node
    gets servers to run, with their disks and passwords, and users of its own
    for the message bus, Placement, Neutron and Glance. With "aio up
    --volumes", its user is an administrator of the whole cloud, because Cinder
    shows volumes of all projects to no one else. A token is no login to the
    first machine: it runs one command there, which lets the node in. A new
    token for the same name replaces the old one.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _name(parser)
        parser.add_argument(
            '--minutes', metavar='<minutes>', type=_minutes, default=60,
            help='How long the token can be used (default: %(default)s)')
        parser.add_argument(
            '--address', metavar='<address>', action='append',
            help='Address or name at which the node reaches this machine '
                 '(repeat for more; default: all addresses of this machine)')
        parser.add_argument(
            '--output', metavar='<file>', type=pathlib.Path,
            help='File to write (default: <name>.token)')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout, settings = _first(parsed_args)
        from nova_vmrun.cluster.first import tokens

        token = tokens.make(layout, settings, parsed_args.name,
                            parsed_args.minutes, parsed_args.address)
        path = parsed_args.output or pathlib.Path(
            parsed_args.name + '.token')
        token.write(path)
        self.app.stdout.write(
            'Wrote %s. Copy it to the other machine before %s, and run there:'
            '\n  nova-vmrun node join %s\n' % (
                path, _until(token.expires), path.name))


def _until(expires: float) -> str:
    """Return when a token expires, with the date if that is not today."""
    then, now = time.localtime(expires), time.localtime(time.time())
    is_today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    return time.strftime('%H:%M' if is_today else '%H:%M on %Y-%m-%d', then)


def _minutes(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError(
            '%d is not from 1 to 10080, which is a week' % number)
    return number


class Join(plain.Plain, command.Command):
    """Make this machine a node of the cloud that made a token.

    Checks the releases of Nova and nova-vmrun, the connection and the clock,
    writes nova.conf, opens a connection of ssh to the first machine that
    carries all ports, and starts nova-compute as a unit of this user's systemd
    or launchd. It returns when servers can be started on the node. Running it
    again repairs the node.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_node_dir(parser)
        parser.add_argument(
            'token', metavar='<token-file>', type=pathlib.Path,
            help='File that "nova-vmrun node token" wrote on the first '
                 'machine')
        parser.add_argument(
            '--address', metavar='<address>', action='append',
            help='Address or name of the first machine, if it has another '
                 'than when the token was made (repeat for more)')
        parser.add_argument(
            '--foreground', action='store_true',
            help='Run the node here until Ctrl-C, without a unit')
        parser.add_argument(
            '--fake', action='store_true',
            help='Use the fake vmrun even if VMware is installed')
        parser.add_argument(
            '--vmrun-path', metavar='<path>', default='',
            help='Path to vmrun (default: the first one found in PATH and '
                 'the default install locations of VMware, otherwise the '
                 'fake)')
        parser.add_argument(
            '--vmnet', metavar='<vmnet>', default='',
            help='VMware network that the servers use: nat, bridged, '
                 'hostonly or vmnetN (default: as on the first machine)')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio import lock
        from nova_vmrun.aio import programs
        from nova_vmrun.cluster.node import join
        from nova_vmrun.cluster import token_file

        token = token_file.read(parsed_args.token)
        if parsed_args.address:
            token = token.at(parsed_args.address)
        layout = aio_layout.Layout(parsed_args.state_dir)
        _require_no_first(layout)
        progress = report.Report(self.app.stdout)
        progress.line('state directory %s' % layout.root)
        programs.require()
        layout.create()
        work = join.Join(layout, token, join.Choices(
            parsed_args.fake, parsed_args.vmrun_path, parsed_args.vmnet),
            progress)
        if not parsed_args.foreground:
            work.require_unit()
        role = lock.NODE if parsed_args.foreground else ''
        with work.unit_stopped(), lock.hold(layout, role, _PATIENCE):
            member = work.join()
            if parsed_args.foreground:
                work.run_in_foreground(member, _until_signal())
                return
        work.start_unit(member)


class Run(plain.Plain, command.Command):
    """Run a node that has joined, in the foreground, as its unit does."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_node_dir(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_installed()
        from nova_vmrun.aio import lock
        from nova_vmrun.cluster.node import supervisor

        layout, member = _node(parsed_args)
        with lock.hold(layout, lock.NODE):
            supervisor.Supervisor(
                layout, member, report.Report(self.app.stdout)).run(
                _until_signal())


class Leave(plain.Plain, command.Command):
    """Remove a node from its cloud: this machine, or the named one.

    Run it on the node without a name, or on the first machine with one. It is
    refused while the node has servers, or takes part in moves of servers that
    are not confirmed. It is also refused while servers were evacuated from
    the node and its nova-compute has not been started since, which removes
    them there: their VMs may still run. With --insist, you say that the
    machine is permanently off or erased. The command removes the node's
    accounts, keys and connections; the node's files stay. On the node itself,
    it also cuts the power of VMs of the node's servers that still run. Nova
    has none of them there: they were evacuated or deleted. If the first
    machine does not let the node in, it may have removed the node, or a key
    was lost. So the command is then refused if such VMs run, unless another
    host has their disks. It is also refused if the first machine cannot be
    reached. With --insist, you say there that the node was removed on purpose,
    or that the first machine is permanently gone.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(
            parser, 'everything of the node, or on the first machine the '
            'whole control plane')
        parser.add_argument(
            'name', metavar='<name>', nargs='?',
            help='Name of the node, on the first machine')
        parser.add_argument(
            '--insist', action='store_true',
            help='Remove the named node even if it may have VMs of servers '
                 'that were evacuated from it, because it is permanently '
                 'off or erased. Without a name: stop all VMs of this node '
                 'even if the first machine does not let it in, because it '
                 'was removed there on purpose, or cannot be reached, because '
                 'it is permanently gone')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.name:
            layout, settings = _first(parsed_args)
            from nova_vmrun.cluster.first import removal
            removal.leave(layout, settings, parsed_args.name,
                          parsed_args.insist)
            name = parsed_args.name
        else:
            _check_installed()
            from nova_vmrun.cluster.node import departure
            layout, member = _node(parsed_args)
            for vm in departure.leave(layout, member, parsed_args.insist):
                self.app.stdout.write(
                    'A VM runs on, because %s: %s.\n' % (vm.reason, vm.vmx)
                    if vm.runs_on else
                    'Stopped a VM that was still running; its files stay: '
                    '%s.\n' % vm.vmx)
            name = member.name
        self.app.stdout.write('Node %s has left the cloud.\n' % name)


class List(plain.Plain, lister.Lister):
    """List the nodes of this cloud, on the first machine."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        state_dir.add_option(parser)
        return parser

    def take_action(
            self,
            parsed_args: argparse.Namespace
            ) -> tuple[Sequence[str], Iterable[Any]]:
        layout, settings = _first(parsed_args)
        from nova_vmrun.cluster.first import listing
        return _COLUMNS, listing.rows(layout, settings)


class Drain(_OfFirst):
    """Move all servers of a node to others, on the first machine.

    No new servers are started on the node. Those that it has are stopped,
    moved and started again, one after the other. If a server on the node, or
    one that has left it, waits for its user to confirm or revert a resize, the
    resize is confirmed, and the output names the server. The exit status is 1
    if some cannot be moved; the output says why. To use the node again, add
    --undo.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _name(parser)
        parser.add_argument(
            '--undo', action='store_true',
            help='Let new servers be started on the node again')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout, settings = _first(parsed_args)
        from nova_vmrun.cluster.first import cloud
        from nova_vmrun.cluster.first import draining

        nova = cloud.connect(layout, settings)
        if parsed_args.undo:
            nova.set_disabled(parsed_args.name, '')
            self.app.stdout.write('Node %s takes new servers.\n'
                                  % parsed_args.name)
            return
        left = draining.Drain(nova, report.Report(self.app.stdout)).drain(
            parsed_args.name)
        if left:
            raise errors.AioError(
                'Node %s could not be drained, because of %s.' % (
                    parsed_args.name, words.counted(len(left), 'server')),
                ' '.join('%s (%s): %s.' % (
                    each.name, each.server, each.reason.rstrip('.'))
                    for each in left),
                'Move or delete them, and repeat the command.')
        self.app.stdout.write('Node %s has no servers.\n' % parsed_args.name)


class Fenced(_OfFirst):
    """Say that a node is off, so that its servers can be run elsewhere.

    Run it on the first machine, after the node's power has been cut or its
    disks taken away: if it still runs, two machines may write to one disk. It
    is refused if the node plainly is on: its sshd answers, its nova-compute
    has just reported, or it is the first machine itself. It sets Nova's
    "forced_down". A machine that has joined with "node join" clears that when
    it comes back: it starts nova-compute, which removes what was evacuated,
    and then asks to be used again. On any other host, start nova-compute, and
    then run "openstack compute service set --up <name> nova-compute".
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _name(parser)
        parser.add_argument(
            '--insist', action='store_true',
            help='Say so even if the node seems to be on, for example because '
                 'its VMs have been ended while the machine still runs')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        layout, settings = _first(parsed_args)
        from nova_vmrun.cluster.first import cloud
        from nova_vmrun.cluster.first import fencing

        name = parsed_args.name
        returns = fencing.fence(layout, settings, name,
                                cloud.connect(layout, settings),
                                parsed_args.insist)
        self.app.stdout.write(
            'Nova treats node %s as off. To run its servers elsewhere, use '
            '"openstack server evacuate". %s\n' % (
                name, 'When it is back, it is used again by itself.'
                if returns else
                'When it is back, start its nova-compute, and run "openstack '
                'compute service set --up %s nova-compute".' % name))


def _add_node_dir(parser: argparse.ArgumentParser) -> None:
    state_dir.add_option(parser, 'everything of the node')


def _require_no_first(layout: aio_layout.Layout) -> None:
    if layout.exists:
        raise errors.AioError(
            '%s holds a control plane.' % layout.root,
            'That machine is the first one of its own cloud.',
            'Name another directory with --state-dir.')


def _node(parsed_args: argparse.Namespace
          ) -> tuple[aio_layout.Layout, 'membership.Membership']:
    from nova_vmrun.cluster.node import membership

    layout = aio_layout.Layout(parsed_args.state_dir)
    return layout, membership.require(layout)


def _until_signal() -> threading.Event:
    """Return an event that is set when this process is asked to end."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
