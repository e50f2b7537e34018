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

"""What the gateway needs before it starts: keys and configuration files."""

import os
import pathlib
import shlex
import sys

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import ssh_config

# The program that takes servers from other nodes, and the one that connects
# this machine with a node.
_RECEIVER = 'nova-vmrun-receive'
_PEER = 'nova_vmrun.cluster.first.peer'


def write(layout: aio_layout.Layout, settings: aio_settings.Settings) -> None:
    """Make the keys that are missing, and write the files that name them.

    The files that say who may log in are made empty; the registry of nodes
    fills them.

    :raises AioError: a program is missing or fails
    """
    sshd.find()
    sshd.prepare()
    files = gateway_files.Files(layout)
    files.folder.mkdir(mode=0o700, exist_ok=True)
    for key in (files.host_key, files.user_ca, files.host_ca, files.move_key):
        keys.make(key)
    _certify(files, settings.host)
    config = sshd.Config(
        port=settings.ports['gateway'],
        addresses=(settings.gateway_address,),
        host_key=files.host_key,
        host_certificate=gateway_files.certificate(files.host_key),
        authorized_keys=files.authorized_keys,
        revoked_keys=files.revoked_keys, forwards=True)
    aio_settings.write_private(files.sshd_config, config.text())
    for path in (files.authorized_keys, files.revoked_keys):
        if not path.exists():
            aio_settings.write_private(path, '')
    write_ssh_config(files.ssh_config, files.known_hosts, files.move_key,
                     keys.public(files.host_ca), shlex.join([
                         sys.executable, '-P', '-m', _PEER, '--state-dir',
                         str(layout.root)]))


def _certify(files: gateway_files.Files, host: str) -> None:
    aio_settings.write_private(
        gateway_files.certificate(files.host_key),
        keys.sign_host(files.host_ca, keys.public(files.host_key), host))
    aio_settings.write_private(
        gateway_files.certificate(files.move_key),
        keys.sign_user(files.user_ca, keys.public(files.move_key), host))


def write_ssh_config(path: pathlib.Path, known_hosts: pathlib.Path,
                     key: pathlib.Path, host_ca: str, connect: str) -> None:
    """Write the file with which ssh reaches other nodes by their names.

    :param path: of the file
    :param key: private key; its certificate lies beside it
    :param host_ca: public key of the CA that signs host keys
    :param connect: command for a shell; it gets a node's name and becomes the
        connection to the node's sshd
    """
    aio_settings.write_private(
        known_hosts, '@cert-authority *%s %s\n' % (keys.DOMAIN, host_ca))
    lines = [
        'Host *%s' % keys.DOMAIN,
        '    ProxyCommand %s %%n' % ssh_config.escape(connect),
        '    IdentityFile %s' % ssh_config.path(key),
        '    CertificateFile %s' % ssh_config.path(
            gateway_files.certificate(key)),
        '    UserKnownHostsFile %s' % ssh_config.path(known_hosts),
        '    GlobalKnownHostsFile none',
        '    IdentitiesOnly yes',
        '    IdentityAgent none',
        '    StrictHostKeyChecking yes',
        '    BatchMode yes',
        '    ServerAliveInterval 15',
        '    LogLevel ERROR',
    ]
    aio_settings.write_private(path, '\n'.join(lines) + '\n')


def migration_address(host: str) -> str:
    """Return what other machines tell ssh to send servers to this one.

    :param host: name of the compute host
    """
    return '%s@%s%s' % (sshd.user(), host.lower(), keys.DOMAIN)


def receiver(instances_path: os.PathLike[str]) -> str:
    """Return the command, for a shell, that takes servers from other nodes.

    :param instances_path: the folder of this machine's servers
    """
    return shlex.join([os.path.join(sys.prefix, 'bin', _RECEIVER),
                       '--instances-path', str(instances_path)])
