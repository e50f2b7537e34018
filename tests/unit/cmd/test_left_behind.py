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

import contextlib
import io
import json
import types

import fixtures

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd import left_behind
from nova_vmrun import exception
from nova_vmrun.ops import left_behind as work
from tests.unit import base

VM = work.Vm('id', '/vms/id/id.vmx', work.State.FAILED, 'it uses volumes',
             'It hangs.')


class LeftBehindTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        conf = types.SimpleNamespace(
            instances_path=self.useFixture(fixtures.TempDir()).path)
        self.configuration = self.useFixture(fixtures.MockPatchObject(
            compute_host, 'configuration',
            return_value=(conf, 'this-node'))).mock
        self.work = self.useFixture(fixtures.MockPatchObject(
            compute_host, 'open_hypervisor')).mock.return_value.left_behind
        self.stop = self.work.stop
        self.stop.return_value = [VM]

    def main(self, *argv):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = left_behind.main(argv)
        return status, json.loads(out.getvalue())

    def test_what_has_become_of_vms(self):
        self.assertEqual((0, {'result': {'vms': [{
            'uuid': 'id', 'vmx': '/vms/id/id.vmx', 'state': 'failed',
            'reason': 'it uses volumes', 'error': 'It hangs.'}]}}),
            self.main('--config-file', 'a', '--config-file', 'b'))
        self.configuration.assert_called_once_with(['a', 'b'])
        self.stop.assert_called_once_with(False)

    def test_every_vm(self):
        self.main('--every')
        self.stop.assert_called_once_with(True)

    def test_a_look_stops_none(self):
        self.work.running.return_value = [VM]
        status, answer = self.main('--look')
        self.assertEqual((0, 1), (status, len(answer['result']['vms'])))
        self.stop.assert_not_called()

    def test_a_failure(self):
        self.stop.side_effect = exception.WrongProduct('No VMware.')
        status, answer = self.main()
        self.assertEqual((1, 'No VMware.'),
                         (status, answer['error']['brief']))

    def test_another_user_would_see_no_vms(self):
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=12345))
        self.assertEqual(1, self.main()[0])
        self.stop.assert_not_called()
