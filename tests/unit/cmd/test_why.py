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
from unittest import mock

import fixtures
from openstack import exceptions

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import why
from nova_vmrun.doctor import gather_server
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd import commands
from tests.unit.doctor import test_gather_server

_FAULT = ('No valid host was found. It needs 20 GB of disk; 13 of 40 are '
          'free.')
_ERROR = test_gather_server.server(
    status='ERROR', name='web\x1b[1m', fault={'message': _FAULT})


class WhyTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.state_dir = self.useFixture(fixtures.TempDir()).path
        for name in own_cloud.VARIABLES:
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.useFixture(fixtures.MockPatchObject(own_cloud, 'log_in'))
        self.api = self.useFixture(fixtures.MockPatchObject(
            why, 'CloudApi', return_value=test_gather_server.Api({
                '/servers/an-id': {'server': _ERROR},
                gather_server._NEWEST: {'servers': [_ERROR]}}))).mock

    def run_command(self, *argv):
        return commands.run(why.Why, '--state-dir', self.state_dir, *argv)

    def test_sentence_and_advice(self):
        for which in ('an-id', '--last'):
            status, output, _ = self.run_command(which)
            self.assertEqual(0, status)
            self.assertEqual(
                r'web\x1b[1m is in ERROR: the flavor needs 20 GB of disk, 13 '
                'of 40 are free.\nWhat to do: Take a smaller flavor, or free '
                'space in the folder of the servers\non the compute host.\n',
                output)

    def test_json(self):
        _, output, _ = self.run_command('an-id', '-f', 'json')
        found = json.loads(output)
        self.assertEqual('an-id', found['id'])
        self.assertIn('13 of 40 are free', found['cause'])

    def test_control_plane_of_aio_if_no_cloud_is_named(self):
        self.run_command('an-id')
        self.api.assert_called_once_with(own_cloud.log_in.return_value)

    def test_cloud_that_is_named(self):
        log_in = self.useFixture(fixtures.MockPatchObject(
            why.cloud, 'log_in')).mock
        self.run_command('an-id', '--os-cloud', 'work')
        log_in.assert_called_once_with('work')
        self.api.assert_called_once_with(log_in.return_value)

    def test_exactly_one_server(self):
        for argv in ((), ('an-id', '--last')):
            self.assertRaises(SystemExit, self.run_command, *argv)

    def test_control_plane_on_this_machine(self):
        layout = aio_layout.Layout(self.state_dir)
        layout.create()
        aio_settings.Settings().save(layout)
        layout.log('nova').write_text('The server an-id.\n')
        layout.log('neutron').write_text(
            '2026-11-29 17:00:00 1 ERROR nova_vmrun.ml2.mech_vmrun [a] Port '
            'p of server an-id in project project cannot be bound on host '
            'two: the network n is on host one, and a network of type local '
            'ends at its host. More.\n')
        _, output, _ = self.run_command('an-id')
        self.assertIn('/instances.\n', output)
        _ERROR['fault']['message'] = 'Exhausted all hosts.'
        self.addCleanup(_ERROR['fault'].update, message=_FAULT)
        _, output, _ = self.run_command('an-id')
        self.assertIn('the network n is on host one', output)


class CloudApiTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.connection = self.useFixture(fixtures.MockPatchObject(
            why.connection, 'Connection')).mock.return_value
        self.api = why.CloudApi('a cloud')

    def answer(self, service, status):
        request = getattr(self.connection, service).request
        request.return_value = mock.Mock(status_code=status)
        request.return_value.json.return_value = {'a': 1}
        return request

    def test_answers(self):
        request = self.answer('compute', 200)
        self.assertEqual({'a': 1}, self.api.compute('/x'))
        self.assertEqual(('/x', 'GET'), request.call_args.args)
        self.api.compute('/x', {})
        self.assertEqual(('/x', 'POST'), request.call_args.args)
        self.answer('network', 200)
        self.assertEqual({'a': 1}, self.api.network('/x'))

    def test_refusals(self):
        self.answer('placement', 403)
        self.assertIsNone(self.api.placement('/x'))

    def test_services_that_do_not_answer(self):
        for service in ('compute', 'placement'):
            getattr(self.connection, service).request.side_effect = (
                exceptions.SDKException('Gone.'))
        self.assertIsNone(self.api.placement('/x'))
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.api.compute, '/x')
        self.assertIn('nova-vmrun doctor', error.resolution)
