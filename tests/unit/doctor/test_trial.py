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

from nova_vmrun.doctor import trial
from nova_vmrun.doctor import trial_report
from nova_vmrun.host import product
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

    def outcomes(self, done):
        return {step.name: step.outcome for step in done.steps}

    def test_noisy_host_without_tools(self):
        done, report = self.run_trial(NOISE='1', TOOLS='unknown')
        self.assertEqual({trial.OK}, set(self.outcomes(done).values()),
                         done.steps)
        self.assertEqual(
            dict.fromkeys(map(str, (1, 2, 3, 7, 10, 14, 16, 38, 39, 41)),
                          'holds'),
            report['answers'])
        text = json.dumps(report)
        for private in (done.folder, os.path.dirname(self.vmrun)):
            self.assertNotIn(private, text)
        self.assertIn('{dir}/first/first.vmx', text)
        self.assertEqual(['vmrun', '-T', 'ws'], next(
            call['argv'][:3] for call in report['calls']
            if call['argv'][0] == 'vmrun'))

    def test_player_cannot_do_everything(self):
        done, _ = self.run_trial(product.PLAYER, PRODUCT='player')
        found = self.outcomes(done)
        self.assertEqual(trial.SKIPPED, found.pop('pause and unpause'))
        self.assertEqual(trial.SKIPPED, found.pop('snapshot and delete it'))
        self.assertEqual(trial.SKIPPED,
                         found.pop('snapshot of a VM with a volume'))
        self.assertEqual({trial.OK}, set(found.values()), done.steps)

    def test_start_that_fails_ends_the_trial(self):
        done, report = self.run_trial(MODULES_MISSING='vmmon')
        self.assertEqual({'make disks': trial.OK, 'start': trial.FAILED},
                         self.outcomes(done))
        self.assertEqual('does not hold', report['answers']['1'])

    def test_no_vdiskmanager(self):
        done, report = self.run_trial(vdiskmanager=None)
        self.assertEqual({'make disks': trial.FAILED}, self.outcomes(done))
        self.assertEqual({}, report['answers'])
