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

from nova_vmrun.aio import errors
from nova_vmrun.cluster.node import left_behind
from nova_vmrun import exception
from tests.unit.cluster.node import base
from tests.unit import stubs


def vm(state, reason='', error='', name='a'):
    return dict(uuid=name, vmx='/vms/%s.vmx' % name, state=state,
                reason=reason, error=error)


def vms(*found):
    return [left_behind.Vm(**each) for each in found]


class StopTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.layout.nova_state.mkdir(exist_ok=True)
        (self.layout.nova_state / 'compute_id').write_text('id')
        self.files.nova_conf.parent.mkdir(parents=True, exist_ok=True)
        self.files.nova_conf.write_text('')

    def stop(self, *answer, every=False):
        self.runner = stubs.ScriptedRunner(*answer)
        return left_behind.stop(self.layout, self.member, every, self.runner)

    def answer(self, *found):
        return 0, 'A login shell says hello.\n' + json.dumps(
            {'result': {'vms': found}})

    def test_what_has_become_of_them(self):
        found = vm('stopped', 'it uses volumes')
        self.assertEqual(vms(found), self.stop(self.answer(found)))
        self.assertEqual(
            ('-P', '-m', 'nova_vmrun.cmd.left_behind', '--config-file',
             str(self.files.nova_conf)), self.runner.calls[0][1:])
        self.stop(self.answer(), every=True)
        self.assertEqual('--every', self.runner.calls[0][-1])

    def test_a_look(self):
        found = vm('adopted', 'another host has its disks')
        runner = stubs.ScriptedRunner(self.answer(found))
        self.assertEqual(vms(found), left_behind.look(
            self.layout, self.member, runner))
        self.assertEqual('--look', runner.calls[0][-1])

    def test_a_node_whose_nova_compute_has_never_run(self):
        (self.layout.nova_state / 'compute_id').unlink()
        self.assertEqual([], self.stop())
        self.assertEqual([], self.runner.calls)

    def test_an_error_is_long_and_has_lines(self):
        found, = self.stop(self.answer(vm('failed', error='a\n' * 5000)))
        self.assertIn('a\\na', found.error)

    def test_the_program_fails(self):
        for answer in ((1, json.dumps({'error': {
                'brief': 'No VMware.', 'details': '', 'resolution': ''}})),
                (1, ''), (0, '{"result": {}}'),
                (0, '{"result": {"vms": [1]}}'),
                exception.ToolTimeout('It hangs.')):
            error = self.assertRaises(errors.AioError, self.stop, answer)
            self.assertIn('It is unknown whether', error.brief)
            self.assertIn('vmrun list', error.resolution)
            self.assertTrue(error.details, answer)


class TextsTestCase(base.NodeCase):

    def test_what_a_log_says(self):
        self.assertEqual(
            'The first machine does not let node lab-2 in any more, but 3 VMs '
            'of its servers ran here. Stopped: /vms/a.vmx (it is adopted). '
            'May still run: /vms/b.vmx (It hangs). Run on: /vms/c.vmx (it '
            'uses volumes). If the node was removed on purpose, run '
            '"nova-vmrun node leave --insist" here, which stops those that '
            'run on; until then they may write to volumes that another host '
            'uses. %s' % left_behind._REPAIR,
            left_behind.described('lab-2', vms(
                vm('stopped', 'it is adopted'),
                vm('failed', 'it is adopted', 'It hangs.', name='b'),
                vm('runs', 'it uses volumes', name='c'))))

    def test_many(self):
        text = left_behind.listed('Stopped', vms(vm('stopped')) * 25)
        self.assertIn(' and 5 more.', text)

    def test_one_whose_server_may_be_here(self):
        left_behind.require_no_servers('lab-2', vms(
            vm('stopped'), vm('adopted'), vm('foreign'), vm('failed')))
        error = self.assertRaises(
            errors.AioError, left_behind.require_no_servers, 'lab-2',
            vms(vm('foreign'), vm('runs', 'it uses volumes', name='b')))
        self.assertEqual(
            'The first machine does not let node lab-2 in, and 1 VM of its '
            'servers still runs here.', error.brief)
        self.assertEqual('Nova may have their servers on this node: '
                         '/vms/b.vmx (it uses volumes).', error.details)
        self.assertIn('"nova-vmrun node leave --insist", which stops them.',
                      error.resolution)
        self.assertIn('"nova-vmrun node join"', error.resolution)

    def test_one_that_may_run_on(self):
        left_behind.require_stopped('lab-2', vms(
            vm('stopped'), vm('runs'), vm('foreign')))
        error = self.assertRaises(
            errors.AioError, left_behind.require_stopped, 'lab-2',
            vms(vm('stopped'), vm('failed', error='It hangs.', name='b')))
        self.assertEqual('They are: /vms/b.vmx (It hangs).', error.details)
