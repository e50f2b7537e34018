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


import io
import subprocess
import sys

import fixtures

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import dashboard
from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors
from nova_vmrun.aio import hosts
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import listening
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun.aio import volumes
from nova_vmrun.cluster.node import membership
from nova_vmrun.cmd import aio
from nova_vmrun.cmd import joined_before
from nova_vmrun.cmd import listen_options
from nova_vmrun.cmd import main
from tests.unit import base


class CommandCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(folder + '/state')
        self.app = main.VmrunApp()
        self.app.stdout = self.output = io.StringIO()
        self.app.stderr = self.errors = io.StringIO()
        self.patch(self.app, 'configure_logging', lambda: None)

    def run_command(self, *arguments):
        return self.app.run(
            ['aio', *arguments, '--state-dir', str(self.layout.root)])

    def make(self):
        self.layout.create()
        settings = aio_settings.Settings()
        settings.save(self.layout)
        return settings


class SettingsTestCase(CommandCase):
    """What `up` makes of its options."""

    def choose(self, *arguments):
        parser = aio.Up(self.app, None).get_parser('up')
        return aio.chosen_settings(
            self.layout, parser.parse_args(list(arguments)),
            report.Report(self.output))

    def setUp(self):
        super().setUp()
        self.layout.create()
        self.useFixture(fixtures.EnvironmentVariable('FAKE_VMRUN_ENGINE'))
        self.taken = set()
        self.patch(ports, '_is_free',
                   lambda port, *addresses: port not in self.taken)

    def test_first_time_has_the_usual_ports(self):
        self.assertEqual(aio_settings.DEFAULT_PORTS, self.choose().ports)

    def test_directory_of_a_node(self):
        self.layout.node.mkdir()
        membership.Membership('lab-2', 'tester', ['192.0.2.1'], 2222, {},
                              20100, {}).save(self.layout)
        error = self.assertRaises(errors.AioError, self.choose)
        self.assertIn('belongs to node lab-2 of another cloud', error.brief)
        self.assertFalse(self.layout.exists)

    def test_taken_port_is_replaced_by_the_next_free_one(self):
        self.taken = {8774, 8775}
        chosen = self.choose().ports
        # 8776 is Cinder's, should it be turned on.
        self.assertEqual(8777, chosen['nova'])
        self.assertEqual(5000, chosen['keystone'])
        self.assertIn('port 8774 is taken', self.output.getvalue())
        self.assertIn('nova gets port 8777', self.output.getvalue())

    def test_next_port_is_not_that_of_another_service(self):
        self.taken = {6080, 6081, 6082}
        self.assertEqual(6084, self.choose().ports['novncproxy'])

    def test_port_that_was_given_stays(self):
        self.taken = {8774}
        self.assertEqual(8774, self.choose('--nova-port', '8774')
                         .ports['nova'])

    def test_port_that_was_remembered_stays(self):
        self.choose()
        self.taken = {8774}
        self.assertEqual(8774, self.choose().ports['nova'])

    def test_no_free_port_nearby_is_one_clear_line(self):
        self.taken = set(range(8774, 8774 + 101))
        error = self.assertRaises(errors.AioError, self.choose)
        self.assertIn('--nova-port', str(error))

    def test_options_are_remembered(self):
        first = self.choose('--port-base', '21000', '--fake',
                            '--subnet', '10.0.0.0/24')
        self.assertEqual(first, self.choose())

    def test_option_given_later_wins(self):
        self.choose('--port-base', '21000', '--fake')
        second = self.choose('--nova-port', '8774', '--no-fake')
        self.assertEqual((21000, 8774, False), (
            second.ports['keystone'], second.ports['nova'], second.fake))

    def test_how_the_fake_runs_is_remembered_for_other_shells(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'FAKE_VMRUN_ENGINE', 'qemu'))
        self.useFixture(fixtures.EnvironmentVariable(
            'FAKE_VMRUN_STATE', '/elsewhere'))
        self.choose()
        self.useFixture(fixtures.EnvironmentVariable('FAKE_VMRUN_ENGINE'))
        self.assertEqual({'FAKE_VMRUN_ENGINE': 'qemu'}, self.choose().knobs)

    def test_engine_is_chosen_once(self):
        self.patch(vmware, 'default_engine', lambda: 'first')
        self.choose()
        self.patch(vmware, 'default_engine', lambda: 'second')
        self.assertEqual({'FAKE_VMRUN_ENGINE': 'first'}, self.choose().knobs)

    def test_bad_option_is_not_remembered(self):
        self.assertRaises(aio.errors.AioError, self.choose,
                          '--subnet', 'vmnet8')
        self.assertFalse(self.layout.exists)

    def test_port_that_is_none_is_refused(self):
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', io.StringIO()))
        self.assertRaises(SystemExit, self.choose, '--port-base', '70000')

    def test_volumes_are_remembered(self):
        self.assertFalse(self.choose().volumes)
        self.assertTrue(self.choose('--volumes').volumes)
        self.assertTrue(self.choose().volumes)
        self.assertFalse(self.choose('--no-volumes').volumes)

    def test_taken_port_of_cinder_matters_only_with_volumes(self):
        self.taken = {8776}
        self.assertEqual(8776, self.choose().ports['cinder'])
        self.layout.settings.unlink()
        self.assertEqual(8777, self.choose('--volumes').ports['cinder'])

    def test_volumes_without_cinder_are_refused(self):
        self.choose()
        self.patch(volumes, 'require_installed', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--volumes')
        self.assertFalse(self.choose().volumes)

    def test_volumes_cannot_be_turned_off_while_attached(self):
        self.choose('--volumes')
        self.patch(volumes, 'require_none_attached', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--no-volumes')
        self.assertTrue(self.choose().volumes)

    def test_bus_is_remembered(self):
        self.patch(broker, 'require_installed', lambda: None)
        url = 'rabbit://nova:word@127.0.0.1:5672/'
        self.assertEqual('', self.choose().bus)
        self.assertEqual('rabbitmq', self.choose('--bus').bus)
        self.assertEqual('rabbitmq', self.choose().bus)
        self.assertEqual(url, self.choose('--bus', url).bus)
        self.assertEqual('', self.choose('--no-bus').bus)

    def test_database_server_is_remembered(self):
        url = 'mysql://nova:word@127.0.0.1/'
        self.assertEqual(url, self.choose('--database', url).database)
        self.assertEqual(url, self.choose().database)
        self.assertEqual('', self.choose('--no-database').database)

    def test_database_without_a_driver_is_refused(self):
        self.choose()
        self.patch(address, 'require_driver', self.refuse)
        self.assertRaises(errors.AioError, self.choose, '--database',
                          'mysql://nova:word@127.0.0.1/')
        self.assertEqual('', self.choose().database)

    def test_database_with_data_stays_of_its_kind(self):
        self.choose()
        self.layout.initialised('keystone').touch()
        self.assertRaises(errors.AioError, self.choose, '--database',
                          'mysql://nova:word@127.0.0.1/')
        self.assertEqual('', self.choose().database)

    def test_bus_without_rabbitmq_is_refused(self):
        self.choose()
        self.patch(broker, 'require_installed', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--bus')
        self.assertEqual('', self.choose().bus)

    def test_bus_cannot_be_turned_off_while_others_need_it(self):
        self.patch(broker, 'require_installed', lambda: None)
        self.choose('--bus')
        self.patch(hosts, 'require_no_others', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--no-bus')
        self.assertEqual('rabbitmq', self.choose().bus)

    def test_host_with_servers_stays_one(self):
        self.patch(broker, 'require_installed', lambda: None)
        self.choose('--bus')
        self.patch(hosts, 'require_no_servers', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--no-compute')
        self.assertTrue(self.choose().compute)

    def test_ports_of_rabbitmq_that_are_taken_are_replaced(self):
        self.patch(broker, 'require_installed', lambda: None)
        self.taken = {5672}
        self.assertEqual(5672, self.choose().ports['rabbitmq'])
        self.taken.add(8774)
        chosen = self.choose('--bus').ports
        self.assertEqual((5673, 8774), (chosen['rabbitmq'], chosen['nova']))

    def test_dashboard_is_remembered(self):
        self.patch(dashboard, 'require_installed', lambda: None)
        self.assertFalse(self.choose().dashboard)
        self.assertTrue(self.choose('--dashboard').dashboard)
        self.assertTrue(self.choose().dashboard)
        self.assertFalse(self.choose('--no-dashboard').dashboard)

    def test_dashboard_without_horizon_is_refused(self):
        self.choose()
        self.patch(dashboard, 'require_installed', self.refuse)
        self.choose()
        self.assertRaises(errors.AioError, self.choose, '--dashboard')
        self.assertFalse(self.choose().dashboard)

    def test_address_to_listen_on_is_remembered_until_it_is_taken_back(self):
        # Linux has all of these, but they are loopback addresses.
        self.patch(listening, 'check', lambda address: None)
        self.assertEqual('', self.choose().listen)
        self.assertEqual('127.0.0.9',
                         self.choose('--listen', '127.0.0.9').listen)
        self.assertEqual('127.0.0.9', self.choose().listen)
        self.assertEqual('', self.choose('--no-listen').listen)

    def said(self, *arguments):
        """What is printed when options are chosen."""
        before = len(self.output.getvalue())
        self.choose(*arguments)
        return self.output.getvalue()[before:]

    def test_nodes_have_to_learn_where_the_services_are(self):
        self.patch(volumes, 'require_installed', lambda: None)
        self.patch(joined_before, '_nodes', lambda layout: ['lab-2'])
        self.choose('--bus', 'rabbit://a:b@127.0.0.1/')
        self.assertIn('(cinder): run "nova-vmrun node join"',
                      self.said('--volumes'))
        self.assertEqual('', self.said())

    def test_what_clients_on_other_machines_need(self):
        settings = aio_settings.Settings()
        self.assertEqual('', listen_options.welcome(self.layout, settings))
        settings.listen = '192.0.2.7'
        said = listen_options.welcome(self.layout, settings)
        self.assertIn('https://192.0.2.7:5000/v3', said)
        self.assertIn(str(self.layout.ca), said)
        settings.listen_insecure = True
        said = listen_options.welcome(self.layout, settings)
        self.assertIn('http://192.0.2.7:5000/v3', said)
        self.assertNotIn(str(self.layout.ca), said)

    def test_address_that_the_machine_no_longer_has(self):
        error = self.assertRaises(errors.AioError, self.choose, '--listen',
                                  '198.51.100.7')
        self.assertIn('no longer', error.details)
        self.assertFalse(self.layout.exists)

    def test_dashboard_for_other_machines_takes_two_options(self):
        self.patch(dashboard, 'require_installed', lambda: None)
        arguments = ['--dashboard', '--dashboard-address', '0.0.0.0']
        error = self.assertRaises(errors.AioError, self.choose, *arguments)
        self.assertIn('--dashboard-insecure-listen', error.resolution)
        self.assertFalse(self.layout.exists)
        self.choose(*arguments, '--dashboard-insecure-listen')
        self.assertEqual('0.0.0.0', self.choose().dashboard_address)

    def refuse(self, *_):
        raise errors.AioError('No.')

    def test_options_cannot_change_under_what_runs(self):
        self.choose()
        self.patch(processes, 'find', lambda *_: 1)
        error = self.assertRaises(aio.errors.AioError, self.choose,
                                  '--port-base', '21000')
        self.assertIn('aio down', error.resolution)
        self.choose()


class OtherCommandsTestCase(CommandCase):

    def test_env_is_what_a_shell_can_eval(self):
        settings = self.make()
        self.assertEqual(0, self.run_command('env'))
        self.assertIn('export OS_AUTH_URL=%s/v3\n' % settings.url('keystone'),
                      self.output.getvalue())

    def test_env_of_the_ordinary_user(self):
        self.make()
        for words, text in ((('--user', 'demo'), 'OS_USERNAME=demo\n'),
                            (('--user', 'demo', '--by-file'),
                             'OS_CLOUD=nova-vmrun-demo\n')):
            self.assertEqual(0, self.run_command('env', *words))
            self.assertIn(text, self.output.getvalue())

    def test_down_twice_is_harmless(self):
        self.make()
        self.assertEqual(0, self.run_command('down'))
        self.assertIn('It is already down.', self.output.getvalue())

    def test_down_of_nothing_is_one_clear_line(self):
        self.assertEqual(1, self.run_command('down'))
        self.assertIn('There is no control plane in %s.' % self.layout.root,
                      self.log.output)

    def test_wipe_of_nothing_is_harmless(self):
        self.assertEqual(0, self.run_command('wipe'))
        self.assertFalse(self.layout.root.exists())

    def test_wipe_never_touches_what_is_not_ours(self):
        self.layout.root.mkdir()
        (self.layout.root / 'letter.txt').write_text('Dear')
        self.assertEqual(0, self.run_command('wipe'))
        self.assertTrue((self.layout.root / 'letter.txt').exists())

    def wipe(self, *arguments, answer=''):
        self.app.stdin = io.StringIO(answer)
        return self.run_command('wipe', *arguments)

    def test_wipe_says_what_there_is_and_asks(self):
        self.make()
        server = self.layout.instances / 'e3b0c442'
        server.mkdir()
        (server / 'e3b0c442.vmx').write_text('')
        self.assertEqual(1, self.wipe(answer='no\n'))
        self.assertIn(': 1 server, 0 images, ', self.output.getvalue())
        self.assertIn('e3b0c442', self.output.getvalue())
        self.assertTrue(self.layout.exists)

    def test_wipe_that_nobody_can_answer_removes_nothing(self):
        self.make()
        self.assertEqual(1, self.wipe())
        self.assertIn('aio wipe --yes', self.log.output)
        self.assertTrue(self.layout.exists)

    def test_wipe_removes_after_a_yes(self):
        for arguments, answer in (((), 'yes\n'), (('--yes',), '')):
            self.make()
            self.assertEqual(0, self.wipe(*arguments, answer=answer))
            self.assertFalse(self.layout.root.exists())

    def test_missing_extra_says_how_to_get_it(self):
        self.make()
        self.patch(aio, '_PACKAGES', ('keystone', 'nothing_of_the_kind'))
        self.assertEqual(1, self.run_command('status'))
        self.assertIn('pip install "nova-vmrun[aio]"', self.log.output)

    def test_traceback_only_with_debug(self):
        self.run_command('down')
        self.assertNotIn('take_action', self.log.output)
        self.app.run(['--debug', 'aio', 'down', '--state-dir',
                      str(self.layout.root)])
        self.assertIn('take_action', self.log.output)


class MainTestCase(base.TestCase):

    def test_reading_commands_do_not_wait_for_openstack(self):
        code = ('import sys, nova_vmrun.cmd.main, nova_vmrun.cmd.aio; '
                'print([name for name in ("nova", "keystone", "neutron", '
                '"openstack", "sqlalchemy") if name in sys.modules])')
        printed = subprocess.run([sys.executable, '-c', code], check=True,
                                 capture_output=True, text=True).stdout
        self.assertEqual('[]\n', printed)

    def test_no_command_prints_help(self):
        app = main.VmrunApp()
        app.stdout = io.StringIO()
        self.patch(app, 'configure_logging', lambda: None)
        self.assertRaises(SystemExit, app.run, [])
        self.assertIn('aio up', app.stdout.getvalue())
