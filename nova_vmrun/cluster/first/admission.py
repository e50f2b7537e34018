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

"""Let a machine in as a node, or repair one that is in."""

import time

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import accounts
from nova_vmrun.cluster.first import authorized_keys
from nova_vmrun.cluster.first import capacity
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster import messages
from nova_vmrun.cluster import versions

# Seconds that two clocks may differ. Nova considers a node down after 60.
_CLOCK = 20
_NEW_TOKEN = ('Make a new token on the first machine with "nova-vmrun node '
              'token".')


class Admission:
    """The first machine's decision about a node, and what follows from it."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings

    def admit(self, join: messages.Join, token_id: str | None,
              name: str | None, address: str) -> messages.Welcome:
        """Let a node in. Repeating it gives the node new passwords.

        :param join: what the node says of itself
        :param token_id: ID of the token that it has, or None. A token works
            until its node has joined; from then on, the node's own key does
        :param name: of the node, if it has joined before and has no token
        :param address: from which it comes
        :raises AioError: it does not fit this cloud, its token is used, or
            it is leaving
        """
        _check_protocol(join)
        versions.check(join.nova, join.nova_vmrun)
        _check_clock(join.clock)
        with registry.change(self._layout, self._settings) as known:
            node = (known.by_token(token_id) if token_id
                    else known.node(str(name)))
            if node is None:
                raise errors.AioError(
                    'The token is not valid any more.',
                    'A later one was made, or its node has left.', _NEW_TOKEN)
            if node.leaving:
                raise _leaving(node.name)
            if node.node_key and node.node_key != join.node_key:
                raise errors.AioError(
                    'The token for node %s has been used by another machine.'
                    % node.name, node.history,
                    'If that is not your doing, run "nova-vmrun node leave '
                    '%s" on the first machine. %s' % (node.name, _NEW_TOKEN))
            if node.node_key and token_id:
                # The public key, which it names, is no proof.
                raise errors.AioError(
                    'The token for node %s has been used.' % node.name,
                    '%s From then on, its own key counts, and that was not '
                    'let in.' % node.history,
                    'If "nova-vmrun node list" on the first machine shows the '
                    'node, repeat "nova-vmrun aio up" there. If that does not '
                    'help, run "nova-vmrun node leave %s" there. %s' % (
                        node.name, _NEW_TOKEN))
            capacity.require(self._settings, known, node.name)
            self._check_keys(known, node, join)
            node.first_port = (node.first_port
                               or known.free_range().first)
            known.replace_move_key(node, join.move_key)
            node.node_key = join.node_key
            node.host_key, node.user = join.host_key, join.user
            node.nova, node.nova_vmrun = join.nova, join.nova_vmrun
            node.address, node.joined = address, int(time.time())
        return self._welcome(node)

    def _check_keys(self, known: registry.Registry, node: registry.Node,
                    join: messages.Join) -> None:
        """Raise an error if another node has one of the keys.

        The gateway tells nodes by their keys. With a token, the node makes new
        ones then.
        """
        files = gateway_files.Files(self._layout)
        taken = {keys.public(key) for key in (
            files.host_key, files.move_key, files.user_ca, files.host_ca)}
        taken.update(known.revoked)
        for other in known.nodes.values():
            if other is not node:
                taken.update((other.node_key, other.move_key, other.host_key,
                              other.token_key))
        own = [join.node_key, join.move_key, join.host_key, node.token_key]
        if taken & set(own) or len(set(own)) < len(own):
            raise messages.KeysUsed(
                'Node %s has keys that are in use already.' % node.name,
                'They are those of another node, or of one that has left.',
                'Remove its state directory, and join again. %s' % _NEW_TOKEN)

    def _welcome(self, node: registry.Node) -> messages.Welcome:
        settings = self._settings
        files = gateway_files.Files(self._layout)
        account = accounts.create(self._layout, settings, node.name)
        self._require_still_in(node)
        return messages.Welcome(
            name=node.name, first_host=settings.host,
            first_port=node.first_port,
            services=authorized_keys.service_ports(settings),
            proxies={name: settings.ports[name]
                     for name in ('novncproxy', 'serialproxy')},
            listen=settings.listen,
            ca=self._layout.ca.read_text() if settings.tls else '',
            transport_url=account.transport_url,
            messaging=dict(account.messaging),
            user=account.keystone_user, password=account.keystone_password,
            region=aio_settings.REGION, vmnet=settings.vmnet,
            user_ca=keys.public(files.user_ca),
            host_ca=keys.public(files.host_ca),
            move_certificate=keys.sign_user(
                files.user_ca, node.move_key, node.name),
            host_certificate=keys.sign_host(
                files.host_ca, node.host_key, node.name),
            volumes=settings.volumes)

    def _require_still_in(self, node: registry.Node) -> None:
        """Raise an error if a node has left while its accounts were made.

        "node leave" may have looked for them before.

        :raises AioError: they are removed again
        """
        now = registry.load(self._layout).nodes.get(node.name)
        if now is None or now.leaving or not now.has_joined:
            accounts.remove(self._layout, self._settings, node.name)
        elif now.node_key == node.node_key:
            return
        raise _leaving(node.name)


def _leaving(name: str) -> errors.AioError:
    return errors.AioError(
        'Node %s is leaving the cloud.' % name,
        '"nova-vmrun node leave" removes its accounts.',
        'Wait until it has ended; if it was interrupted, run "nova-vmrun node '
        'leave %s" on the first machine again. %s' % (name, _NEW_TOKEN))


def _check_protocol(join: messages.Join) -> None:
    if join.protocol != messages.PROTOCOL:
        raise errors.AioError(
            'The node has another release of nova-vmrun than the first '
            'machine.', 'They speak protocol %d and %d.' % (
                join.protocol, messages.PROTOCOL),
            'Install the same release on both.')


def _check_clock(clock: int) -> None:
    ahead = clock - int(time.time())
    if abs(ahead) > _CLOCK:
        raise errors.AioError(
            'The clock of the node is %d seconds %s the clock of the first '
            'machine.' % (abs(ahead), 'ahead of' if ahead > 0 else 'behind'),
            'Nova would take the node for down.',
            'Set both by NTP, for example with "timedatectl set-ntp true".')
