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

"""Networks in ``nova-vmrun aio``, by the commands that people type."""

import json
import os
import subprocess

from tests.e2e import test_aio

PASSWORD = 'secret'


class NetworksTestCase(test_aio.AioCase):
    """What doc/source/networking.rst says of each command."""

    # A busy machine needs ten seconds for each of some twenty commands.
    limit = 4 * test_aio.TIMEOUT

    def setUp(self):
        super().setUp()
        self.variables = {}

    def run_openstack(self, *arguments):
        """Run openstack, which may fail; return its CompletedProcess."""
        script = '. "$1"; shift; exec env %s openstack "$@"' % ' '.join(
            '%s=%s' % item for item in self.variables.items())
        return subprocess.run(
            ['sh', '-c', script, 'sh', str(self.layout.openrc), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=test_aio.TIMEOUT)

    def openstack(self, *arguments):
        done = self.run_openstack(*arguments, '-f', 'json')
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, message, *arguments):
        done = self.run_openstack(*arguments)
        self.assertNotEqual(0, done.returncode, done.stdout)
        # The client breaks no lines, but text may be anywhere in them.
        self.assertIn(message, done.stderr)

    def become_a_member(self):
        """Make a project with an ordinary user, who types the rest."""
        self.openstack('project', 'create', 'lab')
        self.openstack('user', 'create', '--password', PASSWORD, 'ann')
        done = self.run_openstack('role', 'add', '--project', 'lab',
                                  '--user', 'ann', 'member')
        self.assertEqual(0, done.returncode, done.stderr)
        self.variables = {'OS_PROJECT_NAME': 'lab', 'OS_USERNAME': 'ann',
                          'OS_PASSWORD': PASSWORD}

    def make_image(self):
        path = self.layout.root / 'tiny.raw'
        path.write_bytes(os.urandom(4096) + bytes(1024 * 1024))
        self.openstack('image', 'create', '--disk-format', 'raw', '--public',
                       '--file', str(path), 'tiny')

    def test_a_member_and_the_network_commands(self):
        self.succeed(self.up())
        self.make_image()
        self.become_a_member()
        self.check_a_network_of_ones_own()
        self.check_what_there_is_not()
        self.check_automatic_networks()
        self.variables = {}
        networks = self.openstack('network', 'list', '--long')
        private, = [each for each in networks if each['Name'] == 'private']
        self.assertEqual('local', private['Network Type'])

    def check_a_network_of_ones_own(self):
        network = self.openstack('network', 'create', 'private')
        self.assertEqual((1500, True, None), (
            network['mtu'], network['port_security_enabled'],
            network.get('provider:network_type')))
        # Its gateway would be .1, where nobody is.
        self.openstack('subnet', 'create', '--network', 'private',
                       '--subnet-range', '172.16.41.0/24', 'private')
        server = self.openstack(
            'server', 'create', '--flavor', 'm1.nano', '--image', 'tiny',
            '--network', 'vmnet8', '--network', 'private', '--wait', 'app')
        self.assertEqual('ACTIVE', server['status'])
        self.assertEqual({'vmnet8', 'private'}, set(server['addresses']))
        folder = self.layout.instances / server['id']
        vmx = (folder / (server['id'] + '.vmx')).read_text()
        self.assertIn('ethernet1.connectionType = "pvn"', vmx)
        self.assertIn(network['id'].replace('-', '')[:2] + ' ',
                      vmx.partition('ethernet1.pvnID = "')[2][:3])
        self.openstack('port', 'create', '--network', 'private',
                       '--no-security-group', '--disable-port-security',
                       'free')

    def check_what_there_is_not(self):
        self.assert_refused('There are no routers here.',
                            'router', 'create', 'r')
        self.assert_refused('There are no routers here.', 'router', 'list')
        self.assert_refused('There are no floating IPs here.',
                            'floating', 'ip', 'create', 'vmnet8')
        self.assertEqual([], self.openstack('floating', 'ip', 'list'))
        self.assert_refused('There are no floating IPs here.', 'server', 'add',
                            'floating', 'ip', 'app', '172.16.41.99')
        aliases = {each['Alias'] for each in
                   self.openstack('extension', 'list', '--network')}
        self.assertIn('port-security', aliases)
        for absent in ('router', 'floating-ip-port-forwarding',
                       'auto-allocated-topology'):
            self.assertNotIn(absent, aliases)

    def check_automatic_networks(self):
        create = ('server', 'create', '--flavor', 'm1.nano', '--image',
                  'tiny', '--wait')
        self.assert_refused('Multiple possible networks found', *create,
                            '--nic', 'auto', 'automatic')
        self.assertEqual('ACTIVE', self.openstack(
            *create, '--nic', 'none', 'alone')['status'])
