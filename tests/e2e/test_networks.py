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

from openstack import connection
from openstack import exceptions

from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import unenforced_rules
from tests.e2e import test_aio

PASSWORD = 'secret'


class NetworksTestCase(test_aio.AioCase):
    """What doc/source/networking.rst says of each command."""

    # A busy machine needs half a minute for each of some fifty steps.
    limit = 10 * test_aio.TIMEOUT
    CREATE = ('server', 'create', '--flavor', 'm1.nano', '--image', 'tiny',
              '--wait')

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
        self.assertIn(unenforced_rules.MESSAGE, self.succeed(self.up()))
        self.make_image()
        self.become_a_member()
        self.check_automatic_networks()
        self.check_a_network_of_ones_own()
        self.check_ambiguous_networks()
        self.check_what_there_is_not()
        self.check_security_groups()
        cloud = self.connect('lab', 'ann', PASSWORD)
        self.check_sdk(cloud)
        self.check_network_without_addresses(cloud)
        self.check_port_of_another_project(cloud)
        self.variables = {}
        networks = self.openstack('network', 'list', '--long')
        private, = [each for each in networks if each['Name'] == 'private']
        self.assertEqual('local', private['Network Type'])
        self.check_external_networks()

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
        for words in (('router', 'add', 'subnet', 'r', 'private'),
                      ('router', 'set', '--external-gateway', 'vmnet8', 'r')):
            self.assert_refused('There are no routers here.', *words)
        for words in (('network', 'create', '--external', 'outside'),
                      ('network', 'set', '--external', 'vmnet8')):
            self.assert_refused('is disallowed by policy', *words)
        self.assert_refused('There are no floating IPs here.', 'server', 'add',
                            'floating', 'ip', 'app', '172.16.41.99')
        aliases = {each['Alias'] for each in
                   self.openstack('extension', 'list', '--network')}
        self.assertIn('port-security', aliases)
        for absent in ('router', 'floating-ip-port-forwarding',
                       'auto-allocated-topology'):
            self.assertNotIn(absent, aliases)

    def check_automatic_networks(self):
        """The network is chosen if there is only one."""
        self.assert_refused('No Network found for auto', *self.CREATE,
                            '--network', 'auto', 'automatic')
        for name, options in (('one', ['--nic', 'auto']),
                              ('two', ['--auto-network'])):
            server = self.openstack(*self.CREATE, *options, name)
            self.assertEqual(('ACTIVE', ['vmnet8']),
                             (server['status'], list(server['addresses'])))
            done = self.run_openstack('server', 'delete', '--wait', name)
            self.assertEqual(0, done.returncode, done.stderr)

    def check_ambiguous_networks(self):
        self.assert_refused('Multiple possible networks found',
                            *self.CREATE, '--nic', 'auto', 'automatic')
        self.assertEqual('ACTIVE', self.openstack(
            *self.CREATE, '--nic', 'none', 'alone')['status'])

    def check_security_groups(self):
        self.assertEqual(0, self.rule_warnings())
        rule = self.openstack('security', 'group', 'rule', 'create',
                              '--protocol', 'tcp', '--dst-port', '22',
                              'default')
        self.assertEqual('22', str(rule['port_range_min']))
        self.assertEqual(1, self.rule_warnings())

    def rule_warnings(self):
        return self.layout.log('neutron').read_text().count(
            unenforced_rules.MESSAGE)

    def connect(self, project, user, password):
        cloud = connection.Connection(auth={
            'auth_url': aio_settings.load(self.layout).url('keystone', '/v3'),
            'project_name': project, 'project_domain_name': 'Default',
            'username': user, 'user_domain_name': 'Default',
            'password': password}, region_name=aio_settings.REGION)
        self.addCleanup(cloud.close)
        return cloud

    def check_sdk(self, cloud):
        """What openstacksdk does, and Ansible by means of it."""
        vmnet8 = cloud.network.find_network('vmnet8')
        for missing, call in (
                ('routers', lambda: cloud.create_router('r')),
                ('routers', lambda: list(cloud.network.routers())),
                ('routers', lambda: cloud.network.find_router('r')),
                ('floating IPs', lambda: list(cloud.network.ips())),
                ('floating IPs', lambda: cloud.network.create_ip(
                    floating_network_id=vmnet8.id))):
            error = self.assertRaises(exceptions.NotFoundException, call)
            self.assertIn('There are no %s here.' % missing, str(error))
        self.assertIsNone(cloud.network.find_extension('router'))
        # The function of the older layer then asks Nova.
        self.assertEqual([], cloud.list_floating_ips())
        error = self.assertRaises(exceptions.NotFoundException,
                                  cloud.create_floating_ip, 'vmnet8')
        self.assertIn('Floating IP pool not found.', str(error))
        # Ansible's default is to give each server a floating IP.
        server = self.create_with_auto_ip(cloud, 'from-the-sdk', 'vmnet8')
        self.assertEqual(
            ('ACTIVE', 1), (server.status, len(server.addresses['vmnet8'])))
        cloud.network.create_security_group_rule(
            security_group_id=cloud.network.find_security_group('default').id,
            direction='ingress', protocol='icmp')
        self.assertEqual(2, self.rule_warnings())

    def check_network_without_addresses(self, cloud):
        network = cloud.network.create_network(name='full')
        cloud.network.create_subnet(network_id=network.id, ip_version=4,
                                    cidr='10.1.0.0/30')
        cloud.network.create_port(network_id=network.id)
        server = cloud.compute.create_server(
            name='late', image_id=cloud.image.find_image('tiny').id,
            flavor_id=cloud.compute.find_flavor('m1.nano').id,
            networks=[{'uuid': network.id}])
        self.assertRaises(exceptions.ResourceFailure,
                          cloud.compute.wait_for_server, server,
                          wait=test_aio.TIMEOUT)
        fault = cloud.compute.get_server(server).fault['message']
        self.assertIn('No fixed IP addresses available for network: %s'
                      % network.id, fault)
        self.assertFalse((self.layout.instances / server.id).exists())

    def check_port_of_another_project(self, cloud):
        admin = self.connect('admin', 'admin', aio_settings.passwords(
            self.layout)['admin'])
        port = admin.network.create_port(
            network_id=admin.network.find_network('vmnet8').id)
        error = self.assertRaises(
            exceptions.BadRequestException, cloud.compute.create_server,
            name='thief', image_id=cloud.image.find_image('tiny').id,
            flavor_id=cloud.compute.find_flavor('m1.nano').id,
            networks=[{'port': port.id}])
        self.assertIn('Port id %s could not be found' % port.id, str(error))
        self.assertFalse(admin.network.get_port(port).device_id)

    def check_external_networks(self):
        """What an administrator changes for everybody."""
        outside = self.openstack('network', 'create', '--external', 'outside')
        self.assertEqual(('local', True), (outside['provider:network_type'],
                                           outside['router:external']))
        self.succeed_with_openstack('network', 'delete', 'outside')
        self.succeed_with_openstack('network', 'set', '--external', 'vmnet8')
        self.assertEqual(['vmnet8'], [each['Name'] for each in self.openstack(
            'network', 'list', '--external')])
        # A connection remembers which networks are external.
        cloud = self.connect('lab', 'ann', PASSWORD)
        self.assertRaises(exceptions.NotFoundException,
                          cloud.network.create_ip,
                          floating_network_id=cloud.network.find_network(
                              'vmnet8').id)
        server = self.create_with_auto_ip(cloud, 'shown', 'vmnet8')
        self.assertEqual(server.addresses['vmnet8'][0]['addr'],
                         server.public_v4)
        # The SDK asks Nova for a floating IP when Neutron has none.
        error = self.assertRaises(exceptions.HttpException,
                                  self.create_with_auto_ip, cloud, 'hidden',
                                  'private')
        self.assertEqual(500, error.status_code)
        self.succeed_with_openstack('network', 'set', '--internal', 'vmnet8')
        self.assertEqual('ACTIVE', self.create_with_auto_ip(
            self.connect('lab', 'ann', PASSWORD), 'as-before', 'private'
        ).status)

    def succeed_with_openstack(self, *arguments):
        done = self.run_openstack(*arguments)
        self.assertEqual(0, done.returncode, done.stderr)

    def create_with_auto_ip(self, cloud, name, network):
        return cloud.create_server(
            name, image='tiny', flavor='m1.nano', network=network,
            auto_ip=True, wait=True, timeout=test_aio.TIMEOUT)
