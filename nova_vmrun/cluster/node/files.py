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

"""Where a node keeps its files, below its state directory."""

from nova_vmrun.aio import layout as aio_layout


class Files:
    """Paths of a node's files.

    :ivar keys: the keys that the node makes: the next three
    :ivar node_key: private key with which it logs in to the first machine
    :ivar move_key: private key with which it sends servers to other nodes
    :ivar host_key: private key by which other nodes recognise it
    :ivar token_key: private key of the token, while the node joins
    :ivar membership: what it knows about its cloud
    :ivar ssh_config: with it the node reaches the first machine
    :ivar token_config: the same with the token's key
    :ivar peers_config: with it the node reaches other nodes
    """

    def __init__(self, layout: aio_layout.Layout) -> None:
        self.folder = layout.node
        self.node_key = self.folder / 'node_key'
        self.move_key = self.folder / 'move_key'
        self.host_key = self.folder / 'host_key'
        self.keys = (self.node_key, self.move_key, self.host_key)
        self.token_key = self.folder / 'token_key'
        self.membership = self.folder / 'node.json'
        self.ssh_config = self.folder / 'ssh_config'
        self.token_config = self.folder / 'token_ssh_config'
        self.known_hosts = self.folder / 'known_hosts'
        self.peers_config = self.folder / 'peers_ssh_config'
        self.peers_known_hosts = self.folder / 'peers_known_hosts'
        self.sshd_config = self.folder / 'sshd_config'
        self.authorized_keys = self.folder / 'authorized_keys'
        self.nova_conf = layout.config_dir('nova') / 'nova.conf'
