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
import os
import subprocess

import fixtures

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial
from nova_vmrun.doctor import trial_report
from nova_vmrun import exception
from nova_vmrun.host import product
from tests.contract import from_report
from tests.contract import transcripts
from tests.unit import base

_INSTALL = os.path.join(os.path.dirname(__file__), '..', '..', 'fakes',
                        'install')


class TrialTestCase(base.TestCase):
    """On the fakes, which are programs that make real files."""

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        subprocess.run([_INSTALL, folder + '/bin'], check=True,
                       stdout=subprocess.DEVNULL)
        self.environment = {'FAKE_VMRUN_STATE': folder + '/state'}
        self.vmrun = folder + '/bin/vmrun'
        self.told = []

    def run_trial(self, kind=product.WORKSTATION, vdiskmanager=True, **knobs):
        found = product.Product(
            kind, product.Version(17, 6, 4), self.vmrun,
            vdiskmanager and os.path.join(os.path.dirname(self.vmrun),
                                          'vmware-vdiskmanager'))
        done = trial.Trial(
            found, {**self.environment, **{
                'FAKE_VMRUN_' + name: value for name, value in knobs.items()}},
            'qemu-img', self.told.append)
        done.run()
        self.assertFalse(os.path.exists(done.folder))
        self.assertEqual(self.told, done.steps)
        listed = subprocess.run(
            [self.vmrun, 'list'], env={**os.environ, **self.environment},
            check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual('Total running VMs: 0\n', listed)
        return done, trial_report.make(done, found)

    def ask_nothing(self):
        """Leave out the questions, which take time."""
        for questions in (trial.device_questions.DeviceQuestions,
                          trial.disk_questions.DiskQuestions,
                          trial.refusal_questions.RefusalQuestions):
            self.useFixture(fixtures.MockPatchObject(
                questions, 'all', return_value=[]))

    def outcomes(self, done):
        return {step.name: step.outcome for step in done.steps}

    def test_noisy_host_without_tools(self):
        done, report = self.run_trial(NOISE='1', TOOLS='unknown')
        found = self.outcomes(done)
        self.assertEqual(steps.Outcome.NO, found.pop('add a TPM'))
        for name in ('add a disk to a running VM',
                     'add an adapter to a running VM',
                     'guest that fills a serial port',
                     'pause, snapshot and clone on Player'):
            self.assertEqual(steps.Outcome.NOT_ASKED, found.pop(name))
        # These depend on the host.
        for name in ('volume on a device', 'volume in a FUSE file'):
            self.assertIn(found.pop(name), (steps.Outcome.YES,
                                            steps.Outcome.NOT_ASKED))
        self.assertEqual({steps.Outcome.OK, steps.Outcome.YES},
                         set(found.values()), done.steps)
        answers = report['answers']
        self.assertEqual('fakes of VMware Workstation 17.6.4',
                         report['answered_by'])
        for number in (43, 44):
            self.assertEqual('not asked: no vmcli here.',
                             answers.pop(str(number)))
        self.assertEqual('does not hold', answers.pop('45'))
        self.assertEqual(
            'not asked: the guests of the fakes run no programs.',
            answers.pop('52'))
        self.assertEqual('not asked: this is not Player.', answers.pop('27'))
        for number in (50, 51):
            answers.pop(str(number))
        self.assertEqual(
            dict.fromkeys(map(str, (1, 2, 3, 7, 10, 14, 15, 16, 17, 38, 39,
                                    40, 41, 42, 46, 47, 48, 49)), 'holds'),
            answers)
        start = next(call for call in report['calls']
                     if call['step'] == 'start')
        self.assertIn('+ first/serial.log', start['files'])
        self.assert_makes_a_transcript(report)
        text = json.dumps(report)
        for private in (done.folder, os.path.dirname(self.vmrun)):
            self.assertNotIn(private, text)
        self.assertIn('{dir}/first/first.vmx', text)
        self.assertEqual(['vmrun', '-T', 'ws'], next(
            call['argv'][:3] for call in report['calls']
            if call['argv'][0] == 'vmrun'))

    def assert_makes_a_transcript(self, report):
        folder = self.useFixture(fixtures.TempDir()).path
        from_report.write(json.loads(json.dumps(report)), folder)
        found = transcripts.load(folder)
        calls, = found['doctor --try of ws 17.6.4: start'].values()
        list_, = (call for call in calls
                  if call['argv'] == ['-T', 'ws', 'list'])
        # There is none of the host's noise in it.
        self.assertEqual(
            ('vmrun', 0, 'Total running VMs: 1\n{dir}/first/first.vmx\n', ''),
            tuple(list_[key] for key in ('program', 'rc', 'out', 'err')))

    def test_player_cannot_do_everything(self):
        self.ask_nothing()
        done, _ = self.run_trial(product.PLAYER, PRODUCT='player')
        found = self.outcomes(done)
        for name in ('pause and unpause', 'snapshot and delete it',
                     'snapshot of a VM with a volume'):
            self.assertEqual(steps.Outcome.NOT_ASKED, found.pop(name))
        self.assertEqual({steps.Outcome.OK}, set(found.values()), done.steps)

    def test_start_that_fails_ends_the_trial(self):
        done, report = self.run_trial(MODULES_MISSING='vmmon')
        self.assertEqual({'make disks': steps.Outcome.OK,
                          'start': steps.Outcome.FAILED},
                         self.outcomes(done))
        self.assertEqual('does not hold', report['answers']['1'])

    def test_no_vdiskmanager(self):
        done, report = self.run_trial(vdiskmanager=None)
        self.assertEqual({'make disks': steps.Outcome.FAILED},
                         self.outcomes(done))
        self.assertEqual({}, report['answers'])

    def test_outcomes_of_questions(self):
        def fail(error):
            raise error

        yes = steps.Answer(True, 'Look:', ('line',))
        self.ask_nothing()
        trial.disk_questions.DiskQuestions.all.return_value = [
            steps.Question(name, (number,), ask) for name, number, ask in (
                ('yes', 90, lambda: yes),
                ('no', 91, lambda: steps.Answer(False, 'Why.')),
                ('refused', 92, lambda: fail(exception.ToolRefused('No.'))),
                ('fruitless', 93, lambda: fail(steps.Failure('Nothing.'))),
                ('vain', 94, lambda: fail(steps.NotAsked('no tool.'))),
                ('odd', 95, lambda: fail(OSError('full'))))]
        self.useFixture(fixtures.MockPatchObject(
            trial.Trial, '_try_all', return_value=True))
        done, report = self.run_trial()
        self.assertEqual(
            [('yes', 'Look:', ('line',)), ('no', 'Why.', ()),
             ('no', 'No.', ()), ('no', 'Nothing.', ()),
             ('not asked', 'no tool.', ()), ('not asked', 'full', ())],
            [(step.outcome, step.text, step.evidence)
             for step in done.steps])
        self.assertEqual(
            {'90': 'holds', '91': 'does not hold', '92': 'does not hold',
             '93': 'does not hold', '94': 'not asked: no tool.',
             '95': 'not asked: full'}, report['answers'])
