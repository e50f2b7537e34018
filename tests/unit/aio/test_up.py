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


import collections
import pathlib
import shutil

import fixtures

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import subnets
from nova_vmrun.aio import up
from nova_vmrun.aio import vmware
from nova_vmrun import exception
from tests.unit.aio import base

_Usage = collections.namedtuple('_Usage', 'total used free')


class Process:
    """A service's process: says its phases one after the other."""

    def __init__(self, pid, phases, status):
        self.pid = pid
        self.phases = phases
        self.status = status

    def poll(self):
        return self.status if not self.phases else None


class World(fixtures.Fixture):
    """Stands for all that `up` starts and asks."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        self.running = {}
        self.phases = {}
        self.status = None
        self.started = []
        self.ended = []
        self.checked = None
        self.free = 10 ** 9
        self.no_subnet = False

    def _setUp(self):
        replace = {
            (processes, 'find'): lambda _, name: self.running.get(name),
            (processes, 'start'): self.start,
            (processes, 'phase'): self.phase,
            (processes, 'end'): lambda pids, _: self.ended.extend(pids),
            (processes, 'resident'): lambda _: 100 * 1024 ** 2,
            (ports, 'check'): self.check,
            (up, '_seed'): lambda *_: None,
            (subnets, 'choose'): self.choose_subnet,
            (vmware, 'choose'): lambda *_: vmware.Programs(
                '/opt/vmrun', None, False),
            (shutil, 'disk_usage'): lambda _: _Usage(0, 0, self.free),
        }
        for (module, name), value in replace.items():
            self.useFixture(fixtures.MonkeyPatch(
                '%s.%s' % (module.__name__, name), value))

    def start(self, layout, name, environment):
        process = Process(
            1000 + len(self.started),
            list(self.phases.get(name, ['loading', processes.READY])),
            self.status)
        self.started.append((name, process, environment))
        return process

    def phase(self, layout, name, pid):
        if self.running.get(name) == pid:
            return processes.READY
        process = next(found for _, found, _ in self.started
                       if found.pid == pid)
        if len(process.phases) > 1:
            return process.phases.pop(0)
        return process.phases[0] if process.phases else ''

    def choose_subnet(self, layout, settings):
        if self.no_subnet:
            raise errors.AioError('VMware has no virtual network.')
        return subnets.Plan('10.0.0.0/24', None, '10.0.0.3', '10.0.0.9', ())

    def check(self, settings, services):
        self.checked = list(services)

    @property
    def names(self):
        return [name for name, _, _ in self.started]


class UpTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(World(self.layout))

    def up(self):
        up.up(self.layout, self.settings, self.report)

    def test_all_are_started_and_seen_ready(self):
        self.up()
        self.assertEqual(list(self.settings.services), self.world.names)
        self.assertEqual(list(self.settings.services), self.world.checked)
        self.assertIn('nova is ready (process 1003, 100 MiB)', self.lines())
        self.assertEqual([], self.world.ended)

    def test_one_line_says_how_to_get_novnc(self):
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.aio.novnc.find', lambda settings: None))
        self.up()
        [line] = [line for line in self.lines() if 'noVNC' in line]
        self.assertIn('package novnc', line)
        self.assertEqual(list(self.settings.services), self.world.names)

    def test_horizon_is_started_where_a_dashboard_is_wanted(self):
        self.settings.dashboard = True
        self.up()
        self.assertEqual('horizon', self.world.names[-1])
        environment = self.world.started[-1][-1]
        self.assertTrue((pathlib.Path(environment['PYTHONPATH'])
                         / 'local' / 'local_settings.py').exists())

    def test_cinder_is_started_where_volumes_are_wanted(self):
        self.settings.volumes = True
        self.up()
        self.assertEqual(list(self.settings.services), self.world.names)
        self.assertTrue(
            (self.layout.config_dir('cinder') / 'cinder.conf').exists())
        self.assertIn('cinder is ready (process 1004, 100 MiB)',
                      self.lines())

    def test_running_services_are_left_alone(self):
        self.world.running = {'keystone': 11, 'nova': 12}
        self.up()
        self.assertEqual(['glance', 'neutron'], self.world.names)
        self.assertEqual(['glance', 'neutron'], self.world.checked)
        self.assertIn('keystone runs already (process 11)', self.lines())

    def test_twice_is_harmless(self):
        self.world.running = dict.fromkeys(aio_layout.SERVICES, 11)
        self.up()
        self.assertEqual([], self.world.names)

    def test_openrc_is_there(self):
        self.up()
        self.assertIn('OS_AUTH_URL', self.layout.openrc.read_text())

    def test_process_knows_where_the_fakes_keep_their_state(self):
        self.up()
        for _, _, environment in self.world.started:
            self.assertEqual(str(self.layout.fake_state),
                             environment['FAKE_VMRUN_STATE'])

    def test_no_password_is_in_an_environment(self):
        self.up()
        for _, _, environment in self.world.started:
            for name, value in environment.items():
                self.assertNotIn('PASSWORD', name)

    def died(self, phases, status, kind=errors.AioError):
        self.world.phases = {'neutron': phases}
        self.world.status = status
        self.world.start = self.start_dead(self.world.start)
        return self.assertRaises(kind, self.up)

    def start_dead(self, start):
        def wrapper(layout, name, environment):
            process = start(layout, name, environment)
            if name == 'neutron':
                process.phases = process.phases[:1]
                process.poll = lambda: self.world.status
            return process
        self.patch(processes, 'start', wrapper)
        return wrapper

    def test_dead_service_says_its_last_words_and_names_its_log(self):
        error = self.died(['failed: no such driver'], 1)
        self.assertEqual(
            'neutron died. no such driver Read %s.'
            % self.layout.log('neutron'), str(error))

    def test_killed_service_names_the_signal(self):
        error = self.died(['loading'], -9)
        self.assertEqual('It was ended by SIGKILL.', error.details)

    def test_service_that_died_silently_shows_the_log(self):
        self.layout.log('neutron').write_text(
            'Traceback\nImportError: no module\n')
        error = self.died(['loading'], 1)
        self.assertEqual('ImportError: no module', error.details)

    def test_half_a_control_plane_is_not_left(self):
        self.died(['loading'], 1)
        self.assertEqual([1000, 1001, 1002, 1003], self.world.ended)

    def test_service_that_ran_before_is_not_ended(self):
        self.world.running = {'keystone': 11}
        self.died(['loading'], 1)
        self.assertNotIn(11, self.world.ended)

    def test_hanging_service_is_one_clear_line(self):
        self.patch(up, 'START_TIMEOUT', 0)
        self.world.phases = {'keystone': [processes.READY],
                             'glance': ['making its database']}
        error = self.assertRaises(errors.AioError, self.up)
        self.assertEqual(
            'glance did not become ready within 0 s. It says: making its '
            'database. Read %s.' % self.layout.log('glance'), str(error))

    def test_full_disk_is_one_clear_line_before_anything_starts(self):
        self.world.free = 1024 ** 2
        error = self.assertRaises(exception.DiskFull, self.up)
        self.assertIn('It needs 200 MiB. The file system of %s has 1 MiB free.'
                      % self.layout.root, str(error))
        self.assertEqual([], self.world.names)

    def test_disk_that_fills_up_is_named_as_the_cause(self):
        def fill(*arguments):
            self.world.free = 0

        self.patch(client, 'write_files', fill)
        error = self.died(['loading'], 1, exception.DiskFull)
        self.assertIn('has 0 MiB free', error.details)

    def test_network_that_vmware_does_not_have_starts_nothing(self):
        self.world.no_subnet = True
        self.assertRaises(errors.AioError, self.up)
        self.assertEqual([], self.world.names)

    def test_taken_port_starts_nothing(self):
        def taken(settings, services):
            raise errors.AioError('Port 5000 is taken.')

        self.patch(ports, 'check', taken)
        self.assertRaises(errors.AioError, self.up)
        self.assertEqual([], self.world.names)

    def test_silence_is_broken(self):
        self.patch(up, '_SILENCE', -1)
        self.up()
        self.assertIn('waiting for keystone, glance, neutron, nova',
                      self.lines())

    def test_variables_of_another_cloud_reach_no_service(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', 'sqlite:////tmp/other.db'))
        self.up()
        for name, _, environment in self.world.started:
            self.assertNotIn('OS_DATABASE__CONNECTION', environment, name)
