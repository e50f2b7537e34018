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

from nova_vmrun.bench import deadline
from nova_vmrun import exception
from tests.unit import base


class DeadlineTestCase(base.TestCase):

    def test_program_that_hangs_is_killed_at_the_deadline(self):
        runner = deadline.Runner()
        runner.deadline = deadline.Deadline(0.2)
        self.assertRaises(exception.ToolTimeout, runner.run, 'sleep', '60',
                          timeout=60)
        error = self.assertRaises(deadline.TimeIsUp, runner.run, 'true',
                                  timeout=60)
        self.assertIn('--timeout', error.resolution)

    def test_shorter_timeout_stays(self):
        self.assertEqual(3, deadline.Deadline(60).bound(3))

    def test_no_deadline(self):
        self.assertEqual(0, deadline.Runner().run('true',
                                                  timeout=60).exit_code)

    def test_recorder(self):
        recorder = deadline.Recorder()
        recorder.run('true', timeout=60)
        self.assertEqual(('true',), recorder.calls[0].argv)
        recorder.deadline = deadline.Deadline(0)
        self.assertRaises(deadline.TimeIsUp, recorder.run, 'true',
                          timeout=60)
