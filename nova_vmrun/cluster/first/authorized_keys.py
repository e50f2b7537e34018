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

"""Who may log in to the gateway, and what each of them may do there."""

from collections.abc import Iterable
import shlex
import sys
import time

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import setup
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import node as first_node

_GATE = 'nova_vmrun.cluster.first.gate'
# What nodes never need: servers of the first machine are opened there, and
# Erlang's ports are for RabbitMQ's own programs.
_PRIVATE = {'novncproxy', 'serialproxy', 'horizon', 'gateway', 'erlang',
            'epmd'}


def text(layout: aio_layout.Layout, settings: aio_settings.Settings,
         nodes: Iterable[first_node.Node]) -> str:
    """Return the content of the gateway's authorized_keys.

    A token's line may only become a node, and only for a time. A node's line
    forwards its own ports and those of the services. With a certificate, nodes
    send servers.
    """
    lines = []
    for node in nodes:
        if node.token_key:
            lines.append(sshd.authorized(
                node.token_key,
                'expiry-time="%s"' % time.strftime(
                    '%Y%m%d%H%M%S', time.localtime(node.expires)),
                command=_gate(layout, '--token', node.token_id)))
        if node.node_key:
            lines.append(sshd.authorized(
                node.node_key, 'port-forwarding',
                *('permitopen="%s:%d"' % (aio_settings.ADDRESS, port)
                  for port in service_ports(settings).values()),
                *('permitlisten="%s:%d"' % (aio_settings.ADDRESS, port)
                  for port in node.ports.all),
                command=_gate(layout, '--node', node.name)))
    user_ca = gateway_files.Files(layout).user_ca
    lines.append(sshd.authorized(
        keys.public(user_ca), 'principals="%s"' % keys.MOVE,
        command=setup.receiver(layout.instances), authority=True))
    return ''.join(lines)


def service_ports(settings: aio_settings.Settings) -> dict[str, int]:
    """Return the ports of the services that nodes need, by name."""
    return {name: settings.ports[name] for name in settings.listeners
            if name not in _PRIVATE}


def _gate(layout: aio_layout.Layout, *words: str) -> str:
    return shlex.join(_gate_words(layout, *words))


def _gate_words(layout: aio_layout.Layout, *words: str) -> list[str]:
    return [sys.executable, '-P', '-m', _GATE, '--state-dir',
            str(layout.root), *words]


def gate_texts(layout: aio_layout.Layout, *words: str) -> set[str]:
    """Return how command lines end that run the gate: a shell's, and its own.

    :param words: which say for whom it runs
    """
    return {_gate(layout, *words), ' '.join(_gate_words(layout, *words))}
