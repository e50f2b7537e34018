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

"""The ssh and scp programs, which move a server's files to another host.

Both log in as the user who runs nova-compute, with a key that needs no
password because nobody could type one. Host names, keys and ports are
configured in that user's ~/.ssh/config.
"""

from typing import Protocol

from nova_vmrun.tools import messages
from nova_vmrun.tools import process

# Seconds to wait for a connection.
_CONNECT_SECONDS = 20
# Exit status of ssh itself, as opposed to that of the remote command.
_NO_CONNECTION = 255
_LET_IN = ('Allow the user who runs nova-compute to log in there with ssh '
           'without a password.')
_SAME_PATH = ('Make sure that [DEFAULT] instances_path is the same there, and '
              'that the user who runs nova-compute can write to it.')


class Options(Protocol):
    """The [vmrun] options that are used here; times are in seconds."""

    scp_path: str
    ssh_path: str
    ssh_timeout: int
    transfer_timeout: int


class Ssh:
    """The ssh and scp programs.

    :param conf: the [vmrun] options
    """

    def __init__(self, runner: process.Runner, conf: Options) -> None:
        self._runner = runner
        self._conf = conf

    def run(self, host: str, script: str) -> str:
        """Run a shell script on another host and return what it prints.

        :param host: its address
        :param script: for a POSIX shell, with all foreign text quoted
        :raises ToolRefused: there is no connection, or the script failed
        """
        result = self._run(
            self._conf.ssh_path, *_options(), '--', host, script,
            timeout=self._conf.ssh_timeout,
            brief='A command on host %s failed.' % host)
        return result.stdout

    def send(self, folder: str, host: str, target: str) -> None:
        """Copy a folder to another host.

        :param folder: path on this host
        :param host: the other host's address
        :param target: path on the other host; it must not exist
        :raises ToolRefused: not everything was copied
        """
        address = '[%s]' % host if ':' in host else host
        self._run(
            self._conf.scp_path, '-q', '-r', *_options(), '--', folder,
            '%s:%s' % (address, target), timeout=self._conf.transfer_timeout,
            brief='Cannot copy the files to host %s.' % host)

    def _run(self, *argv: str, timeout: float, brief: str) -> process.Result:
        result = self._runner.run(*argv, timeout=timeout)
        if result.exit_code != 0:
            lines = (result.stderr.strip() or result.stdout.strip()
                     ).splitlines()
            error = messages.refusal(
                result, '%s: %s' % (brief.rstrip('.'), lines[-1]) if lines
                else brief)
            error.resolution = error.resolution or (
                _LET_IN if result.exit_code == _NO_CONNECTION else _SAME_PATH)
            raise error
        return result


def _options() -> tuple[str, ...]:
    return ('-o', 'BatchMode=yes', '-o',
            'ConnectTimeout=%d' % _CONNECT_SECONDS)
