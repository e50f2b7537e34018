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

"""A first machine of a cloud, with keys but without processes."""

import fixtures

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import setup
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import node as first_node
from nova_vmrun.cluster import messages
from tests.unit.aio import base

# Keys of the right form, which nobody has.
KEYS = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%s' % (letter * 43)
        for letter in 'ABCDEFGH']


class FirstCase(base.TestCase):
    """A test with the state directory of a first machine."""

    def setUp(self):
        super().setUp()
        self.settings = aio_settings.Settings(
            host='laptop', bus=aio_settings.OWN_BUS)
        self.files = gateway_files.Files(self.layout)
        # sshd itself need not be installed.
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.find', return_value='/sbin/sshd'))
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.prepare'))
        # ssh-keygen takes a while; tests/unit/aio/gateway/test_keys.py runs
        # it.
        self._made = 0
        self.useFixture(fixtures.MockPatchObject(keys, 'make', self._make))
        for name in ('sign_user', 'sign_host'):
            self.useFixture(fixtures.MockPatchObject(
                keys, name, return_value='certificate\n'))
        setup.write(self.layout, self.settings)

    def _make(self, path):
        if not path.exists():
            self._made += 1
            path.write_text('private\n')
            path.with_name(path.name + '.pub').write_text(
                'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043d\n' % self._made)


def joined(name='lab-2', number=0, **changes):
    """Return a node that has joined, with keys of its own."""
    values = {'first_port': 20100 + 100 * number,
              'node_key': KEYS[4 * number], 'move_key': KEYS[4 * number + 1],
              'host_key': KEYS[4 * number + 2], 'user': 'tester',
              'address': '192.0.2.7', 'nova': '34.0.0',
              'nova_vmrun': '1.0.0', 'joined': 1, **changes}
    return first_node.Node(name, **values)


def request(**changes):
    """Return what a node says of itself."""
    return messages.Join(**{
        'nova': '34.0.0', 'nova_vmrun': '1.0.0', 'clock': 1, 'user': 'tester',
        'node_key': KEYS[0], 'move_key': KEYS[1], 'host_key': KEYS[2],
        **changes})


def welcome(**changes):
    """Return what the first machine tells a node."""
    return messages.Welcome(**{
        'name': 'lab-2', 'first_host': 'laptop', 'first_port': 20100,
        'services': {'keystone': 5000, 'rabbitmq': 5672},
        'proxies': {'novncproxy': 16080, 'serialproxy': 6083},
        'listen': '', 'ca': '',
        'transport_url': 'rabbit://node-lab-2:secret@127.0.0.1:5672/',
        'messaging': {'amqp_durable_queues': 'True'}, 'user': 'node-lab-2',
        'password': 'of-node', 'region': 'RegionOne', 'vmnet': 'nat',
        'user_ca': KEYS[3], 'host_ca': KEYS[4],
        'move_certificate': 'a certificate\n',
        'host_certificate': 'another\n', 'volumes': False, **changes})
