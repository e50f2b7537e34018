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

"""Clients and nodes reach the first machine by TLS."""

import os
import shutil
import sys

import yaml

from tests.cluster import joining
from tests.cluster import machines

_LISTEN = machines.FIRST
_BY_TLS = 'the services are used by TLS at %s' % _LISTEN
# Prints what an address answers to a request without TLS.
_PLAIN = """
import http.client, sys
client = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=30)
try:
    client.request('GET', '/')
    print('answer', client.getresponse().status)
except (OSError, http.client.HTTPException):
    print('refused')
"""


class ListenTestCase(joining.TestCase):

    OPTIONS = ('--listen', _LISTEN)

    def test_clients_and_a_node(self):
        self.check_clients()
        self.check_node()
        self.check_way_back()

    def check_clients(self):
        """The second machine is a client with two files."""
        folder = os.path.join(self.machines.folder, 'client')
        os.mkdir(folder)
        self.ca = os.path.join(folder, 'ca.pem')
        shutil.copy(os.path.join(self.first.state, 'tls', 'ca.pem'), self.ca)
        with open(os.path.join(self.first.state, 'clouds.yaml')) as file:
            clouds = yaml.safe_load(file)
        self.clouds = os.path.join(folder, 'clouds.yaml')
        for each in clouds['clouds'].values():
            each['cacert'] = self.ca
        clouds['clouds']['stranger'] = {
            name: value for name, value
            in clouds['clouds']['nova-vmrun'].items() if name != 'cacert'}
        with open(self.clouds, 'w') as file:
            yaml.safe_dump(clouds, file)
        self.assertIn('vmnet8', self.client('network', 'list'))
        self.assertIn('CERTIFICATE_VERIFY_FAILED', self.client(
            'network', 'list', cloud='stranger', status=1))
        for port in ('5000', '8774', '6080', '5672'):
            self.assertEqual('refused', self.second.run(
                sys.executable, '-c', _PLAIN, _LISTEN, port).strip())
        self.assertEqual('answer 300', self.first.run(
            sys.executable, '-c', _PLAIN, '127.0.0.1', '5000').strip())

    def client(self, *words, cloud='nova-vmrun', status=0):
        return self.second.run(
            'env', 'OS_CLIENT_CONFIG_FILE=' + self.clouds,
            'OS_CLOUD=' + cloud, 'openstack', *words, status=status)

    def check_node(self):
        """The node gets its image and its messages by TLS."""
        self.make_token()
        self.join()
        self.wait_for(_BY_TLS)
        self.wait_for(joining.READY)
        disk = os.path.join(self.machines.folder, 'disk')
        with open(disk, 'wb') as file:
            file.truncate(1 << 20)
        self.client('image', 'create', 'empty', '--file', disk,
                    '--disk-format', 'raw', '--container-format', 'bare')
        self.client('server', 'create', 'web', '--image', 'empty',
                    '--flavor', 'm1.nano', '--network', 'vmnet8', '--wait',
                    '--availability-zone', 'nova:' + joining.NAME)
        connections = self.second.run('ss', '-Htn', 'state', 'established')
        self.assertIn(_LISTEN + ':5672', connections)
        self.assertNotIn('127.0.0.1:5672', connections)
        url = self.client('console', 'url', 'show', 'web', '-f', 'value',
                          '-c', 'url').strip().splitlines()[-1]
        self.assertTrue(url.startswith('https://%s:6080/' % _LISTEN), url)
        self.assertEqual('RFB', self.second.greeting(url, self.ca))

    def check_way_back(self):
        """Without --listen, the node finds the services by its tunnel."""
        self.first.vmrun('aio', 'down')
        said = self.first.vmrun('aio', 'up', '--no-listen')
        self.assertIn('do not find them: run "nova-vmrun node join"', said)
        self.stop_node()
        self.join()
        self.wait_for(joining.READY)
        self.assertEqual({'first': 'up', joining.NAME: 'up'}, self.states())
        self.assertEqual(
            'refused', self.second.run(
                sys.executable, '-c', _PLAIN, _LISTEN, '5000').strip())
        url = self.first.openstack('console', 'url', 'show', 'web')['url']
        self.assertTrue(url.startswith('http://127.0.0.1:6080/'), url)
        self.assertEqual('RFB', self.first.greeting(url))
