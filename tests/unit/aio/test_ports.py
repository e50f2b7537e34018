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


import socket

from nova_vmrun.aio import errors
from nova_vmrun.aio import ports
from nova_vmrun.aio import settings as aio_settings
from tests.unit.aio import base


class CheckTestCase(base.TestCase):

    def listen(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind((aio_settings.ADDRESS, 0))
        listener.listen()
        return listener.getsockname()[1]

    def free(self):
        base_port = ports.free_base()
        self.settings.ports = aio_settings.ports_from(base_port)
        return base_port

    def test_free_ports_are_no_error(self):
        self.free()
        ports.check(self.settings, ['keystone', 'glance', 'neutron', 'nova'])

    def test_taken_port_is_one_line_that_names_who_has_it(self):
        self.free()
        self.settings.ports['glance'] = port = self.listen()
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['keystone', 'glance'])
        self.assertIn('Port %d, which glance needs, is taken by process'
                      % port, error.brief)
        self.assertIn('--glance-port', error.resolution)

    def test_both_ports_of_the_nova_process_are_checked(self):
        self.free()
        self.settings.ports['placement'] = self.listen()
        self.assertRaises(errors.AioError, ports.check, self.settings,
                          ['nova'])

    def test_port_of_a_service_that_runs_already_is_not_checked(self):
        self.free()
        self.settings.ports['glance'] = self.listen()
        ports.check(self.settings, ['keystone'])

    def test_port_that_may_not_be_used_is_one_clear_line(self):
        self.free()
        self.patch(ports, '_bind', self.refuse)
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['keystone'])
        self.assertIn('cannot be used. Permission denied.', str(error))

    def refuse(self, port, address):
        raise PermissionError(13, 'Permission denied')

    def test_dashboard_on_an_address_of_another_machine(self):
        self.free()
        self.settings.dashboard_address = '192.0.2.1'
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['horizon'])
        self.assertEqual('horizon cannot listen on 192.0.2.1.', error.brief)
        self.assertIn('--dashboard-address', error.resolution)

    def test_services_on_an_address_of_another_machine(self):
        self.free()
        self.settings.listen = '198.51.100.7'
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['keystone'])
        self.assertEqual('keystone cannot listen on 198.51.100.7.',
                         error.brief)
        self.assertIn('--listen', error.resolution)

    def test_port_that_is_taken_on_the_other_address_alone(self):
        self.free()
        # Linux has all of these.
        self.settings.listen = '127.0.0.9'
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(('127.0.0.9', self.settings.ports['glance']))
        listener.listen()
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['glance'])
        self.assertIn('which glance needs, is taken', error.brief)
        [line] = ports.next_free(self.settings, ())
        self.assertIn('so glance gets port', line)

    def test_taken_port_of_the_dashboard_on_all_addresses(self):
        self.free()
        self.settings.dashboard_address = '0.0.0.0'
        ports.check(self.settings, ['horizon'])
        self.settings.ports['horizon'] = port = self.listen()
        error = self.assertRaises(errors.AioError, ports.check,
                                  self.settings, ['horizon'])
        self.assertIn('Port %d, which horizon needs, is taken' % port,
                      error.brief)
        self.assertIn('--horizon-port', error.resolution)


class FreeBaseTestCase(base.TestCase):

    def test_range_with_a_taken_port_is_passed_over(self):
        taken = set()

        def bind(port, address):
            if port % 10 == 3 and len(taken) < 5:
                taken.add(port)
                raise OSError('taken')

        self.patch(ports, '_bind', bind)
        first = ports.free_base()
        self.assertNotIn(first + 3, taken)

    def test_no_range_at_all_is_an_error(self):
        def bind(port, address):
            raise OSError('taken')

        self.patch(ports, '_bind', bind)
        self.assertRaises(errors.AioError, ports.free_base)
