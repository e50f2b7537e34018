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

"""Make this machine a node of a cloud, or repair the node that it is.

Each step can be repeated, and the last step before a crash can be any: the
keys are made first, and the first machine lets the same keys in again.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import os
import pathlib
import threading
import time

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun.cluster import messages
from nova_vmrun.cluster import names
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import direct
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import membership as node_membership
from nova_vmrun.cluster.node import nova_conf
from nova_vmrun.cluster.node import supervisor
from nova_vmrun.cluster.node import units
from nova_vmrun.cluster.node import wire
from nova_vmrun.cluster import token_file
from nova_vmrun.cluster import versions
from nova_vmrun.formats import words
from nova_vmrun.host import ports as host_ports
from nova_vmrun.server import layout as server_layout

#: Seconds in which nova-compute reports and Nova's scheduler finds it.
TIMEOUT = 180


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the operator chooses on a node.

    :ivar fake: use the fake VMware even if VMware is installed
    :ivar vmrun_path: path of vmrun, or '' to search for it
    :ivar vmnet: VMware network of servers, or '' for the first machine's
    """

    fake: bool = False
    vmrun_path: str = ''
    vmnet: str = ''


class Join:
    """One run of ``nova-vmrun node join``.

    :param layout: of a state directory that exists
    """

    def __init__(self, layout: aio_layout.Layout, token: token_file.Token,
                 choices: Choices, report: aio_report.Report) -> None:
        self._layout = layout
        self._files = node_files.Files(layout)
        self._token = token
        self._choices = choices
        self._report = report
        self._log = layout.log(children.COMPUTE)
        self._mark = log_files.mark(self._log)
        self._welcomed = False

    @contextlib.contextmanager
    def unit_stopped(self) -> Iterator[None]:
        """Stop the node's unit, which has the lock, during a block.

        If the block fails before the node has got new passwords, the unit is
        started again.

        :raises AioError: this machine is another node, the first machine is
            not there, or the service manager refuses
        """
        member = self._require_same_node()
        if member is None:
            yield
            return
        gateway.reachable(self._token.addresses, self._token.port)
        unit = units.find(self._layout, member.name)
        was_active = unit.active
        unit.stop()
        try:
            yield
        except BaseException:
            if was_active and not self._welcomed:
                with contextlib.suppress(errors.AioError):
                    unit.start()
                    self._report.line('started %s again' % unit.name)
            raise

    def join(self) -> node_membership.Membership:
        """Do all that comes before nova-compute is started.

        :raises AioError: something does not fit; says what
        """
        sshd.find()
        user = sshd.user()
        if not names.is_user(user):
            raise errors.AioError(
                'No other node can log in as the user %r.' % user,
                'Its name has characters that ssh treats specially.',
                'Run the node as another user.')
        member = self._require_same_node()
        address = gateway.reachable(self._token.addresses, self._token.port)
        self._report.line('the first machine answers at %s port %d' % (
            address, self._token.port))
        self._files.folder.mkdir(mode=0o700, exist_ok=True)
        had_keys = self._files.node_key.exists()
        for key in self._files.keys:
            keys.make(key)
        wire.write_token(self._files, self._token, address)
        # Their passwords become invalid.
        children.end_leftovers(self._files)
        welcome = self._ask(member, had_keys, address)
        self._welcomed = True
        self._require_name(welcome.name)
        self._report.line('the first machine has made accounts for %s'
                          % welcome.name)
        return self._write(welcome, address)

    def _require_same_node(self) -> node_membership.Membership | None:
        """Return what this machine is already, if it is the same node.

        :raises AioError: it is another
        """
        member = node_membership.load(self._layout)
        if member is not None:
            self._require_name(member.name)
        return member

    def _require_name(self, name: str) -> None:
        """Raise an error if the token is not for the node of a name.

        :raises AioError:
        """
        if name != self._token.name:
            raise errors.AioError(
                'This machine is node %s already.' % name,
                'The token is for node %s.' % self._token.name,
                'Run "nova-vmrun node leave" first, or name another '
                'directory with --state-dir.')

    def _ask(self, member: node_membership.Membership | None, had_keys: bool,
             address: str) -> messages.Welcome:
        """Ask to be let in, with the node's key if there is one.

        If an earlier run was interrupted, the first machine may know the
        node's key although nothing here says so. It then refuses the token.
        """
        configs = [self._files.token_config]
        if member is not None:
            wire.write_tunnel(self._files, member, address)
            configs.insert(0, self._files.ssh_config)
        elif had_keys:
            wire.write_own(self._files, self._token, address)
            configs.insert(0, self._files.ssh_config)
        for config in configs:
            if config is self._files.token_config:
                _require_no_servers(self._layout)
            try:
                return self._send(config, address)
            except gateway.KeyRefused:
                if config is configs[-1]:
                    raise
            except messages.KeysUsed:
                if config is not self._files.token_config:
                    raise
                # Those of a node that has left are never let in again.
                for key in self._files.keys:
                    key.unlink(missing_ok=True)
                    keys.make(key)
                return self._send(config, address)
        raise AssertionError('not reached')

    def _send(self, config: pathlib.Path, address: str) -> messages.Welcome:
        """Ask to be let in with the key that a file of ssh names."""
        nova, nova_vmrun = versions.own()
        request = messages.Join(
            nova=nova, nova_vmrun=nova_vmrun, clock=int(time.time()),
            user=sshd.user(), node_key=keys.public(self._files.node_key),
            move_key=keys.public(self._files.move_key),
            host_key=keys.public(self._files.host_key))
        return gateway.Gateway(config, address).join(request)

    def _write(self, welcome: messages.Welcome,
               address: str) -> node_membership.Membership:
        others = [each for each in self._token.addresses if each != address]
        draft = node_membership.Membership(
            name=welcome.name, user=self._token.user,
            addresses=[address, *others], port=self._token.port,
            services=welcome.services, first_port=welcome.first_port,
            knobs=vmware.knobs(os.environ))
        settings = nova_conf.settings_of(
            draft, welcome, self._choices.fake, self._choices.vmrun_path,
            self._choices.vmnet)
        settings.knobs.setdefault(vmware.ENGINE, vmware.default_engine())
        programs = vmware.choose(self._layout, settings)
        self._report.line(programs.describe())
        if programs.fake:
            draft = dataclasses.replace(
                draft, knobs=vmware.environment(self._layout, settings))
        _require_free(draft)
        nova_conf.write(
            self._layout, settings, draft, welcome, programs,
            direct.are_reachable(self._layout, settings, welcome,
                                 self._report))
        wire.write_tunnel(self._files, draft, address)
        wire.write_peers(self._layout, self._files, draft, welcome)
        # Last: whoever finds it finds all the others.
        draft.save(self._layout)
        return draft

    def run_in_foreground(self, member: node_membership.Membership,
                          stopping: threading.Event) -> None:
        """Run the node until an event is set, and say when it can be used.

        :raises AioError: it does not become ready
        """
        keeper = supervisor.Supervisor(self._layout, member, self._report)
        failures: list[errors.AioError] = []

        def wait() -> None:
            while not keeper.compute_started:
                if stopping.wait(0.5):
                    return
            try:
                self.wait(member, keeper.compute_started)
            except errors.AioError as error:
                failures.append(error)
                stopping.set()

        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        keeper.run(stopping)
        if failures:
            raise failures[0]

    def require_unit(self) -> None:
        """Raise an error unless a service manager can run the node.

        :raises AioError:
        """
        units.find(self._layout, self._token.name).require()

    def start_unit(self, member: node_membership.Membership) -> None:
        """Let the machine's service manager run the node; wait for it.

        :raises AioError: it does not become ready
        """
        unit = units.find(self._layout, member.name)
        since = time.monotonic()
        unit.start()
        self._report.line('started %s' % unit.name)
        self.wait(member, since)
        self._report.line(unit.hint)

    def wait(self, member: node_membership.Membership, since: float) -> None:
        """Wait until servers can be started on this node.

        :param since: time.monotonic() at which its nova-compute was started
        :raises AioError: they cannot, after a while
        """
        first = gateway.Gateway(self._files.ssh_config, member.addresses[0])
        try:
            gateway.wait_until_ready(first, TIMEOUT, since)
        except gateway.NotReady as error:
            complaint = children.last_complaint(self._log, self._mark)
            raise errors.AioError(
                'Node %s did not become ready within %d s.' % (
                    member.name, TIMEOUT),
                ' '.join(filter(None, [error.details, complaint]))
                or 'Its nova-compute has not reported.',
                'Read %s, and repeat the command.' % self._log) from error
        self._report.line('node %s is up, and its resources are known to '
                          'Placement' % member.name)
        # The node has a key of its own now.
        for path in (self._files.token_key, self._files.token_config):
            with contextlib.suppress(OSError):
                path.unlink()


def _require_no_servers(layout: aio_layout.Layout) -> None:
    """Raise an error if a new node has the files of servers.

    Nova has no such host, and its nova-compute does not start on one that
    has servers.

    :raises AioError:
    """
    records = layout.instances.glob('*/' + server_layout.RECORD)
    found = sorted(record.parent.name for record in records)
    if found:
        raise errors.AioError(
            '%s has the files of %s, which Nova does not have on this '
            'machine.' % (layout.instances,
                          words.counted(len(found), 'server')),
            'Nova refuses a new node that has servers. They are: %s.'
            % words.listed(found),
            'If nobody needs them, or all run elsewhere by now, make sure '
            'that none of their VMs runs here ("vmrun list"), move their '
            'folders out of %s, and repeat the command.' % layout.instances)


def _require_free(member: node_membership.Membership) -> None:
    """Raise an error if a port that the tunnel needs is taken here.

    :raises AioError:
    """
    wanted = {port: '%s of the first machine' % name
              for name, port in member.services.items()}
    # Consoles of servers that run on are in the other ports.
    wanted[member.ports.ssh] = 'this node to the others'
    for port, name in wanted.items():
        try:
            host_ports.require_free(aio_settings.ADDRESS, port)
        except OSError as error:
            raise errors.AioError(
                'Port %d of this machine, which stands for %s, is taken.'
                % (port, name),
                '%s.' % (error.strerror or error),
                'Stop what has it. If this is the first machine itself, it is '
                'a node already. Else choose other ports there with '
                '"nova-vmrun aio up --port-base".') from error
