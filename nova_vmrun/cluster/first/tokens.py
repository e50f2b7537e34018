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

"""Tokens: make one for a machine that shall become a node."""

import ipaddress
import pathlib
import secrets
import tempfile
import time

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import capacity
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster import names
from nova_vmrun.cluster import token_file


def make(layout: aio_layout.Layout, settings: aio_settings.Settings,
         name: str, minutes: int,
         addresses: list[str] | None = None) -> token_file.Token:
    """Make a token, which replaces an earlier one for the same name.

    :param name: of the node that it makes
    :param minutes: for which it can be used
    :param addresses: at which the node reaches this machine; None: all those
        of this machine
    :raises AioError: there cannot be such a node
    """
    capacity.require_possible(settings, name)
    user = sshd.user()
    if not names.is_user(user):
        raise errors.AioError(
            'No node can log in as the user %r.' % user,
            'Its name has characters that ssh treats specially.',
            'Run the control plane as another user.')
    files = gateway_files.Files(layout)
    with tempfile.TemporaryDirectory(dir=layout.run) as folder:
        key = pathlib.Path(folder) / 'token'
        keys.make(key)
        private, public = key.read_text(), keys.public(key)
    token = token_file.Token(
        name=name, token_id=secrets.token_hex(16), user=user,
        addresses=addresses or own_addresses(settings),
        port=settings.ports['gateway'], host_key=keys.public(files.host_key),
        private_key=private, expires=int(time.time()) + 60 * minutes)
    with registry.change(layout, settings) as known:
        node = known.nodes.setdefault(name, registry.Node(name))
        if node.has_joined:
            raise errors.AioError(
                'There is a node %s already.' % name,
                node.history,
                'To repair it, run "nova-vmrun node join" on it. To replace '
                'it, run "nova-vmrun node leave %s" first.' % name)
        capacity.require(settings, known, name)
        node.token_id, node.token_key = token.token_id, public
        node.expires = token.expires
    return token


def own_addresses(settings: aio_settings.Settings) -> list[str]:
    """Return the addresses at which other machines may reach the gateway."""
    address = settings.gateway_address
    if not ipaddress.ip_address(address).is_unspecified:
        return [address]
    found = []
    for interface in psutil.net_if_addrs().values():
        for each in interface:
            try:
                parsed = ipaddress.ip_address(each.address)
            except ValueError:
                # The address of a network card.
                continue
            if not (parsed.is_loopback or parsed.is_link_local):
                found.append(str(parsed))
    # An address of IPv6 only if the gateway listens on all of them.
    version = ipaddress.ip_address(address).version
    return [each for each in found
            if version == 6 or ipaddress.ip_address(each).version == 4
            ] or [aio_settings.ADDRESS]
