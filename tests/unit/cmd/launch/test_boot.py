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

import itertools
import time

from openstack import exceptions

from nova_vmrun.cmd.launch import boot
from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import errors
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds
from tests.unit.cmd.launch import web_servers

REQUEST = boot.Request('web', 'image-1',
                       choices.Flavor('1', 'tiny', 512, 1, 1),
                       choices.Network('net-1', 'vmnet8'), 'key')
SERVER = boot.Server('uuid-1', 'web', None)


class BootCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = fake_clouds.Cloud()
        self.compute = self.cloud.compute
        self.output = web_servers.Output()
        self.patch(time, 'sleep', lambda seconds: None)
        # Each look at the clock is a second later.
        clock = itertools.count()
        self.patch(time, 'monotonic', lambda: float(next(clock)))
        self.booter = boot.Booter(self.cloud.sdk, self.output.progress(), 20)


class CreateTestCase(BootCase):

    def create(self):
        return self.booter.create(REQUEST)

    def refused(self):
        return str(self.assertRaises(errors.LaunchFailed, self.create))

    def test_what_nova_gets(self):
        self.create()
        self.assertEqual([{
            'name': 'web', 'image_id': 'image-1', 'flavor_id': '1',
            'key_name': 'key', 'networks': [{'uuid': 'net-1'}]}],
            self.compute.created)

    def test_active(self):
        self.compute.statuses = ['BUILD', 'BUILD', 'ACTIVE']
        self.assertEqual(boot.Server('uuid-1', 'web', '172.16.41.9'),
                         self.create())
        self.assertIn('Active after', self.output.getvalue())

    def test_refused_by_the_api(self):
        self.compute.refusal = fake_clouds.forbidden('Quota exceeded')
        self.assertEqual('Cannot create server web. Quota exceeded.',
                         self.refused())

    def test_error_says_why(self):
        self.compute.statuses = ['BUILD', 'ERROR']
        self.compute.fault = {'message': 'No valid host was found.'}
        text = self.refused()
        self.assertIn('No valid host was found.', text)
        self.assertIn('openstack server delete uuid-1', text)

    def test_error_without_a_reason(self):
        self.compute.statuses = ['ERROR']
        self.assertIn('Nova gives no reason', self.refused())

    def test_it_does_not_take_forever(self):
        self.compute.statuses = ['BUILD']
        self.assertIn('not active after 20 s', self.refused())

    def test_floating_address_wins(self):
        self.compute.addresses = {
            'a': [{'addr': 'fd00::1', 'OS-EXT-IPS:type': 'fixed'},
                  {'addr': '10.0.0.5', 'OS-EXT-IPS:type': 'fixed'}],
            'b': [{'addr': '192.0.2.7', 'OS-EXT-IPS:type': 'floating'}]}
        self.assertEqual('192.0.2.7', self.create().address)

    def test_ipv4_address_comes_first(self):
        self.compute.addresses = {'a': [{'addr': 'fd00::1'},
                                        {'addr': '10.0.0.5'}]}
        self.assertEqual('10.0.0.5', self.create().address)

    def test_no_address(self):
        self.compute.addresses = {}
        self.assertIsNone(self.create().address)


class ReadyTestCase(BootCase):

    def setUp(self):
        super().setUp()
        self.compute.statuses = ['ACTIVE']

    def wait(self, ready=catalogue.CLOUD_INIT_IS_READY):
        self.booter.wait_until_ready(SERVER, ready)

    def refused(self, *arguments):
        return str(self.assertRaises(errors.LaunchFailed, self.wait,
                                     *arguments))

    def test_last_line_of_cloud_init(self):
        self.compute.consoles = ['', 'Booting', fake_clouds.CLOUD_INIT]
        self.wait()
        self.assertIn('The first boot took', self.output.getvalue())

    def test_other_lines_of_cloud_init_are_not_the_end(self):
        self.compute.consoles = [
            "Cloud-init v. 22.4.2 running 'modules:final' at Thu"]
        self.refused()

    def test_line_of_the_user(self):
        self.compute.consoles = ['a\r\nlogin: ']
        self.wait('^login: ')

    def test_console_that_is_not_there_yet(self):
        self.compute.consoles = [exceptions.NotFoundException(),
                                 exceptions.ConflictException(),
                                 fake_clouds.CLOUD_INIT]
        self.wait()

    def test_line_does_not_come(self):
        self.compute.consoles = ['one\ntwo\nlogin: ',
                                 exceptions.NotFoundException()]
        text = self.refused()
        self.assertIn('within 20 s', text)
        self.assertIn('one | two | login: ', text)

    def test_server_that_stops(self):
        self.compute.consoles = ['Kernel panic']
        self.compute.statuses = ['ACTIVE', 'SHUTOFF']
        self.assertIn('has stopped during its first boot', self.refused())

    def test_server_that_fails(self):
        self.compute.consoles = ['']
        self.compute.statuses = ['ERROR']
        self.assertIn('Nova gives no reason', self.refused())
