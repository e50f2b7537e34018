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
import json
import sys

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import admission
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import gate
from nova_vmrun.cluster.first import peer
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import removal
from nova_vmrun.cluster import messages
from tests.unit.cluster import base


class GateTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        self.settings.save(self.layout)
        self.cloud = self.useFixture(fixtures.MockPatchObject(
            cloud, 'connect')).mock.return_value
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined(address='192.0.2.1')

    def run_gate(self, request, *whose):
        out, err = io.StringIO(), io.StringIO()
        self.useFixture(fixtures.MonkeyPatch('sys.stdout', out))
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', err))
        status = gate.main(
            ['--state-dir', str(self.layout.root),
             *(whose or ('--node', 'lab-2'))],
            {'SSH_ORIGINAL_COMMAND': request,
             'SSH_CONNECTION': '192.0.2.7 4 192.0.2.1 2222'})
        sys.stdout.flush()
        return status, out.getvalue(), err.getvalue()

    def refuse(self, request, *whose):
        status, out, _ = self.run_gate(request, *whose)
        self.assertEqual(1, status)
        return json.loads(out)['error']['brief']

    def test_join(self):
        admit = self.useFixture(fixtures.MockPatchObject(
            admission.Admission, 'admit',
            return_value=base.welcome())).mock
        request = base.request()
        status, out, _ = self.run_gate('join ' + request.word(), '--token',
                                       '12ab')
        self.assertEqual(0, status)
        self.assertEqual(base.welcome(), messages.read_welcome(
            messages.read_answer(out)))
        admit.assert_called_once_with(request, token_id='12ab', name=None,
                                      address='192.0.2.7')

    def test_a_token_only_joins(self):
        for verb in ('state', 'leave', 'return'):
            self.assertIn('does not do', self.refuse(verb, '--token', '12ab'))
        status, _, err = self.run_gate('peer lab-3.nova-vmrun', '--token',
                                       '12ab')
        self.assertEqual(1, status)
        self.assertIn('does not do', err)

    def test_other_requests(self):
        for request in ('', 'id', 'sh -c id', 'join', 'join x', 'JOIN',
                        'state;id'):
            self.refuse(request)

    def test_a_node_asks_about_itself(self):
        state = messages.State(True, True, True, False, 3)
        self.cloud.state.return_value = state
        _, out, _ = self.run_gate('state lab-3')
        self.assertEqual(state, messages.read_state(
            messages.read_answer(out)))
        self.cloud.state.assert_called_once_with('lab-2')
        self.assertEqual('192.0.2.7', registry.load(
            self.layout).node('lab-2').address)

    def test_a_node_returns(self):
        self.assertEqual(0, self.run_gate('return')[0])
        self.cloud.set_fenced.assert_called_once_with('lab-2', False)

    def test_a_node_leaves(self):
        leave = self.useFixture(fixtures.MockPatchObject(
            removal, 'leave',
            side_effect=[None, errors.AioError('It has servers.')])).mock
        self.assertEqual(0, self.run_gate('leave lab-3')[0])
        self.assertEqual('It has servers.', self.refuse('leave'))
        for call in leave.call_args_list:
            self.assertEqual('lab-2', call.args[2])

    def test_a_node_reaches_another(self):
        connect = self.useFixture(fixtures.MockPatchObject(
            peer, 'connect', side_effect=[None, errors.AioError('No.')])).mock
        self.assertEqual((0, '', ''), self.run_gate('peer a.nova-vmrun'))
        self.assertEqual('a.nova-vmrun', connect.call_args.args[2])
        self.assertIsInstance(connect.call_args.args[1],
                              aio_settings.Settings)
        self.assertEqual((1, '', 'No.\n'), self.run_gate('peer b.nova-vmrun'))
