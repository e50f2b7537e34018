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

from nova_vmrun.aio.demo import commands
from nova_vmrun.aio.demo import runner
from nova_vmrun.aio.demo import session
from nova_vmrun.aio.demo import steps
from nova_vmrun.aio import down
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from tests.unit.aio import base


class RunnerTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.calls = []
        self.patch(steps, 'STEPS', (self.first, self.second))
        self.patch(steps, 'clean_up', self.clean_up)
        self.patch(down, 'down', lambda *_: self.calls.append('down'))
        self.patch(guests, 'stop_all',
                   lambda *_: self.calls.append('stop_all'))
        self.failure = None

    def first(self, found):
        """Do one thing"""
        self.calls.append('first')

    def second(self, found):
        """Do another"""
        self.layout.log('nova').write_text(
            '2026-11-21 01:26:01 11 ERROR nova.compute Too late\n')
        if self.failure:
            raise self.failure
        self.calls.append('second')

    def clean_up(self, found):
        """Clean up"""
        self.calls.append('clean_up')

    def run_demo(self, keep=False):
        runner.run(session.Session(
            self.layout, self.settings, self.report, keep,
            commands.Commands()))

    def test_all_steps_run_and_nothing_is_left(self):
        self.run_demo()
        self.assertEqual(['first', 'second', 'clean_up'], self.calls)
        self.assertIn('3/3 Clean up', self.lines())

    def test_durations_are_printed(self):
        self.run_demo()
        self.assertIn(' s  Do another\n', self.output.getvalue())
        self.assertIn(' s  in total\n', self.output.getvalue())

    def test_kept_control_plane_is_not_cleaned_up_but_explained(self):
        self.run_demo(keep=True)
        self.assertEqual(['first', 'second'], self.calls)
        self.assertIn('source %s' % self.layout.openrc_demo,
                      self.output.getvalue())

    def test_failure_names_the_step_the_cause_and_the_logs(self):
        self.failure = errors.AioError('The server is in ERROR.', 'No room.')
        error = self.assertRaises(errors.AioError, self.run_demo)
        self.assertIn('The demo failed at: Do another. The server is in '
                      'ERROR. No room.', str(error))
        self.assertIn(str(self.layout.logs), error.resolution)

    def test_failure_shows_what_the_log_says_and_stops_all(self):
        self.failure = errors.AioError('The server is in ERROR.')
        self.assertRaises(errors.AioError, self.run_demo)
        self.assertIn('FAILED: Do another\n', self.output.getvalue())
        self.assertIn('  The server is in ERROR.\n', self.output.getvalue())
        self.assertIn('ERROR nova.compute Too late', self.output.getvalue())
        self.assertEqual(['first', 'down', 'stop_all'], self.calls)

    def test_old_errors_of_the_log_are_not_shown(self):
        self.layout.log('glance').write_text(
            '2026-11-21 01:26:01 11 ERROR glance Long ago\n')
        self.failure = errors.AioError('The server is in ERROR.')
        self.assertRaises(errors.AioError, self.run_demo)
        self.assertNotIn('Long ago', self.output.getvalue())

    def test_failure_with_keep_stops_nothing(self):
        self.failure = errors.AioError('The server is in ERROR.')
        self.assertRaises(errors.AioError, self.run_demo, keep=True)
        self.assertEqual(['first'], self.calls)

    def test_error_of_a_library_has_its_kind(self):
        self.failure = KeyError('fixed_ips')
        error = self.assertRaises(errors.AioError, self.run_demo)
        self.assertIn("KeyError: 'fixed_ips'.", str(error))

    def test_interruption_stops_all_too(self):
        self.failure = KeyboardInterrupt()
        error = self.assertRaises(errors.AioError, self.run_demo)
        self.assertIn('It was interrupted.', str(error))
        self.assertEqual(['first', 'down', 'stop_all'], self.calls)


class SessionTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.session = session.Session(
            self.layout, self.settings, self.report, False,
            commands.Commands())
        self.session.server = types.SimpleNamespace(id='uuid')

    def test_check_prints_what_it_has_checked(self):
        self.session.check(True, 'the sky is blue')
        self.assertEqual(['  checked: the sky is blue'], self.lines())

    def test_check_ends_the_demo_where_it_is_not(self):
        error = self.assertRaises(errors.AioError, self.session.check, False,
                                  'the sky is green')
        self.assertEqual('Not so: the sky is green.', error.brief)

    def test_error_of_the_server_has_the_reason_of_nova(self):
        error = self.assertRaises(
            errors.AioError, self.session.refuse_error,
            types.SimpleNamespace(status='ERROR', fault={
                'message': 'No valid host was found.'}))
        self.assertEqual('No valid host was found.', error.details)

    def test_vm_without_files_does_not_run(self):
        self.assertIsNone(self.session.vmx)
        self.assertFalse(self.session.runs())
        error = self.assertRaises(errors.AioError, self.session.require_vmx)
        self.assertEqual('The server has no .vmx on disk.', error.brief)

    def test_vm_that_vmrun_lists_runs(self):
        folder = self.layout.instances / 'uuid'
        folder.mkdir()
        vmx = folder / 'server.vmx'
        vmx.write_text('')
        self.session._guests = types.SimpleNamespace(
            running=lambda: [str(vmx)])
        self.assertEqual(str(vmx), self.session.vmx)
        self.assertEqual(str(vmx), self.session.require_vmx())
        self.assertTrue(self.session.runs())
