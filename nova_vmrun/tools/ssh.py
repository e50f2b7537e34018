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

"""The ssh program, which runs nova-vmrun-receive on another host.

It logs in as the user who runs nova-compute, with a key that needs no
password because nobody could type one. Host names, keys and ports are
configured in that user's ~/.ssh/config, or in the file of [vmrun] ssh_config.
"""

from collections.abc import Callable
import re
from typing import BinaryIO
from typing import Protocol

from nova_vmrun import exception
from nova_vmrun.tools import messages
from nova_vmrun.tools import process

# Seconds to wait for a connection.
_CONNECT_SECONDS = 20
# Exit status of ssh itself, as opposed to that of the remote command.
_NO_CONNECTION = 255
# Exit status of a shell that does not find a command.
_NO_PROGRAM = 127
# An address comes from the other host, through Nova's database.
_ADDRESS = re.compile('([a-z_][a-z0-9_.-]{0,31}@)?'
                      '[A-Za-z0-9][A-Za-z0-9.:%_-]{0,253}')
_LET_IN = ('Allow the user who runs nova-compute to log in there with ssh '
           'without a password.')


class Options(Protocol):
    """The [vmrun] options that are used here; times are in seconds."""

    ssh_config: str | None
    ssh_path: str
    ssh_timeout: int
    transfer_timeout: int


class Ssh:
    """The ssh program.

    :param conf: the [vmrun] options
    """

    def __init__(self, runner: process.Runner, conf: Options) -> None:
        self._runner = runner
        self._conf = conf

    def run(self, host: str, program: str, *words: str,
            feed: Callable[[BinaryIO], None] | None = None
            ) -> process.Result:
        """Run a program on another host, and return what it printed.

        Its exit status may be any but those of ssh and of a missing program.

        :param host: its address
        :param words: arguments that mean nothing to a shell
        :param feed: writes the standard input of the program. Then the time
            limit is that of a transfer.
        :raises ToolRefused: there is no connection, or no such program
        :raises OSError: feed has raised it
        """
        if not _ADDRESS.fullmatch(host):
            raise exception.InvalidConfiguration(
                'Servers cannot be moved to the address %.60r.' % host,
                'It is not that of a host.',
                'Correct [vmrun] migration_address of that host.')
        timeout = (self._conf.ssh_timeout if feed is None
                   else self._conf.transfer_timeout)
        result = self._runner.run(
            self._conf.ssh_path, *self._options(), '--', host, program,
            *words, timeout=timeout, feed=feed)
        if result.exit_code == _NO_CONNECTION:
            raise _refused(result, 'Cannot reach host %s.' % host, _LET_IN)
        if result.exit_code == _NO_PROGRAM:
            raise _refused(
                result, 'Host %s has no program %s.' % (host, program),
                'Install nova-vmrun there where the login shell finds it, or '
                'name its path in authorized_keys: '
                'restrict,command="/.../%s" ssh-...' % program)
        return result

    def _options(self) -> list[str]:
        file = self._conf.ssh_config
        return [*(['-F', file] if file else []), '-o', 'BatchMode=yes', '-o',
                'ConnectTimeout=%d' % _CONNECT_SECONDS]


def _refused(result: process.Result, brief: str,
             resolution: str) -> exception.VmrunError:
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    error = messages.refusal(
        result, '%s: %s' % (brief.rstrip('.'), lines[-1]) if lines else brief)
    error.resolution = resolution
    return error
