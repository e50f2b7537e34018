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

"""The sshd program: where it is, and a configuration that allows little."""

from collections.abc import Sequence
import dataclasses
import os
import pathlib
import pwd
import shutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import ssh_config

_FOLDERS = ('/usr/sbin', '/sbin', '/usr/local/sbin', '/opt/homebrew/sbin')
# Where sshd of root confines the process that talks to strangers.
_PRIVILEGE_SEPARATION = pathlib.Path('/run/sshd')


@dataclasses.dataclass(frozen=True)
class Config:
    """How one sshd is set up.

    :ivar addresses: on which it listens; none: on all
    :ivar host_key: private key; its certificate lies beside it
    :ivar authorized_keys: file of the keys that may log in
    :ivar revoked_keys: file of the keys that may not, or None
    :ivar forwards: whether ports may be forwarded, as far as
        authorized_keys allows
    """

    port: int
    addresses: Sequence[str]
    host_key: pathlib.Path
    host_certificate: pathlib.Path
    authorized_keys: pathlib.Path
    revoked_keys: pathlib.Path | None = None
    forwards: bool = False

    def text(self) -> str:
        """Return the content of sshd_config."""
        lines = ['Port %d' % self.port]
        lines += ['ListenAddress %s' % each for each in self.addresses]
        lines += [
            'HostKey "%s"' % self.host_key,
            'HostCertificate "%s"' % self.host_certificate,
            'AuthorizedKeysFile %s' % ssh_config.path(self.authorized_keys),
            # All files lie in a folder that only this user can enter, but
            # that folder may lie in one like /tmp.
            'StrictModes no',
            'PidFile none',
            'AllowUsers %s' % user(),
            'AuthenticationMethods publickey',
            'PasswordAuthentication no',
            'KbdInteractiveAuthentication no',
            'PermitRootLogin forced-commands-only',
            'UsePAM no',
            'PermitTTY no',
            'PermitUserEnvironment no',
            'PermitUserRC no',
            'X11Forwarding no',
            'AllowAgentForwarding no',
            'AllowStreamLocalForwarding no',
            'AllowTcpForwarding %s' % ('yes' if self.forwards else 'no'),
            'GatewayPorts no',
            'PermitTunnel no',
            'PrintMotd no',
            'UseDNS no',
            # A node that is gone leaves its ports within a minute.
            'ClientAliveInterval 15',
            'ClientAliveCountMax 3',
            # Several servers may move at the same time.
            'MaxStartups 50:30:100',
            'LogLevel VERBOSE',
        ]
        if self.revoked_keys:
            lines.append('RevokedKeys "%s"' % self.revoked_keys)
        return '\n'.join(lines) + '\n'


def user() -> str:
    """Return the name of the user whom our sshd lets in: this one."""
    return pwd.getpwuid(os.geteuid()).pw_name


def find() -> str:
    """Return the path of sshd.

    :raises AioError: it is not installed
    """
    path = shutil.which('sshd', path=os.pathsep.join(
        [os.environ.get('PATH', os.defpath), *_FOLDERS]))
    if path is None:
        raise errors.AioError(
            'sshd is missing.', 'Machines of one cloud are connected by it.',
            'Install it: apt-get install openssh-server. Its system service '
            'is not needed.')
    return path


def prepare() -> None:
    """Make the folder that sshd needs if it runs as root.

    :raises AioError: it cannot be made
    """
    if os.geteuid() != 0:
        return
    try:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise errors.AioError(
            '%s cannot be made.' % _PRIVILEGE_SEPARATION,
            '%s.' % (error.strerror or error),
            'sshd needs it. Run the cloud as an ordinary user, or make it.'
        ) from error


def command(config: pathlib.Path) -> list[str]:
    """Return the words that run sshd until it is ended.

    :param config: its sshd_config
    :raises AioError: it is not installed
    """
    return [find(), '-D', '-e', '-f', str(config)]


def authorized(key: str, *options: str, command: str = '',
               authority: bool = False) -> str:
    """Return a line of authorized_keys that allows what its options say.

    :param key: the public key
    :param options: what is allowed, such as port-forwarding
    :param command: for a shell; the only one that may run
    :param authority: whether the key is not a user's but a CA's
    """
    words = ['cert-authority'] if authority else []
    words += ['restrict', *options]
    if command:
        words.append('command="%s"' % command.replace('"', '\\"'))
    return '%s %s\n' % (','.join(words), key)
