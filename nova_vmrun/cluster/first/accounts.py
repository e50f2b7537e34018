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

"""What a node logs in with: one user of the bus and one of Keystone.

Each node has its own, so that a single one can be thrown out. The rights on
the bus are those that oslo.messaging needs: a node cannot read requests to
other hosts by their queues, nor what is sent to all schedulers. It may send to
every queue, because replies go through the exchange that reaches all of them,
and RabbitMQ cannot tell a reply from a request.

That does not hold off a node that is broken into. The queues of replies, and
those of broadcasts to nova-compute, have random names, so a node may read and
delete all of them, and each request tells its receiver the name of the queue
for the reply. And a node may delete Nova's exchanges, and make others in their
place, because who may declare an exchange may do that, and oslo.messaging
declares each before it is used.
"""

import base64
from collections.abc import Mapping
import dataclasses
import hashlib
import json
import re
import secrets
from typing import cast, TYPE_CHECKING

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import client
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio.services import nova
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import capacity

if TYPE_CHECKING:
    from openstack.identity.v3 import _proxy

_PREFIX = 'node-'
_PROJECT = 'service'
_ROLE = 'service'
# Cinder shows a service only the volumes of its own project, and nova-compute
# looks after those of its servers.
_ROLE_FOR_VOLUMES = 'admin'
_VIRTUAL_HOST = '/'
_ALL = '.*'
# The exchange of Nova's requests.
_EXCHANGE = 'nova'
_TOPICS = 'compute(-alt)?'
# How oslo.messaging ends the names of queues that only one process knows.
_RANDOM = '[0-9a-f]{32}'


@dataclasses.dataclass(frozen=True)
class Account:
    """How the nova-compute of a node logs in.

    :ivar transport_url: reaches the bus at the address that the first machine
        itself uses
    :ivar messaging: options of [oslo_messaging_rabbit]; queues exist with
        these, so a node that has others is refused
    """

    transport_url: str = dataclasses.field(repr=False)
    messaging: Mapping[str, str]
    keystone_user: str
    keystone_password: str = dataclasses.field(repr=False)


def create(layout: aio_layout.Layout, settings: aio_settings.Settings,
           name: str) -> Account:
    """Make the users of a node, or give them new passwords and rights.

    With a bus that is not ours, users cannot be made on it. The node then
    shares the control plane's.

    :param name: of the node, which is that of its compute host
    :raises AioError: there cannot be such a node, or a service does not answer
    """
    capacity.require_possible(settings, name)
    if settings.bus == aio_settings.OWN_BUS:
        user, password = _PREFIX + name, secrets.token_urlsafe(24)
        _set_bus_user(layout, settings, name, password)
        url = aio_settings.bus_url(settings, user, password)
    else:
        url = settings.bus
    keystone_password = secrets.token_urlsafe(24)
    with client.explained(layout):
        _set_keystone_user(
            _identity(layout, settings), _PREFIX + name, keystone_password,
            {_ROLE: True, _ROLE_FOR_VOLUMES: settings.volumes})
    return Account(
        url,
        {option: str(value) for option, value
         in nova.messaging()['oslo_messaging_rabbit'].items()},
        _PREFIX + name, keystone_password)


def remove(layout: aio_layout.Layout, settings: aio_settings.Settings,
           name: str) -> None:
    """Remove the users of a node, and what waits on the bus for it.

    Connections of the node are closed. That a user is missing is no error.

    :raises AioError: there cannot be such a node, or a service does not answer
    """
    capacity.require_possible(settings, name)
    with client.explained(layout):
        identity = _identity(layout, settings)
        user = identity.find_user(_PREFIX + name)
        if user is not None:
            identity.delete_user(user)
    if settings.bus != aio_settings.OWN_BUS:
        return
    user_name = _PREFIX + name
    if user_name in _bus_users(layout, settings):
        # RabbitMQ closes the user's connections, too.
        broker.control(layout, settings, 'delete_user', user_name)
    queues = broker.control(layout, settings, 'list_queues', 'name').split()
    for topic in ('compute', 'compute-alt'):
        queue = '%s.%s' % (topic, name)
        if queue in queues:
            broker.control(layout, settings, 'delete_queue', queue)


def _bus_users(layout: aio_layout.Layout,
               settings: aio_settings.Settings) -> set[str]:
    lines = broker.control(layout, settings, 'list_users').splitlines()
    return {line.split('\t')[0] for line in lines}


def _set_bus_user(layout: aio_layout.Layout, settings: aio_settings.Settings,
                  name: str, password: str) -> None:
    """Make or change a user and its rights.

    One command for all of it, since each takes two seconds of a processor.
    """
    user, rights = _PREFIX + name, permissions(name)
    broker.control(
        layout, settings, 'import_definitions', text=json.dumps({
            'users': [{
                'name': user, 'tags': '',
                'hashing_algorithm': 'rabbit_password_hashing_sha256',
                'password_hash': _hashed(password)}],
            'permissions': [{
                'user': user, 'vhost': _VIRTUAL_HOST,
                'configure': rights.configure, 'write': rights.write,
                'read': rights.read}],
            'topic_permissions': [{
                'user': user, 'vhost': _VIRTUAL_HOST, 'exchange': _EXCHANGE,
                'write': _ALL, 'read': rights.bind}]}))


def _hashed(password: str) -> str:
    """Return a password as RabbitMQ stores it."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(
        salt + password.encode()).digest()).decode()


@dataclasses.dataclass(frozen=True)
class Permissions:
    """Patterns of names on the bus that a user may work with.

    :ivar configure: queues and exchanges to declare
    :ivar write: exchanges to send to, and queues to bind
    :ivar read: queues to consume, and exchanges to bind queues to
    :ivar bind: routing keys for which to bind queues to Nova's exchange
    """

    configure: str
    write: str
    read: str
    bind: str


def permissions(name: str) -> Permissions:
    """Return what the nova-compute of a node needs on the bus.

    :param name: of the node
    """
    own = re.escape(name)
    queues = (r'%s(\.%s)?' % (_TOPICS, own), '%s_fanout_%s' % (
        _TOPICS, _RANDOM), 'reply_' + _RANDOM)
    # oslo.messaging declares an exchange before it sends to it.
    fanouts = '(%s|scheduler)_fanout' % _TOPICS
    return Permissions(
        configure=_any_of(_EXCHANGE, fanouts, *queues),
        # Replies go through the default exchange.
        write=_any_of(_EXCHANGE, fanouts, r'amq\.default', *queues),
        # Broadcasts to the schedulers describe the servers of all hosts.
        read=_any_of(_EXCHANGE, _TOPICS + '_fanout', *queues),
        bind=_any_of(queues[0]))


def _any_of(*patterns: str) -> str:
    return '^(%s)$' % '|'.join(patterns)


def _identity(layout: aio_layout.Layout,
              settings: aio_settings.Settings) -> '_proxy.Proxy':
    cloud = client.connect(settings, aio_settings.passwords(layout))
    # The SDK's type allows for an older version of the API, too.
    return cast('_proxy.Proxy', cloud.identity)


def _set_keystone_user(identity: '_proxy.Proxy', name: str, password: str,
                       roles: Mapping[str, bool]) -> None:
    """Make or change a user.

    :param roles: whether the user has them, by their names
    """
    user = identity.find_user(name)
    if user is None:
        user = identity.create_user(name=name, password=password,
                                    domain_id='default')
    else:
        identity.update_user(user, password=password, is_enabled=True)
    project = identity.find_project(_PROJECT, ignore_missing=False)
    for name, wanted in roles.items():
        role = identity.find_role(name, ignore_missing=False)
        if wanted:
            identity.assign_project_role_to_user(project, user, role)
        else:
            # That the user does not have it is no error.
            identity.unassign_project_role_from_user(project, user, role)
