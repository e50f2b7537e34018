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


import json
import os
import pathlib
import stat

import testtools

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from tests.unit.aio import base


class SettingsTestCase(base.TestCase):

    def test_settings_are_remembered(self):
        self.settings.ports = aio_settings.ports_from(21000)
        self.settings.fake = True
        self.settings.save(self.layout)
        self.assertEqual(self.settings, aio_settings.load(self.layout))

    def test_no_control_plane_is_one_clear_line(self):
        error = self.assertRaises(
            errors.AioError, aio_settings.load, self.layout)
        self.assertIn('nova-vmrun aio up', error.resolution)

    def test_damaged_file_is_one_clear_line(self):
        for text in ('', '[]', '{"colour": "blue"}'):
            self.layout.settings.write_text(text)
            error = self.assertRaises(
                errors.AioError, aio_settings.load, self.layout)
            self.assertIn('is damaged', str(error))

    def test_ports_follow_one_another(self):
        ports = aio_settings.ports_from(21000)
        self.assertEqual(list(range(21000, 21013)), list(ports.values()))

    def without_cinder(self, ports):
        ports = dict(ports)
        del ports['cinder']
        return aio_settings.Settings(host='laptop', ports=ports).ports

    def test_port_that_an_older_release_did_not_know_is_the_usual_one(self):
        self.assertEqual(
            {**aio_settings.DEFAULT_PORTS, 'nova': 18774},
            self.without_cinder({**aio_settings.DEFAULT_PORTS,
                                 'nova': 18774}))

    def test_port_that_an_older_release_did_not_know_continues_a_row(self):
        ports = aio_settings.ports_from(21000)
        self.assertEqual(ports, self.without_cinder(ports))

    def test_port_that_an_older_release_did_not_know_is_nobody_elses(self):
        ports = {**aio_settings.DEFAULT_PORTS, 'nova': 8776,
                 'placement': 8777}
        self.assertEqual(8778, self.without_cinder(ports)['cinder'])

    def test_cinder_and_horizon_run_only_if_asked_for(self):
        for name in ('cinder', 'horizon'):
            self.assertNotIn(name, self.settings.services)
            self.assertNotIn(name, self.settings.listeners)
        self.settings.dashboard = True
        self.assertIn('horizon', self.settings.services)
        self.assertNotIn('cinder', self.settings.services)
        self.settings.volumes = True
        self.assertEqual(
            set(aio_layout.SERVICES) - {'rabbitmq', 'compute', 'gateway'},
            set(self.settings.services))
        self.settings.bus = aio_settings.OWN_BUS
        self.assertEqual(aio_layout.SERVICES, self.settings.services)
        self.assertEqual(set(aio_settings.DEFAULT_PORTS),
                         set(self.settings.listeners))

    def test_the_gateway_listens_on_all_addresses_or_one(self):
        for address, contact in (('0.0.0.0', '127.0.0.1'), ('::', '::1'),
                                 ('192.0.2.1', '192.0.2.1')):
            self.settings.gateway_address = address
            self.settings.validate()
            self.assertEqual(address, self.settings.address('gateway'))
            self.assertEqual(contact, self.settings.gateway_contact)
        self.settings.gateway_address = 'eth0'
        error = self.assertRaises(errors.AioError, self.settings.validate)
        self.assertIn('--gateway-address', error.resolution)

    def test_address_of_an_api(self):
        self.settings.ports['nova'] = 21003
        self.assertEqual('http://127.0.0.1:21003/v2.1',
                         self.settings.url('nova', '/v2.1'))

    def test_address_for_other_machines(self):
        self.assertFalse(self.settings.tls)
        self.assertFalse(self.settings.is_public('nova'))
        self.assertEqual('http://127.0.0.1:8774/',
                         self.settings.public_url('nova', '/'))
        self.settings.listen = '192.0.2.7'
        self.settings.validate()
        self.assertTrue(self.settings.tls)
        self.assertEqual('https://192.0.2.7:8774/v2.1',
                         self.settings.public_url('nova', '/v2.1'))
        self.assertEqual('https://192.0.2.7:8788/',
                         self.settings.public_url('horizon', '/'))
        self.assertEqual('http://127.0.0.1:8774', self.settings.url('nova'))
        self.assertEqual(['127.0.0.1', '192.0.2.7'],
                         self.settings.addresses('nova'))
        for name in ('erlang', 'epmd', 'gateway'):
            self.assertFalse(self.settings.is_public(name))

    def test_plain_text_for_other_machines_but_not_on_the_bus(self):
        self.settings.listen = '192.0.2.7'
        self.assertTrue(self.settings.is_public('rabbitmq'))
        self.settings.listen_insecure = True
        self.assertEqual('http://192.0.2.7:8774',
                         self.settings.public_url('nova'))
        self.assertFalse(self.settings.is_public('rabbitmq'))

    def test_address_that_cannot_be_listened_on(self):
        self.settings.listen = '0.0.0.0'
        error = self.assertRaises(errors.AioError, self.settings.validate)
        self.assertIn('--no-listen', error.resolution)

    def test_dashboard_does_not_listen_twice_on_an_address(self):
        self.settings.listen = '192.0.2.7'
        self.settings.dashboard = True
        self.settings.validate()
        self.settings.dashboard_insecure_listen = True
        for address in ('0.0.0.0', '192.0.2.7'):
            self.settings.dashboard_address = address
            error = self.assertRaises(errors.AioError, self.settings.validate)
            self.assertIn('twice', error.brief)
        self.settings.dashboard_address = '192.0.2.8'
        self.settings.validate()

    def test_page_of_the_dashboard(self):
        for address, host in (('127.0.0.1', '127.0.0.1'),
                              ('0.0.0.0', '127.0.0.1'), ('::', '[::1]'),
                              ('::1', '[::1]'), ('10.1.2.3', '10.1.2.3')):
            self.settings.dashboard_address = address
            self.assertEqual('http://%s:8788/' % host,
                             self.settings.url('horizon', '/'))
        self.assertEqual('http://127.0.0.1:8774', self.settings.url('nova'))

    def test_dashboard_listens_on_loopback_alone(self):
        self.settings.dashboard = True
        for address in ('127.0.0.1', '127.0.0.2', '::1'):
            self.settings.dashboard_address = address
            self.settings.validate()
        for address in ('0.0.0.0', '::', '10.1.2.3', 'fe80::1'):
            self.settings.dashboard_address = address
            error = self.assertRaises(errors.AioError, self.settings.validate)
            self.assertIn('listen on %s,' % address, error.brief)
            self.assertIn('--dashboard-insecure-listen', error.resolution)
            self.settings.dashboard_insecure_listen = True
            self.settings.validate()
            self.settings.dashboard_insecure_listen = False

    def test_dashboard_cannot_listen_on_a_name(self):
        self.settings.dashboard = True
        self.settings.dashboard_insecure_listen = True
        for address in ('', 'localhost', '10.1.2', '10.1.2.3:80',
                        "'; import os #"):
            self.settings.dashboard_address = address
            error = self.assertRaises(errors.AioError, self.settings.validate)
            self.assertIn('--dashboard-address', error.resolution)

    def test_nova_compute_needs_a_bus_to_run_by_itself(self):
        for bus, runs in (('', True), ('rabbitmq', False),
                          ('rabbit://user:word@127.0.0.1/', False)):
            self.settings.bus = bus
            self.assertIs(runs, self.settings.runs_compute)
            self.assertIs(not runs, 'compute' in self.settings.services)

    def test_bus_of_another_machine_starts_no_rabbitmq(self):
        self.settings.bus = 'rabbit://user:word@127.0.0.1/'
        self.settings.validate()
        self.assertNotIn('rabbitmq', self.settings.services)
        self.assertEqual(self.settings.bus,
                         self.settings.transport_url(self.passwords))

    def test_own_bus_has_a_password(self):
        self.assertEqual('fake:///',
                         self.settings.transport_url(self.passwords))
        self.settings.bus = aio_settings.OWN_BUS
        self.settings.ports['rabbitmq'] = 21009
        self.assertEqual(
            'rabbit://nova:secret-of-rabbitmq@127.0.0.1:21009/',
            self.settings.transport_url(self.passwords))

    def test_machine_without_servers_needs_a_bus(self):
        self.settings.compute = False
        error = self.assertRaises(errors.AioError, self.settings.validate)
        self.assertIn('--bus', error.resolution)
        self.settings.bus = aio_settings.OWN_BUS
        self.settings.validate()
        self.assertNotIn('compute', self.settings.services)

    def test_url_that_was_written_by_hand_becomes_the_bus(self):
        self.layout.settings.write_text(json.dumps({
            'host': 'laptop', 'transport_url': 'rabbit://a:b@10.1.2.3/'}))
        settings = aio_settings.load(self.layout)
        settings.validate()
        self.assertEqual('rabbit://a:b@10.1.2.3/', settings.bus)
        # Its nova-compute was started by hand, too.
        self.assertFalse(settings.compute)

    def test_settings_of_earlier_releases_have_no_bus(self):
        self.layout.settings.write_text(json.dumps({
            'host': 'laptop', 'transport_url': 'fake:///'}))
        self.assertEqual(self.settings, aio_settings.load(self.layout))

    def test_shared_port_is_refused(self):
        self.settings.ports['nova'] = self.settings.ports['glance']
        with testtools.ExpectedException(errors.AioError, '.*share a port.*'):
            self.settings.validate()

    def test_port_base_that_runs_out_of_range_is_refused(self):
        self.settings.ports = aio_settings.ports_from(65533)
        with testtools.ExpectedException(errors.AioError, '.*out of range.*'):
            self.settings.validate()

    def test_subnet_that_is_none_is_refused(self):
        for subnet in ('vmnet8', '10.1.2.3/24', '10.1.2.0/29', 'fe80::/64'):
            self.settings.subnet = subnet
            self.assertRaises(errors.AioError, self.settings.validate)


class PasswordsTestCase(base.TestCase):

    def test_each_state_directory_has_its_own(self):
        first = aio_settings.passwords(self.layout)
        self.layout.secrets.unlink()
        second = aio_settings.passwords(self.layout)
        self.assertEqual(len(first) * 2,
                         len({*first.values(), *second.values()}))

    def test_they_stay(self):
        self.assertEqual(aio_settings.passwords(self.layout),
                         aio_settings.passwords(self.layout))

    def test_nobody_else_can_read_them(self):
        aio_settings.passwords(self.layout)
        self.assertEqual(
            0o600, stat.S_IMODE(os.stat(self.layout.secrets).st_mode))

    def test_half_written_file_is_replaced(self):
        self.layout.secrets.write_text('{"admin": "x')
        self.assertEqual(set(aio_settings.USERS),
                         set(aio_settings.passwords(self.layout)))


class WritePrivateTestCase(base.TestCase):

    def test_failure_names_the_file(self):
        path = self.layout.root / 'nowhere' / 'file'
        error = self.assertRaises(
            errors.AioError, aio_settings.write_private, path, 'text')
        self.assertIn(str(path), str(error))
        self.assertIn('No such file or directory', str(error))

    def test_files_that_are_there_already(self):
        """Others may have made them, in a folder that they can write to."""
        path = self.layout.root / 'lab-2.token'
        theirs = self.layout.root / 'theirs'
        theirs.write_text('theirs')
        new = path.with_name('lab-2.token.new')
        for make in (lambda: new.touch(0o644),
                     lambda: new.symlink_to(theirs),
                     lambda: path.symlink_to(theirs)):
            make()
            aio_settings.write_private(path, 'secret')
            self.assertEqual(0o600, stat.S_IMODE(path.lstat().st_mode))
            self.assertEqual('secret', path.read_text())
            self.assertEqual('theirs', theirs.read_text())
            path.unlink()
            new.unlink(missing_ok=True)

    def test_in_the_current_folder(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.layout.root)
        aio_settings.write_private(pathlib.Path('lab-2.token'), 'secret')
        self.assertEqual('secret',
                         (self.layout.root / 'lab-2.token').read_text())
