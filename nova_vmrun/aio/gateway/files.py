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

"""Where the gateway keeps its files, below the state directory."""

import pathlib

from nova_vmrun.aio import layout as aio_layout


class Files:
    """Paths of the gateway's files.

    :ivar host_key: private key by which nodes recognise this machine
    :ivar user_ca: signs the keys with which nodes send servers to each other
    :ivar host_ca: signs the host keys of the nodes' own sshd
    :ivar move_key: with it this machine sends servers to nodes
    :ivar authorized_keys: who may log in, and what they may do
    :ivar revoked_keys: keys of nodes that have left
    :ivar ssh_config: with it this machine reaches the nodes
    """

    def __init__(self, layout: aio_layout.Layout) -> None:
        self.folder = layout.nodes
        self.host_key = self.folder / 'host_key'
        self.user_ca = self.folder / 'user_ca'
        self.host_ca = self.folder / 'host_ca'
        self.move_key = self.folder / 'move_key'
        self.authorized_keys = self.folder / 'authorized_keys'
        self.revoked_keys = self.folder / 'revoked_keys'
        self.sshd_config = self.folder / 'sshd_config'
        self.ssh_config = self.folder / 'ssh_config'
        self.known_hosts = self.folder / 'known_hosts'
        self.registry = self.folder / 'registry.json'
        self.lock = self.folder / 'lock'


def certificate(key: pathlib.Path) -> pathlib.Path:
    """Return where ssh and sshd look for the certificate of a key."""
    return key.with_name(key.name + '-cert.pub')
