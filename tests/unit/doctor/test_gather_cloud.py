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

from unittest import mock

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.doctor import gather_cloud
from nova_vmrun import exception
from nova_vmrun.tools import process
from tests.unit import base
from tests.unit.doctor import test_cloud

_LOG = '''\
2026-11-29 17:00:00.001 10 ERROR nova.compute [None req-1 a b] Old.
2026-11-29 17:00:01.002 20 INFO nova.compute [-] Fine.
2026-11-29 17:00:02.003 20 ERROR nova.compute [-] [instance: u] No disk.
2026-11-29 17:00:02.003 20 ERROR nova.compute Traceback (most recent call):
2026-11-29 17:00:03.004 20 INFO nova.compute [-] What an ERROR is.
'''


class LastErrorTestCase(base.TestCase):

    def last(self, text, pid):
        path = self.useFixture(fixtures.TempDir()).path + '/log'
        with open(path, 'w') as file:
            file.write(text)
        return gather_cloud.last_error(path, pid)

    def test_error_of_the_process(self):
        self.assertEqual('2026-11-29 17:00:02.003 No disk.',
                         self.last(_LOG, 20))

    def test_errors_before_it_started(self):
        self.assertEqual('', self.last(_LOG, 30))

    def test_service_that_is_down(self):
        self.assertEqual('2026-11-29 17:00:00.001 Old.',
                         self.last(_LOG.splitlines()[0], None))

    def test_long_logs_and_texts(self):
        line = '2026-11-29 17:00:00 10 ERROR a [-] %s\n' % ('b' * 900)
        self.assertEqual(20 + 300, len(self.last(line * 2000, 10)))

    def test_no_log(self):
        self.assertEqual('', gather_cloud.last_error('/missing', 1))


class GatherTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        layout = aio_layout.Layout(self.useFixture(fixtures.TempDir()).path)
        layout.create()
        aio_settings.Settings().save(layout)
        self.service = mock.Mock(state='ready', ready=True, pid=1,
                                 log=str(layout.log('nova')))
        self.service.name = 'nova'
        self.useFixture(fixtures.MockPatchObject(
            gather_cloud.status, 'services', return_value=[self.service]))
        self.read = self.useFixture(fixtures.MockPatchObject(
            gather_cloud.health, 'read_providers',
            return_value=[test_cloud.NODE])).mock
        self.run_orphans = self.useFixture(fixtures.MockPatchObject(
            process.Runner, 'run')).mock
        self.run_orphans.return_value = process.Result(
            (), 1, '[{"Kind": "snapshot"}]', '')
        self.gather = gather_cloud.CloudGatherer(layout).gather

    def test_everything(self):
        found = self.gather()
        self.assertEqual('ready', found.services[0].state)
        self.assertRegex(found.services[0].version, r'^\d+\.')
        self.assertEqual((test_cloud.NODE,), found.nodes)
        self.assertEqual(1, found.leftovers.count)

    def test_services_that_are_not_ready_are_not_asked(self):
        self.service.ready = False
        found = self.gather()
        self.assertFalse(self.read.called)
        self.assertIsNone(found.nodes)
        self.assertIsNone(found.leftovers)
        self.assertFalse(self.run_orphans.called)

    def test_placement_that_does_not_answer(self):
        self.read.return_value = None
        self.assertIsNone(self.gather().nodes)

    def test_search_that_fails(self):
        self.run_orphans.return_value = process.Result((), 1, '', 'Sorry.\n')
        found = self.gather().leftovers
        self.assertEqual((None, 'Sorry.'), (found.count, found.failure))
        self.run_orphans.side_effect = exception.ToolTimeout('It hangs.')
        self.assertEqual('It hangs.', self.gather().leftovers.failure)

    def test_missing_package(self):
        self.assertEqual('not installed', gather_cloud._version('no-such'))
