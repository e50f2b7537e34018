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

"""What a node and the first machine say to each other.

A node runs ``ssh`` with a verb and at most one word after it. The answer is
one line of JSON: a result, or an error in the three parts of ours.
"""

import base64
import binascii
import dataclasses
import enum
import json
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from nova_vmrun.cluster import names
from nova_vmrun.cluster import values
from nova_vmrun import exception

# Changes when machines of two releases would not understand each other.
PROTOCOL = 2
# Bytes of a request.
_LARGEST = 16 * 1024
_PARTS = ('brief', 'details', 'resolution')


class Verb(enum.StrEnum):
    """What a node asks for."""

    #: to be let in, with the keys and versions that it has
    JOIN = 'join'
    #: whether Nova and Placement know it
    STATE = 'state'
    #: to be used again after an operator has said that it was off
    RETURN = 'return'
    #: to be forgotten
    LEAVE = 'leave'
    #: to be connected with another node's sshd
    PEER = 'peer'


@dataclasses.dataclass(frozen=True)
class Join:
    """What a node says of itself when it joins.

    :ivar clock: seconds since 1970
    :ivar user: who runs nova-compute there
    :ivar node_key: public key of its tunnel
    :ivar move_key: public key with which it sends servers to others
    :ivar host_key: public key of its own sshd
    """

    nova: str
    nova_vmrun: str
    clock: int
    user: str
    node_key: str
    move_key: str
    host_key: str
    protocol: int = PROTOCOL

    def word(self) -> str:
        """Return it as a word of a command."""
        return base64.urlsafe_b64encode(
            json.dumps(dataclasses.asdict(self)).encode()).decode()


def read_join(word: str) -> Join:
    """Read what a node says of itself; it may be hostile.

    :raises Invalid: it is malformed
    """
    if len(word) > _LARGEST:
        raise values.Invalid('It is too long.')
    try:
        found = values.parse(base64.b64decode(
            word, altchars=b'-_', validate=True))
    except (binascii.Error, ValueError):
        raise values.Invalid('It is not base64.') from None
    join = Join(
        protocol=values.number(found, 'protocol'),
        nova=values.line(found, 'nova'),
        nova_vmrun=values.line(found, 'nova_vmrun'),
        clock=values.number(found, 'clock'),
        user=values.line(found, 'user'),
        node_key=values.line(found, 'node_key'),
        move_key=values.line(found, 'move_key'),
        host_key=values.line(found, 'host_key'))
    for key in (join.node_key, join.move_key, join.host_key):
        if not keys.is_public(key):
            raise values.Invalid('A public key is malformed.')
    if not names.is_user(join.user):
        raise values.Invalid('The user %.40r has characters that ssh treats '
                             'specially.' % join.user)
    return join


@dataclasses.dataclass(frozen=True)
class Welcome:
    """What the first machine tells a node that it lets in.

    :ivar name: of the node
    :ivar first_host: name of the first machine's compute host
    :ivar first_port: of the node's own ports
    :ivar services: TCP port of each service of the first machine
    :ivar proxies: TCP port of each console proxy of the first machine
    :ivar listen: address at which other machines reach the services, or ''
    :ivar ca: certificate authority of the services there; '' without TLS
    :ivar transport_url: of the message bus, as the node reaches it
    :ivar messaging: options of [oslo_messaging_rabbit]
    :ivar user: the node's own user in Keystone
    :ivar password: of that user
    :ivar region: in Keystone's catalog
    :ivar vmnet: the VMware network of the first machine's servers
    :ivar user_ca: public key that signs the keys of nodes
    :ivar host_ca: public key that signs the host keys of nodes
    :ivar move_certificate: for the node's move_key
    :ivar host_certificate: for the node's host_key
    :ivar volumes: whether the cloud has Cinder
    """

    name: str
    first_host: str
    first_port: int
    services: dict[str, int]
    proxies: dict[str, int]
    listen: str
    ca: str
    transport_url: str = dataclasses.field(repr=False)
    messaging: dict[str, str]
    user: str
    password: str = dataclasses.field(repr=False)
    region: str
    vmnet: str
    user_ca: str
    host_ca: str
    move_certificate: str
    host_certificate: str
    volumes: bool


def read_welcome(found: dict[str, Any]) -> Welcome:
    """Read what the first machine tells a new node.

    :raises Invalid: it is malformed
    """
    welcome = Welcome(
        services=_ports(found, 'services'),
        proxies=_ports(found, 'proxies'),
        messaging=_options(found, 'messaging'),
        first_port=values.port(found, 'first_port'),
        volumes=values.boolean(found, 'volumes'),
        **{name: values.line(found, name) for name in (
            'name', 'first_host', 'transport_url', 'user', 'password',
            'region', 'vmnet', 'user_ca', 'host_ca', 'listen')},
        **{name: values.string(found, name) for name in (
            'move_certificate', 'host_certificate', 'ca')})
    names.check(welcome.name)
    return welcome


def _ports(found: dict[str, Any], name: str) -> dict[str, int]:
    ports = found.get(name)
    if not isinstance(ports, dict):
        raise values.Invalid('"%s" is missing.' % name)
    return {values.line({'name': each}, 'name'): values.port(ports, each)
            for each in ports}


def _options(found: dict[str, Any], name: str) -> dict[str, str]:
    options = found.get(name)
    if not isinstance(options, dict):
        raise values.Invalid('"%s" is missing.' % name)
    return {option: values.line(options, option) for option in options}


@dataclasses.dataclass(frozen=True)
class State:
    """What Nova and Placement know about a node.

    :ivar up: whether its nova-compute reports
    :ivar listed: whether Nova's scheduler may see its hypervisor
    :ivar inventory: whether its resources are in Placement
    :ivar fenced: whether an operator has said that it is off
    :ivar reported: seconds since its last report by the first machine's
        clock, or -1 if it has never reported
    """

    up: bool
    listed: bool
    inventory: bool
    fenced: bool
    reported: int

    @property
    def ready(self) -> bool:
        """Whether servers can be started on it, once it is not fenced."""
        return self.listed and self.inventory and (self.up or self.fenced)


def read_state(found: dict[str, Any]) -> State:
    """Read the answer to STATE.

    :raises Invalid: it is malformed
    """
    return State(**{name: values.boolean(found, name) for name in (
        'up', 'listed', 'inventory', 'fenced')},
        reported=values.number(found, 'reported', -1))


def success(result: dict[str, Any]) -> str:
    """Return the line that answers a request."""
    return json.dumps({'result': result})


class KeysUsed(errors.AioError):
    """A node has keys of another, or of one that has left."""


def failure(error: exception.VmrunError) -> str:
    """Return the line that refuses a request."""
    return json.dumps({'error': dict(
        {part: getattr(error, part) for part in _PARTS},
        keys_used=isinstance(error, KeysUsed))})


def read_answer(text: str) -> dict[str, Any]:
    """Return the result in an answer.

    :param text: what ssh printed
    :raises KeysUsed: it is that error
    :raises AioError: it is another error
    :raises Invalid: it is malformed
    """
    # A login shell may have printed something first.
    lines = text.strip().splitlines()
    found = values.parse(lines[-1] if lines else '')
    error = found.get('error')
    if isinstance(error, dict):
        brief, details, resolution = (values.string(error, part)
                                      for part in _PARTS)
        kind = KeysUsed if error.get('keys_used') is True else errors.AioError
        raise kind(brief, details, resolution)
    result = found.get('result')
    if not isinstance(result, dict):
        raise values.Invalid('It has neither a result nor an error.')
    return result
