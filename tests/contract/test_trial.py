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

"""The fakes and real products in ``nova-vmrun doctor --try``."""

import os

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial
from nova_vmrun.doctor import trial_report
from nova_vmrun.host import product

from tests.contract import base
from tests.contract import expected
from tests.contract import from_report
from tests.contract import tools
from tests.contract import transcripts


@base.fakes_only
class TrialTest(base.ContractCase):

    def report(self, kind='ws', version='17.6.4', **knobs):
        """Try the fakes of a product and return the report."""
        self.use_product(kind, **knobs)
        if version != 'unknown':
            self.knobs['VERSION'] = version
        numbers = (None if version == 'unknown' else
                   product.Version(*map(int, version.split('.'))))
        found = product.Product(kind, numbers, tools.program('vmrun'),
                                tools.program('vmware-vdiskmanager'))
        done = trial.Trial(
            found, {name: value for name, value in self.environment().items()
                    if name.startswith('FAKE_VMRUN_')},
            'qemu-img', lambda step: None)
        done.run()
        self.assertEqual([], [step for step in done.steps
                              if step.outcome is steps.Outcome.FAILED])
        return trial_report.make(done, found)

    def compare(self, folder, kind, version):
        """Compare the fakes with the transcripts of trials in a folder."""
        report = self.report(kind, version)
        calls = {key.step: found for key, found
                 in from_report.records(report).items()}
        known = {step['name'] for step in report['steps']}
        for name, recorded in transcripts.load(folder).items():
            key = from_report.Key.parse(name)
            if key is None or key[:2] != (kind, version):
                continue
            self.assertIn(key.step, known)
            # What this host cannot ask is not compared.
            if key.step in calls and (
                    key.step not in expected.DIFFERENCES):
                for file, found in recorded.items():
                    self.assertEqual(
                        [], transcripts.differences(found, calls[key.step]),
                        '%s differs from %s' % (key.step, file))

    def test_noise_makes_no_difference(self):
        folder = self.path('transcripts')
        os.mkdir(folder)
        from_report.write(self.report(NOISE='1'), folder)
        self.knobs.pop('NOISE')
        self.compare(folder, 'ws', '17.6.4')

    def test_products_say_the_same(self):
        products = {key[:2] for key in map(
            from_report.Key.parse, transcripts.load()) if key}
        for kind, version in sorted(products):
            self.compare(transcripts.FOLDER, kind, version)
