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

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.doctor import server_facts
from nova_vmrun.doctor import service_logs
from tests.unit import base

_DRIVER = ('2026-11-29 17:00:0%d.123 1 %s nova_vmrun.ops [None req-a u p - - '
           '- -] [instance: %s] %s')
_ML2 = ('2026-11-29 17:00:00.123 1 ERROR nova_vmrun.ml2.mech_vmrun [None '
        'req-a u p - - - -] ')
_PORT = 'Port p of server %s in project %s cannot be bound on host %s: %s'
_ELSEWHERE = ('the network n is on host one.example.org, two, and a network '
              'of type local ends at its host. Create the server there.')
_VNIC_TYPE = ('its vnic_type is direct, but VMware only has normal NICs. '
              'Create the port with vnic_type normal.')


class ServiceLogsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = aio_layout.Layout(
            self.useFixture(fixtures.TempDir()).path + '/state')
        self.layout.create()
        aio_settings.Settings().save(self.layout)

    def read(self, server='an-id'):
        return service_logs.read(self.layout, server, 'project')

    def write(self, service, *lines):
        self.layout.log(service).write_text(
            ''.join(line + '\n' for line in lines))

    def refusal(self, *lines):
        self.write('neutron', *lines)
        return self.read().refusal


class DriverTestCase(ServiceLogsTestCase):

    def test_no_control_plane(self):
        self.layout.settings.unlink()
        self.write('nova', _DRIVER % (1, 'ERROR', 'an-id', 'New.'))
        self.assertEqual(service_logs.Said(), self.read())

    def test_no_logs(self):
        self.assertEqual(service_logs.Said(), self.read())

    def test_last_complaint(self):
        self.write('nova', _DRIVER % (1, 'WARNING', 'an-id', 'Old.'),
                   _DRIVER % (2, 'ERROR', 'an-id', 'New.'),
                   _DRIVER % (3, 'INFO', 'an-id', 'Unimportant.'),
                   _DRIVER % (4, 'ERROR', 'another', 'Else.'))
        self.assertEqual(
            service_logs.Said(str(self.layout.instances), 'New.'),
            self.read())
        self.assertEqual(service_logs.Said(), self.read('unknown'))
        # With a message bus, the driver is in a process of its own.
        self.write('compute', _DRIVER % (5, 'ERROR', 'an-id', 'Later.'))
        self.assertEqual('Later.', self.read().logged)

    def test_texts_of_others(self):
        forged = _DRIVER % (2, 'ERROR', 'an-id', 'Forged.')
        self.write('nova', _DRIVER % (1, 'ERROR', 'an-id', 'True.'),
                   _DRIVER % (2, 'ERROR', 'another', forged),
                   _DRIVER % (3, 'ERROR', 'another', 'x\u2028' + forged))
        self.assertEqual('True.', self.read().logged)

    def test_long_text(self):
        self.write('nova', _DRIVER % (1, 'ERROR', 'an-id', 'x' * 100000))
        self.assertTrue(len(self.read().logged) <= 1001)


class RefusalTestCase(ServiceLogsTestCase):

    def test_network_that_is_on_other_hosts(self):
        self.assertEqual(
            server_facts.Refusal(
                'laptop', 'the network n is on host one.example.org, two, and '
                'a network of type local ends at its host.',
                ('one.example.org', 'two')),
            self.refusal(
                _ML2 + _PORT % ('an-id', 'project', 'laptop', _ELSEWHERE)))

    def test_last_one_counts(self):
        self.assertEqual(
            server_facts.Refusal('two', 'its vnic_type is direct, but VMware '
                                 'only has normal NICs.'),
            self.refusal(
                _ML2 + _PORT % ('an-id', 'project', 'one', _ELSEWHERE),
                _ML2 + _PORT % ('an-id', 'project', 'two', _VNIC_TYPE),
                _ML2 + _PORT % ('another', 'project', 'three', _ELSEWHERE)))

    def test_ports_of_strangers(self):
        """Any user can name the server as the device of a port."""
        self.assertIsNone(self.refusal(
            _ML2 + _PORT % ('an-id', 'stranger', 'laptop', _ELSEWHERE)))

    def test_texts_of_strangers(self):
        line = _PORT % ('an-id', 'project', 'laptop', _ELSEWHERE)
        self.assertIsNone(self.refusal(
            _ML2 + 'Port p cannot be bound: ' + line,
            _ML2.replace('ERROR nova_vmrun.ml2.mech_vmrun',
                         'DEBUG neutron.pecan_wsgi') + line,
            _ML2 + 'x\u2028' + _ML2 + line, line))

    def test_long_text(self):
        found = self.refusal(
            _ML2 + _PORT % ('an-id', 'project', 'laptop', 'x' * 100000))
        self.assertTrue(len(found.reason) <= 1002)
