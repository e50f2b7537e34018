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

"""The files of ssh with which a node reaches the first machine and others."""

from collections.abc import Sequence
import pathlib
import shlex

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import setup
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import ssh_config
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import membership as node_membership
from nova_vmrun.cluster import token_file

#: The first machine, as ssh's files name it: for requests, and for ports.
FIRST, TUNNEL = 'first', 'tunnel'
_ALIAS = 'nova-vmrun-first'
# Seconds.
_CONNECT = 20


def write_token(files: node_files.Files, token: token_file.Token,
                address: str) -> None:
    """Write how ssh reaches the first machine with the key of a token.

    :param address: of the first machine
    """
    aio_settings.write_private(
        files.known_hosts, '%s %s\n' % (_ALIAS, token.host_key))
    aio_settings.write_private(files.token_key, token.private_key)
    aio_settings.write_private(files.token_config, _text(FIRST, _options(
        files, files.token_key, token.user, address, token.port)))


def write_own(files: node_files.Files, token: token_file.Token,
              address: str) -> None:
    """Write how ssh reaches the first machine with the key of the node.

    This is for a node that does not know yet which ports to forward.

    :param address: of the first machine
    """
    aio_settings.write_private(files.ssh_config, _text(FIRST, _options(
        files, files.node_key, token.user, address, token.port)))


def write_tunnel(files: node_files.Files,
                 member: node_membership.Membership, address: str) -> None:
    """Write how ssh reaches the first machine, and which ports it carries.

    :param address: of the first machine
    """
    forwards = [
        'ExitOnForwardFailure yes',
        *('LocalForward %s:%d %s:%d' % (
            aio_settings.ADDRESS, port, aio_settings.ADDRESS, port)
          for port in member.services.values()),
        *('RemoteForward %s:%d %s:%d' % (
            aio_settings.ADDRESS, port, aio_settings.ADDRESS, port)
          for port in member.ports.all)]
    options = _options(files, files.node_key, member.user, address,
                       member.port)
    aio_settings.write_private(
        files.ssh_config, _text(FIRST, options) +
        _text(TUNNEL, [*options, *forwards]))


def _options(files: node_files.Files, key: pathlib.Path, user: str,
             address: str, port: int) -> list[str]:
    return [
        'HostName %s' % address,
        'User %s' % user,
        'Port %d' % port,
        'IdentityFile %s' % ssh_config.path(key),
        'IdentitiesOnly yes',
        'IdentityAgent none',
        'HostKeyAlias %s' % _ALIAS,
        'HostKeyAlgorithms ssh-ed25519',
        'UserKnownHostsFile %s' % ssh_config.path(files.known_hosts),
        'GlobalKnownHostsFile none',
        'StrictHostKeyChecking yes',
        'UpdateHostKeys no',
        'CheckHostIP no',
        'BatchMode yes',
        'ConnectTimeout %d' % _CONNECT,
        'ServerAliveInterval 10',
        'ServerAliveCountMax 3',
        'TCPKeepAlive yes',
        'LogLevel ERROR',
    ]


def _text(host: str, options: Sequence[str]) -> str:
    return 'Host %s\n%s' % (host, ''.join(
        '    %s\n' % option for option in options))


def command(config: pathlib.Path, host: str, *rest: str) -> list[str]:
    """Return the command that connects with the first machine.

    :param config: file of ssh
    :param host: FIRST or TUNNEL
    """
    return ['ssh', '-F', str(config), '-T', *rest, host]


def write_peers(layout: aio_layout.Layout, files: node_files.Files,
                member: node_membership.Membership,
                welcome: messages.Welcome) -> None:
    """Write the files by which this node and others send each other servers.

    :raises AioError: a file cannot be written
    """
    aio_settings.write_private(gateway_files.certificate(files.move_key),
                               welcome.move_certificate)
    aio_settings.write_private(gateway_files.certificate(files.host_key),
                               welcome.host_certificate)
    setup.write_ssh_config(
        files.peers_config, files.peers_known_hosts, files.move_key,
        welcome.host_ca, shlex.join([
            *command(files.ssh_config, FIRST), messages.Verb.PEER]))
    aio_settings.write_private(files.authorized_keys, sshd.authorized(
        welcome.user_ca, 'principals="%s"' % keys.MOVE,
        command=setup.receiver(layout.instances), authority=True))
    aio_settings.write_private(files.sshd_config, sshd.Config(
        port=member.ports.ssh, addresses=(aio_settings.ADDRESS,),
        host_key=files.host_key,
        host_certificate=gateway_files.certificate(files.host_key),
        authorized_keys=files.authorized_keys).text())
