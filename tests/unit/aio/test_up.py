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
import shutil
from unittest import mock

import fixtures
from openstack import exceptions as sdk_exceptions

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import starting
from nova_vmrun.aio import subnets
from nova_vmrun.aio import up
from nova_vmrun.aio import vmware
from nova_vmrun import exception
from tests.unit.aio import base

_Usage = collections.namedtuple('_Usage', 'total used free')


class Launcher:
    """Stands for the process that starts the services."""

    def __init__(self):
        self.status = None
        self.asked_to_end = False
        self.released = False

    def poll(self):
        return self.status

    def terminate(self):
        self.asked_to_end = True


class World(fixtures.Fixture):
    """Stands for all that `up` starts and asks.

    Services have the process numbers 1000, 1001 and so on.
    """

    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        self.running = {}
        self.phases = {}
        self.launcher = Launcher()
        self.environment = {}
        self.names = []
        self.ready_to_start = []
        self.checked = None
        self.free = 10 ** 9
        self.no_subnet = False

    def _setUp(self):
        replace = {
            (processes, 'find'): self.find,
            (processes, 'launch'): self.launch,
            (processes, 'start'): self.start,
            (processes, 'release'): self.release,
            (processes, 'phase'): self.phase,
            (processes, 'resident'): lambda _: 100 * 1024 ** 2,
            (ports, 'check'): self.check,
            (up, '_seed_network'): lambda *_: None,
            (up, '_seed_nova'): lambda *_: None,
            (client, 'connect'): lambda *_: None,
            (subnets, 'choose'): self.choose_subnet,
            (vmware, 'choose'): lambda *_: vmware.Programs(
                '/opt/vmrun', None, False),
            (shutil, 'disk_usage'): lambda _: _Usage(0, 0, self.free),
        }
        for (module, name), value in replace.items():
            self.useFixture(fixtures.MonkeyPatch(
                '%s.%s' % (module.__name__, name), value))

    def find(self, layout, name):
        if name in self.names and self.phases.get(name) != []:
            return 1000 + self.names.index(name)
        return self.running.get(name)

    def launch(self, layout, services, environment):
        self.environment = environment
        self.ready_to_start = list(services)
        return self.launcher

    def start(self, launcher):
        self.names = self.ready_to_start

    def release(self, launcher):
        self.launcher.released = True

    def phase(self, layout, name, pid=None):
        if pid is not None and self.running.get(name) == pid:
            return processes.READY
        phases = self.phases.setdefault(name, ['loading', processes.READY])
        if len(phases) > 1:
            return phases.pop(0)
        return phases[0] if phases else ''

    def choose_subnet(self, layout, settings):
        if self.no_subnet:
            raise errors.AioError('VMware has no virtual network.')
        return subnets.Plan('10.0.0.0/24', None, '10.0.0.3', '10.0.0.9', ())

    def check(self, settings, services):
        self.checked = list(services)


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
        self.assertTrue(self.world.launcher.released)
        self.assertFalse(self.world.launcher.asked_to_end)

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
        self.assertTrue((self.layout.config_dir('horizon')
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
        self.assertEqual(str(self.layout.fake_state),
                         self.world.environment['FAKE_VMRUN_STATE'])

    def test_no_password_is_in_an_environment(self):
        self.up()
        for name in self.world.environment:
            self.assertNotIn('PASSWORD', name)

    def died(self, *phases, kind=errors.AioError):
        self.world.phases['neutron'] = list(phases)
        return self.assertRaises(kind, self.up)

    def test_dead_service_says_its_last_words_and_names_its_log(self):
        error = self.died('failed: no such driver')
        self.assertEqual(
            'neutron died. no such driver Read %s.'
            % self.layout.log('neutron'), str(error))

    def test_service_without_words_shows_the_log_of_the_launcher(self):
        self.layout.launcher_log.write_text(
            'Traceback\nImportError: no module\n')
        self.world.launcher.status = 1
        error = self.died()
        self.assertEqual('neutron died. ImportError: no module Read %s.'
                         % self.layout.launcher_log, str(error))

    def test_service_that_ran_before_and_dies_shows_its_log(self):
        log = self.layout.log('neutron')
        log.write_text('ValueError: of yesterday\n')
        self.world.running = {'neutron': 11}
        others = self.world.find

        def find(layout, name):
            if name != 'neutron':
                return others(layout, name)
            pid = next(self.found)
            if pid is None and self.last_words:
                log.write_text(log.read_text() + self.last_words)
            return pid

        self.patch(processes, 'find', find)
        for self.last_words, cause in (('KeyError: last\n', 'KeyError: last '),
                                       ('', '')):
            self.found = iter([11, None])
            error = self.assertRaises(errors.AioError, self.up)
            self.assertEqual('neutron died. %sRead %s.' % (cause, log),
                             str(error))

    def test_half_a_control_plane_is_not_left(self):
        self.died('failed: no such driver')
        self.assertTrue(self.world.launcher.asked_to_end)
        self.assertTrue(self.world.launcher.released)

    def test_hanging_service_is_one_clear_line(self):
        self.patch(starting, 'START_TIMEOUT', 0)
        self.world.phases = {'keystone': [processes.READY],
                             'neutron': ['making its database']}
        error = self.assertRaises(errors.AioError, self.up)
        self.assertEqual(
            'neutron did not become ready within 0 s. It says: making its '
            'database. Read %s.' % self.layout.log('neutron'), str(error))

    def test_network_is_made_while_nova_starts(self):
        made = []
        self.world.phases = {
            'nova': ['loading'] * 3 + ['starting compute', processes.READY]}
        self.patch(up, '_seed_network', lambda *_: made.append(
            len(self.world.phases['nova'])))
        self.up()
        self.assertLess(1, made[0])

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
        error = self.died('failed: cannot write', kind=exception.DiskFull)
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
        self.patch(starting, '_SILENCE', -1)
        self.up()
        self.assertIn('waiting for keystone, glance, neutron, nova',
                      self.lines())

    def test_variables_of_another_cloud_reach_no_service(self):
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_DATABASE__CONNECTION', 'sqlite:////tmp/other.db'))
        self.up()
        self.assertNotIn('OS_DATABASE__CONNECTION', self.world.environment)


class ComputeTestCase(base.TestCase):
    """Behind a bus, the scheduler finds the compute host after a while."""

    def setUp(self):
        super().setUp()
        self.settings.bus = aio_settings.OWN_BUS

    def check(self, *answers):
        left = list(answers)

        def ask(**_):
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        cloud = mock.Mock()
        cloud.compute.hypervisors = ask
        up._check_compute(self.layout, self.settings, cloud, self.report)

    UP = [mock.Mock(state='up')]
    UP[0].name = 'laptop'

    def test_a_question_that_fails_is_asked_again(self):
        self.check(sdk_exceptions.SDKException('Busy'), [], self.UP)
        self.assertEqual(['compute host laptop is up'], self.lines())

    def test_why_the_last_question_failed(self):
        self.patch(up, '_DISCOVERY_TIMEOUT', 0.6)
        error = self.assertRaises(
            errors.AioError, self.check, sdk_exceptions.SDKException('Busy'))
        self.assertIn('Busy', error.details)
        error = self.assertRaises(
            errors.AioError, self.check,
            sdk_exceptions.SDKException('Busy'), [])
        self.assertEqual('', error.details)
