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

"""ssh and scp, for the files of servers that move to another host.

Both log in as the user who runs nova-compute, by a key without a password:
nobody is there to type one. Names of hosts, keys and ports of each host are
left to that user's ~/.ssh/config.
"""

from nova_vmrun.tools import messages

# Seconds until a host that does not answer is given up.
_CONNECT_SECONDS = 20
# Exit status of ssh where it is not that of the command.
_NO_CONNECTION = 255
_LET_IN = ('Let the user who runs nova-compute log in there by ssh without a '
           'password.')
_SAME_PATH = ('See that [DEFAULT] instances_path is the same there, and that '
              'the user who runs nova-compute can write to it.')


class Ssh:
    """The ssh and scp programs.

    :param runner: a nova_vmrun.tools.process.Runner
    :param conf: the [vmrun] options
    """

    def __init__(self, runner, conf):
        self._runner = runner
        self._conf = conf

    def run(self, host, script):
        """Runs a script of the POSIX shell on another host.

        :param host: its address
        :param script: text; whatever is not ours in it is quoted
        :returns: what it printed
        :raises ToolRefused: no connection, or the script failed
        """
        result = self._run(
            self._conf.ssh_path, *_options(), '--', host, script,
            timeout=self._conf.ssh_timeout,
            brief='A command on host %s failed.' % host)
        return result.stdout

    def send(self, folder, host, target):
        """Copies a folder to another host.

        :param folder: its path here
        :param host: the other host's address
        :param target: its path there, which does not exist
        :raises ToolRefused: it was not copied, or not all of it
        """
        address = '[%s]' % host if ':' in host else host
        self._run(
            self._conf.scp_path, '-q', '-r', *_options(), '--', folder,
            '%s:%s' % (address, target), timeout=self._conf.transfer_timeout,
            brief='The files cannot be copied to host %s.' % host)

    def _run(self, *argv, timeout, brief):
        result = self._runner.run(*argv, timeout=timeout)
        if result.exit_code != 0:
            said = (result.stderr.strip() or result.stdout.strip()
                    ).splitlines()
            error = messages.refusal(
                result, '%s: %s' % (brief.rstrip('.'), said[-1]) if said
                else brief)
            error.resolution = error.resolution or (
                _LET_IN if result.exit_code == _NO_CONNECTION else _SAME_PATH)
            raise error
        return result


def _options():
    return ('-o', 'BatchMode=yes', '-o',
            'ConnectTimeout=%d' % _CONNECT_SECONDS)
