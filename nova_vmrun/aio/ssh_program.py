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


"""The ssh program, with the options that connect to a server."""

from collections.abc import Sequence
import dataclasses
import os
import shlex
import shutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import ssh_config
from nova_vmrun.aio import ssh_route

_NAME = 'ssh'


@dataclasses.dataclass(frozen=True)
class Ssh:
    """How to run ssh.

    :param proxy: words of a command that connects to the address and port
        appended to it; None if the host reaches servers directly
    :param known_hosts: file of the servers' host keys; None for the user's
        own file
    :param identity: file of the user's private key; None to let ssh choose
    """

    proxy: Sequence[str] | None = None
    known_hosts: str | None = None
    identity: str | None = None

    def words(self, route: ssh_route.Route,
              rest: Sequence[str] = ()) -> list[str]:
        """Return the command that logs in to a server.

        :param rest: more options of ssh, and a command for the server
        :raises AioError: ssh cannot use the path of a file
        """
        if route.jump is None:
            proxy = self._first_proxy()
        else:
            jump = [_NAME, *self._options(route.jump), *self._first_proxy()]
            proxy = ['-o', 'ProxyCommand=%s -W \'[%%h]:%%p\' %s' % (
                ssh_config.escape(shlex.join(jump)),
                shlex.quote(route.jump.address))]
        return [_NAME, *self._options(route.target), *proxy,
                route.target.address, *rest]

    def _first_proxy(self) -> list[str]:
        if self.proxy is None:
            return []
        return ['-o', 'ProxyCommand=' + ssh_config.proxied(self.proxy)]

    def _options(self, hop: ssh_route.Hop) -> list[str]:
        options = ['-o', 'HostKeyAlias=' + hop.host_key]
        if self.known_hosts:
            options += ['-o', 'UserKnownHostsFile=%s'
                        % ssh_config.path(self.known_hosts),
                        '-o', 'StrictHostKeyChecking=accept-new']
        if self.identity:
            # A path after -i has to be there both with and without escapes.
            options += ['-o', 'IdentityFile=%s'
                        % ssh_config.path(self.identity),
                        '-o', 'IdentitiesOnly=yes']
        return [*options, '-l', hop.user]


def replace_process(words: Sequence[str]) -> None:
    """Run a command in place of this process.

    :raises AioError: the program is not installed
    """
    program = shutil.which(words[0])
    if program is None:
        raise errors.AioError(
            '%s is not installed.' % words[0], '',
            'Install it: apt-get install openssh-client.')
    os.execv(program, list(words))
