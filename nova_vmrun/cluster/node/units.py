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

"""The unit that runs a node when its user logs in, or from boot on."""

import os
import pathlib
import plistlib
import shlex
import sys

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun import system
from nova_vmrun.tools import process

_SYSTEMD = """\
# Written by "nova-vmrun node join".
[Unit]
Description=Node of a cloud (nova-vmrun)
StartLimitIntervalSec=0

[Service]
ExecStart=%s
Restart=always
RestartSec=5
# Servers are processes that nova-compute has started. They run on.
KillMode=process
# A VM that the kernel ends for want of memory must not take the others along.
OOMPolicy=continue
# A core dump of a VM contains the memory of its guest.
LimitCORE=0
TimeoutStopSec=120

[Install]
WantedBy=default.target
"""
#: The log that launchd writes; systemd has a journal.
LOG = 'node'
# What systemd says of a unit that runs or that it starts again.
_ACTIVE = ('active', 'activating', 'reloading')
# Seconds.
_TIMEOUT = 150


def command(layout: aio_layout.Layout) -> list[str]:
    """Return the words that run the node of a state directory."""
    return [os.path.join(sys.prefix, 'bin', 'nova-vmrun'), 'node', 'run',
            '--state-dir', str(layout.root)]


class Systemd:
    """A unit of the user's systemd."""

    def __init__(self, layout: aio_layout.Layout, name: str,
                 runner: process.Runner,
                 home: pathlib.Path | None = None) -> None:
        self._layout = layout
        self._runner = runner
        self.name = 'nova-vmrun-node-%s.service' % name
        base = os.environ.get('XDG_CONFIG_HOME')
        folder = (pathlib.Path(base) if base and os.path.isabs(base)
                  else (home or pathlib.Path.home()) / '.config')
        self.path = folder / 'systemd' / 'user' / self.name

    @property
    def hint(self) -> str:
        """What else the operator may want to do."""
        return ('To start it when the machine boots, run: loginctl '
                'enable-linger. To see it, run: systemctl --user status %s'
                % self.name)

    def text(self) -> str:
        """Return the content of the unit."""
        return _SYSTEMD % ' '.join(
            '"%s"' % word.replace('%', '%%').replace('\\', '\\\\')
            .replace('"', '\\"').replace('$', '$$')
            for word in command(self._layout))

    @property
    def active(self) -> bool:
        """Whether it runs, or is about to."""
        return self.path.exists() and _output(
            self._runner, 'systemctl', '--user', 'is-active', self.name
        ).stdout.strip() in _ACTIVE

    def require(self) -> None:
        """Raise an error unless the user has a service manager.

        :raises AioError:
        """
        self._control('show-environment')

    def start(self) -> None:
        """Write the unit, and start it, or start it again.

        :raises AioError: systemd refuses
        """
        # A unit that cannot be started could not be stopped, either.
        self.require()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(str(self.path), self.text(), 0o644)
        self._control('daemon-reload')
        self._control('enable', self.name)
        self._control('restart', self.name)

    def stop(self) -> None:
        """Stop the unit, if there is one.

        :raises AioError: systemd refuses
        """
        if self.path.exists():
            self._control('stop', self.name, resolution=(
                'Log in as this user itself, not with su or sudo, and repeat '
                'the command. If the user has no service manager any more, '
                'remove %s.' % self.path))

    def remove(self) -> None:
        """Stop the unit, and remove it.

        :raises AioError: systemd refuses
        """
        if self.path.exists():
            self._control('disable', '--now', self.name)
            self.path.unlink(missing_ok=True)
            # Else systemd could still start it.
            self._control('daemon-reload')

    def _control(self, *words: str, resolution: str = '') -> None:
        _run(self._runner, 'systemctl', '--user', *words,
             resolution=resolution)


class Launchd:
    """An agent of the user's launchd, on macOS."""

    def __init__(self, layout: aio_layout.Layout, name: str,
                 runner: process.Runner,
                 home: pathlib.Path | None = None) -> None:
        self._layout = layout
        self._runner = runner
        self.name = 'org.nova-vmrun.node.%s' % name
        self.path = ((home or pathlib.Path.home()) / 'Library' /
                     'LaunchAgents' / (self.name + '.plist'))

    @property
    def hint(self) -> str:
        """What else the operator may want to do."""
        return ('It runs while you are logged in. To see it, run: launchctl '
                'print gui/%d/%s' % (os.geteuid(), self.name))

    def text(self) -> str:
        """Return the content of the agent's property list."""
        return plistlib.dumps({
            'Label': self.name,
            'ProgramArguments': command(self._layout),
            'RunAtLoad': True,
            'KeepAlive': True,
            # Servers are processes that nova-compute has started.
            'AbandonProcessGroup': True,
            # A core dump of a VM contains the memory of its guest.
            'HardResourceLimits': {'Core': 0},
            'ExitTimeOut': 120,
            'StandardOutPath': str(self._layout.log(LOG)),
            'StandardErrorPath': str(self._layout.log(LOG)),
        }).decode()

    @property
    def active(self) -> bool:
        """Whether it runs, or is about to."""
        return self.path.exists() and not _output(
            self._runner, 'launchctl', 'print',
            '%s/%s' % (self._domain, self.name)).exit_code

    def require(self) -> None:
        """Raise an error unless the user has a service manager.

        :raises AioError:
        """
        _run(self._runner, 'launchctl', 'print', self._domain)

    def start(self) -> None:
        """Write the agent, and start it, or start it again.

        :raises AioError: launchd refuses
        """
        self.stop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(str(self.path), self.text(), 0o644)
        _run(self._runner, 'launchctl', 'bootstrap', self._domain,
             str(self.path))

    def stop(self) -> None:
        """Stop the agent, if there is one."""
        if self.path.exists():
            # This fails if it is not loaded.
            self._runner.run('launchctl', 'bootout',
                             '%s/%s' % (self._domain, self.name),
                             timeout=_TIMEOUT)

    def remove(self) -> None:
        """Stop the agent, and remove it."""
        self.stop()
        self.path.unlink(missing_ok=True)

    @property
    def _domain(self) -> str:
        return 'gui/%d' % os.geteuid()


Unit = Systemd | Launchd


def find(layout: aio_layout.Layout, name: str,
         runner: process.Runner | None = None,
         platform: str | None = None) -> Unit:
    """Return the unit of this machine's service manager.

    :param name: of the node
    """
    kind = (Launchd if (platform or system.here().name) == system.MACOS
            else Systemd)
    return kind(layout, name, runner or process.Runner())


def _output(runner: process.Runner, *words: str) -> process.Result:
    """Return what a question to the service manager prints."""
    try:
        return runner.run(*words, timeout=_TIMEOUT)
    except (exception.ToolNotFound, exception.ToolTimeout) as error:
        return process.Result(words, 1, '', error.details)


def _run(runner: process.Runner, *words: str, resolution: str = '') -> None:
    try:
        result = runner.run(*words, timeout=_TIMEOUT)
        details = result.details() if result.exit_code else ''
    except (exception.ToolNotFound, exception.ToolTimeout) as error:
        details = error.details
    if details:
        raise errors.AioError(
            'The service manager did not do "%s".' % shlex.join(words),
            details, resolution or
            'Log in as this user itself, not with su or sudo. If it has no '
            'service manager, run "nova-vmrun node join" with --foreground, '
            'and let something else start it.')
