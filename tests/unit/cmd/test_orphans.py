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

import types
from unittest import mock

import fixtures

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd import orphans
from nova_vmrun.cmd import servers
from nova_vmrun.server import orphans as finder
from tests.unit import base
from tests.unit.cmd import commands

UUID = '11111111-2222-3333-4444-555555555555'
SERVER = finder.Server(is_here=True, is_busy=False)


class OrphansTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        conf = types.SimpleNamespace(
            instances_path=self.useFixture(fixtures.TempDir()).path,
            image_cache=types.SimpleNamespace(
                remove_unused_original_minimum_age_seconds=1))
        self.useFixture(fixtures.MockPatchObject(
            compute_host, 'configuration', return_value=(conf, 'this-node')))
        self.nova = self.useFixture(fixtures.MockPatchObject(
            servers, 'Servers', autospec=True)).mock.return_value
        self.nova.all.return_value = {UUID: SERVER}
        self.nova.get.return_value = SERVER
        self.work = self.useFixture(fixtures.MockPatchObject(
            compute_host, 'open_hypervisor')).mock.return_value.orphans
        self.work.remove.return_value = ''
        self.work.finder.of_cache.return_value = []

    def run_command(self, *found, options=()):
        self.work.finder.of_servers.return_value = list(found)
        return commands.run(orphans.Orphans, '-f', 'value', *options)

    def orphan(self, kind=finder.SNAPSHOT, path='/vm', **options):
        return finder.Orphan(kind, path, UUID, 'reason', **options)

    def test_names_cannot_steer_a_terminal(self):
        _status, output, _ = self.run_command(
            self.orphan(path='/a\x1b]0;title\x07\n\u202eb'))
        self.assertEqual(
            'snapshot %s reason \n' % r'/a\x1b]0;title\x07\n\u202eb', output)

    def test_nothing_is_removed_without_being_asked(self):
        self.assertEqual(1, self.run_command(self.orphan())[0])
        self.assertFalse(self.work.remove.called)

    def test_server_that_changed_in_nova_is_kept(self):
        for now in (None, finder.Server(is_here=True, is_busy=True)):
            self.nova.get.return_value = now
            status, output, _ = self.run_command(
                self.orphan(), options=['--delete'])
            self.assertEqual(1, status)
            self.assertIn('The server has since changed in Nova', output)
        self.assertFalse(self.work.remove.called)

    def test_one_that_cannot_be_removed_does_not_keep_the_others(self):
        self.work.remove.side_effect = [OSError(30, 'Read-only'), '']
        status, output, _ = self.run_command(
            self.orphan(), self.orphan(), options=['--delete'])
        self.assertEqual(1, status)
        self.assertIn('Read-only', output)
        self.assertIn('removed', output)

    def test_nothing_is_removed_while_nova_does_not_answer(self):
        self.nova.get.side_effect = RuntimeError('HTTP 503')
        status, output, _ = self.run_command(self.orphan(),
                                             options=['--delete'])
        self.assertIn('HTTP 503', output)
        self.assertFalse(self.work.remove.called)

    def test_ages(self):
        self.run_command(options=['--min-age', '5'])
        self.assertEqual(mock.call({UUID: SERVER}, 300),
                         self.work.finder.of_servers.call_args)
        self.assertEqual(mock.call({UUID: SERVER}, 1),
                         self.work.finder.of_cache.call_args)
