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

"""State that the demo's steps share: the cloud, the guests, the output."""

from collections.abc import Callable, Iterable, Sequence
import ipaddress
import os
import pathlib
import tempfile
import time
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import client
from nova_vmrun.aio.demo import commands as demo_commands
from nova_vmrun.aio.demo import guest
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from openstack import connection

NAME = 'demo'
FLAVOR = 'm1.tiny'
# Seconds for one change of state. VMware on a slow disk takes a while.
TIMEOUT = 180
# Seconds without output after which a sign of life is printed.
_SILENCE = 1.5
_POLL = 0.2
_WIDTH = 110


class Session:
    """One run of the demo.

    :param keep: leave the control plane up
    :param commands: runs the openstack command
    :ivar no_guest: why the server has no guest; None if it has one
    :ivar no_login: why nobody can log in to the server; None if one can
    :ivar machines: one line about what runs the VMs, once that is known
    :ivar image_path: path of the image, which the first step creates
    :ivar picture: path of the screenshot, if one was taken
    :ivar image: the SDK's image, once it is uploaded
    :ivar network: the SDK's network, once it is found
    :ivar server: the SDK's server, once it is created
    """

    image_path: pathlib.Path

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings, report: aio_report.Report,
                 keep: bool, commands: demo_commands.Commands) -> None:
        self.layout = layout
        self.settings = settings
        self.report = report
        self.keep = keep
        self.commands = commands
        self.no_guest: str | None = None
        self.no_login: str | None = None
        self.machines: str | None = None
        self.picture: pathlib.Path | None = None
        self.image: Any = None
        self.network: Any = None
        self.server: Any = None
        self._clouds: dict[client.User, 'connection.Connection'] = {}
        self._guests: guests.Guests | None = None

    @property
    def cloud(self) -> 'connection.Connection':
        """A connection to the control plane as an ordinary user."""
        return self._connect(client.User.DEMO)

    @property
    def admin_cloud(self) -> 'connection.Connection':
        """A connection to the control plane as its administrator."""
        return self._connect(client.User.ADMIN)

    def _connect(self, user: client.User) -> 'connection.Connection':
        if user not in self._clouds:
            self._clouds[user] = client.connect(
                self.settings, aio_settings.passwords(self.layout), user)
        return self._clouds[user]

    @property
    def guests(self) -> guests.Guests:
        """The guests, as vmrun lists them."""
        if self._guests is None:
            self._guests = guests.Guests(self.layout)
        return self._guests

    @property
    def vmx(self) -> str | None:
        """Path of the server's .vmx file; None if there is none."""
        found = list(self.layout.instances.glob(
            '%s/*.vmx' % self.server.id))
        return str(found[0]) if found else None

    def require_vmx(self) -> str:
        """Return the path of the server's .vmx file.

        :raises AioError: there is none
        """
        vmx = self.vmx
        if vmx is None:
            raise errors.AioError('The server has no .vmx on disk.')
        return vmx

    def text(self, text: str) -> None:
        """Print lines unchanged, indented below the progress."""
        for line in text.rstrip('\n').splitlines():
            self.report.raw('    ' + line)

    def log_text(self, lines: Iterable[str]) -> None:
        """Print lines of a log, and cut long ones off."""
        self.text('\n'.join(
            line if len(line) <= _WIDTH else line[:_WIDTH - 3] + '...'
            for line in lines))

    def check(self, truth: object, claim: str) -> None:
        """Print a claim that was checked, or end the demo.

        :param truth: whether the claim is true
        :param claim: what should be true
        :raises AioError: it is not true
        """
        if not truth:
            raise errors.AioError('Not so: %s.' % claim)
        self.report.line('  checked: %s' % claim)

    def openstack(self, *arguments: str,
                  watch: Callable[[], None] | None = None,
                  show: Callable[[str], None] | None = None) -> str:
        """Run the openstack command and print its output.

        :param arguments: its arguments
        :param watch: called every 0.2 seconds while it runs
        :param show: prints its output; default text()
        :returns: its output
        :raises AioError: it fails
        """
        self.report.line('  $ openstack %s' % ' '.join(arguments))
        environment = client.environment(
            self.layout, self.settings,
            aio_settings.passwords(self.layout), user=client.User.DEMO)
        environment = dict(os.environ, **environment)
        with tempfile.NamedTemporaryFile('w+') as output:
            command = self.commands.start(arguments, environment, output)
            try:
                self._follow(command, arguments, watch)
            finally:
                if command.poll() is None:
                    command.kill()
            output.seek(0)
            text = output.read()
        (show or self.text)(text)
        if command.returncode:
            raise errors.AioError(
                '"openstack %s" failed with status %d.'
                % (' '.join(arguments), command.returncode))
        return text

    def _follow(self, command: demo_commands.Command,
                arguments: Sequence[str],
                watch: Callable[[], None] | None) -> None:
        deadline = time.monotonic() + TIMEOUT
        while command.poll() is None:
            if time.monotonic() > deadline:
                raise errors.AioError(
                    '"openstack %s" did not end within %d s.'
                    % (' '.join(arguments), TIMEOUT))
            if watch:
                watch()
            self.breathe('the openstack command')
            time.sleep(_POLL)

    def find_server(self) -> Any:
        """Return the newest server with the demo's name, or None."""
        return next(iter(self.cloud.compute.servers(
            name='^%s$' % NAME, sort_key='created_at', sort_dir='desc')),
            None)

    def console_log(self) -> str:
        """Return what the server has written to its serial port."""
        return str(self.cloud.compute.get_server_console_output(
            self.server.id)['output'])

    def wait_for_guest(
            self, boots: int,
            watch: Callable[[str], None] | None = None) -> guest.Facts:
        """Wait until the guest reports what it sees.

        :param boots: how many times it must have been booted
        :param watch: called with its console log each time that is read
        :raises AioError: it reports nothing in time
        """
        began = time.monotonic()
        while True:
            log = self.console_log()
            if watch:
                watch(log)
            told = guest.facts(log)
            disk = guest.root_disk(told) if told else None
            if told and disk and disk['data']['boots'] == boots:
                return told
            if time.monotonic() - began > TIMEOUT:
                raise errors.AioError(
                    'The guest has said nothing for %d s.' % TIMEOUT)
            self.breathe('the guest to boot')
            time.sleep(_POLL)

    def wait_for(self, status: str) -> float:
        """Wait until the server has a status.

        :param status: such as ACTIVE
        :returns: seconds that it took
        :raises AioError: the server went into ERROR, or it took too long
        """
        began = time.monotonic()
        while True:
            server = self.cloud.compute.get_server(self.server.id)
            if server.status == status and not server.task_state:
                self.server = server
                break
            self.refuse_error(server)
            if time.monotonic() - began > TIMEOUT:
                raise errors.AioError(
                    'The server is %s, and not %s, after %d s.'
                    % (server.status, status, TIMEOUT))
            self.breathe('%s, the server is %s%s' % (
                status, server.status,
                ' (%s)' % server.task_state if server.task_state else ''))
            time.sleep(_POLL)
        seconds = time.monotonic() - began
        self.report.line('  %s after %.1f s' % (status, seconds))
        return seconds

    def refuse_error(self, server: Any) -> None:
        """Raise AioError with Nova's reason if a server is in ERROR."""
        if server.status == 'ERROR':
            fault = server.fault or {}
            raise errors.AioError(
                'The server is in ERROR.',
                fault.get('message') or 'Nova gives no reason.')

    def runs(self) -> bool:
        """Return whether vmrun lists the server's VM."""
        vmx = self.vmx
        return vmx is not None and any(
            os.path.samefile(path, vmx) for path in self.guests.running())

    def breathe(self, what: str) -> None:
        """Print a sign of life if nothing has been printed for a while."""
        if self.report.silence > _SILENCE:
            self.report.line('  waiting for %s' % what)


def address_of(port: Any) -> str:
    """Return the IPv4 address of a port, or else its IPv6 address.

    The network may have got a subnet of IPv6, which the fake does not offer.
    """
    found = [str(each['ip_address']) for each in port.fixed_ips]
    return min(found, key=lambda text: ipaddress.ip_address(text).version)
