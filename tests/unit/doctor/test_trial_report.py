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

import fixtures

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_report
from tests.unit import base


def step(outcome, *claims):
    return steps.Step('step', claims, outcome, '', 1.0)


class ScrubberTestCase(base.TestCase):

    def test_everything_that_identifies_a_host(self):
        self.useFixture(fixtures.EnvironmentVariable('HOME', '/home/annab'))
        self.useFixture(fixtures.MockPatch('getpass.getuser',
                                           return_value='annab'))
        self.useFixture(fixtures.MockPatch('socket.gethostname',
                                           return_value='box7'))
        clean = trial_report.Scrubber('/tmp/try-1').clean
        for text, expected in (
                ('/tmp/try-1/first/first.vmx', '{dir}/first/first.vmx'),
                ('/home/annab/.vmware/x', '{home}/.vmware/x'),
                ('Cannot open "/opt/private name.vmx"',
                 'Cannot open "{path}/private name.vmx"'),
                ('annab@box7, not banannab', '{user}@{host}, not banannab'),
                ('at 192.168.1.4:5900', 'at {address}:5900'),
                ('fa:16:3e:00:00:01', '{mac}'),
                ('56 4d 01 02 03 04 05 06-07 08 09 0a 0b 0c 0d 0e', '{id}'),
                ('11111111-2222-3333-4444-555555555555', '{id}'),
                ('Total running VMs: 0', 'Total running VMs: 0')):
            self.assertEqual(expected, clean(text))

    def test_users_without_a_name(self):
        self.useFixture(fixtures.MockPatch('getpass.getuser',
                                           side_effect=KeyError('uid')))
        self.assertEqual('text', trial_report.Scrubber('/x').clean('text'))


class AnswersTestCase(base.TestCase):

    def test_one_failure_is_enough(self):
        self.assertEqual(
            {'1': 'does not hold', '2': 'holds', '3': 'not asked: ',
             '16': 'does not hold'},
            trial_report.answers([
                step(steps.Outcome.OK, 1, 2),
                step(steps.Outcome.FAILED, 1, 16),
                step(steps.Outcome.OK, 16),
                step(steps.Outcome.NOT_ASKED, 2, 3)]))
