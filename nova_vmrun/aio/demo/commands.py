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

"""The openstack command, loaded once for all commands of the demo.

Loading takes most of the time of a short command. So one process loads it,
"python -m nova_vmrun.aio.demo.commands", and forks another for each command.
Where that is not safe, as on macOS, the program itself is run each time.
"""

from collections.abc import Mapping, Sequence
import json
import os
import select
import shutil
import subprocess
import sys
from typing import IO, NoReturn, Protocol

from nova_vmrun import system

PROGRAM = 'openstack'
_MODULE = 'nova_vmrun.aio.demo.commands'
# What a command loads beside the shell, if the cloud is ours.
_MODULES = ('openstackclient.shell', 'openstack.connection',
            'openstackclient.compute.client', 'openstackclient.image.client',
            'openstackclient.network.client', 'openstackclient.compute.v2',
            'openstackclient.compute.v2.server',
            'openstackclient.compute.v2.console')


class Command(Protocol):
    """A command that was started."""

    returncode: int | None

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""

    def kill(self) -> None:
        """End it at once."""


class Commands:
    """Starts commands; use it as a context manager."""

    def __init__(self) -> None:
        self._loader: subprocess.Popen[str] | None = None

    def __enter__(self) -> 'Commands':
        return self

    def __exit__(self, *_error: object) -> None:
        if self._loader is not None:
            _end(self._loader)

    def load(self) -> None:
        """Begin to load what commands need, which takes seconds."""
        if self._loader is None and system.here().forks_safely:
            self._loader = subprocess.Popen(
                [sys.executable, '-P', '-m', _MODULE], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                start_new_session=True)

    def start(self, arguments: Sequence[str],
              environment: Mapping[str, str], output: IO[str]) -> Command:
        """Start the openstack command.

        :param arguments: of the command
        :param environment: all environment variables
        :param output: file for what it prints, which has a name
        """
        if self._loader is None:
            program = (shutil.which(PROGRAM, path=environment.get('PATH'))
                       or os.path.join(sys.prefix, 'bin', PROGRAM))
            return subprocess.Popen(
                [program, *arguments], env=environment, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return _Forked(self._loader, {
            'arguments': list(arguments), 'environment': dict(environment),
            'output': output.name})


class _Forked:
    """A command that a loader has forked.

    :param loader: can run one command at a time
    """

    def __init__(self, loader: subprocess.Popen[str],
                 request: Mapping[str, object]) -> None:
        self.returncode: int | None = None
        self._loader = loader
        assert loader.stdin is not None
        loader.stdin.write(json.dumps(request) + '\n')
        loader.stdin.flush()

    def poll(self) -> int | None:
        stdout = self._loader.stdout
        assert stdout is not None
        if self.returncode is None and select.select([stdout], [], [], 0)[0]:
            # Nothing is left to read if the loader itself died.
            self.returncode = int(stdout.readline() or 1)
        return self.returncode

    def kill(self) -> None:
        _end(self._loader)
        self.returncode = -9


def _end(loader: subprocess.Popen[str]) -> None:
    """End a loader with the command that it runs."""
    if loader.poll() is None:
        os.killpg(loader.pid, 9)
        loader.wait()
    for stream in (loader.stdin, loader.stdout):
        if stream is not None:
            stream.close()


def main() -> None:
    """Run commands until standard input is closed, and print their status."""
    import importlib

    # The command reads its own name when it is loaded.
    sys.argv = [PROGRAM]
    for name in _MODULES:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(**request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(arguments: list[str], environment: dict[str, str],
            output: str) -> NoReturn:
    """Be the openstack command from now on."""
    status = 1
    try:
        from openstackclient import shell

        os.environ.clear()
        os.environ.update(environment)
        with open(os.devnull, 'rb') as nothing, open(output, 'ab') as printed:
            os.dup2(nothing.fileno(), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
        sys.argv = [PROGRAM, *arguments]
        status = shell.main()
    except SystemExit as error:
        status = (error.code if isinstance(error.code, int)
                  else int(error.code is not None))
    finally:
        sys.stdout.flush()
        # It must never return to the loop.
        os._exit(status)


if __name__ == '__main__':
    main()
