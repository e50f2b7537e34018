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

import dataclasses
import json
import os
from unittest import mock

import fixtures

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import doctor
from nova_vmrun.cmd import host_options
from nova_vmrun.doctor import examination
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.doctor import gather
from nova_vmrun.doctor import steps
from tests.unit import base
from tests.unit.cmd import commands
from tests.unit.doctor import hosts

_FAULT = finding.wrong('clock', 'It\x1b[1m stands still.', 'Wind it up.')


class DoctorTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.state_dir = self.useFixture(fixtures.TempDir()).path
        self.gatherer = self.useFixture(fixtures.MockPatchObject(
            gather, 'Gatherer')).mock
        self.examine = self.useFixture(fixtures.MockPatchObject(
            examination, 'examine', return_value=[
                finding.ok('user', 'It is you.')])).mock
        self.find_config_files = self.useFixture(fixtures.MockPatchObject(
            host_options.cfg, 'find_config_files', return_value=[])).mock
        self.useFixture(fixtures.MockPatchObject(
            doctor, '_look_at', return_value='a cloud'))
        self.ask_about = self.useFixture(fixtures.MockPatchObject(
            doctor, '_ask_about', return_value='a host')).mock

    def run_command(self, *argv):
        return commands.run(doctor.Doctor, '--state-dir', self.state_dir,
                            *argv)

    @property
    def options(self):
        return self.gatherer.call_args.args[0]

    def test_healthy_host(self):
        status, output, _ = self.run_command()
        self.assertEqual(0, status)
        self.assertEqual('ok       user         It is you.\n\n'
                         '0 wrong, 0 warning, 1 ok.\n', output)

    def test_fault(self):
        self.examine.return_value.append(_FAULT)
        status, output, _ = self.run_command()
        self.assertEqual(1, status)
        self.assertIn(r'wrong    clock        It\x1b[1m stands still.'
                      '\n                      To mend it: Wind it up.\n',
                      output)

    def test_json(self):
        self.examine.return_value = [_FAULT]
        status, output, _ = self.run_command('-f', 'json')
        self.assertEqual(1, status)
        self.assertEqual([{'topic': 'clock', 'state': 'wrong',
                           'text': 'It\x1b[1m stands still.',
                           'remedy': 'Wind it up.'}], json.loads(output))

    def test_long_lines_are_wrapped(self):
        self.examine.return_value = [finding.wrong('a', 'b ' * 99, 'c ' * 99)]
        _, output, _ = self.run_command()
        self.assertTrue(all(len(line) < 80 for line in output.splitlines()))

    def run_trial(self, *steps):
        """Run the command on a host where a trial takes the given steps."""
        def run(found, environment, qemu_img, tell):
            for step in steps:
                tell(step)
            return mock.Mock(folder='/nowhere', steps=steps, calls=[])

        self.gatherer.return_value.gather.return_value = hosts.HEALTHY
        path = os.path.join(self.state_dir, 'report')
        with mock.patch.object(doctor.trial, 'Trial', side_effect=run):
            result = self.run_command('--try', '--report', path)
        with open(path) as file:
            return *result, json.load(file)

    def test_trial(self):
        status, _, errors, found = self.run_trial(
            steps.Step('start', (1,), steps.Outcome.OK, '', 1.5))
        self.assertEqual(0, status)
        self.assertTrue(errors.startswith('[  1.5 s] start: ok\n'), errors)
        self.assertEqual({'1': 'holds'}, found['answers'])
        self.assertEqual('17.6.4', found['product']['version'])

    def test_trial_that_fails(self):
        status, _, errors, _ = self.run_trial(
            steps.Step('start', (1,), steps.Outcome.FAILED, 'No.\x1b', 1.5))
        self.assertEqual(1, status)
        self.assertIn(r'start: failed: No.\x1b', errors)

    def test_an_answer_is_no_failure(self):
        status, _, errors, found = self.run_trial(
            steps.Step('add', (43,), steps.Outcome.NO, 'Why.', 1.5))
        self.assertEqual(0, status)
        self.assertIn('add: no: Why.', errors)
        self.assertEqual({'43': 'does not hold'}, found['answers'])

    def test_nothing_to_try(self):
        self.gatherer.return_value.gather.return_value = dataclasses.replace(
            hosts.HEALTHY, product=facts.NoAnswer('It hangs.'))
        status, _, errors = self.run_command('--try')
        self.assertEqual(1, status)
        self.assertIn('Nothing was tried', errors)

    def test_without_configuration(self):
        self.run_command()
        self.assertEqual((None, None), self.examine.call_args.args[1:])
        self.assertIsNone(self.options.instances)
        self.assertEqual(os.path.realpath(self.state_dir),
                         self.options.state_folder)

    def test_configuration_of_nova_compute(self):
        path = os.path.join(self.state_dir, 'nova.conf')
        with open(path, 'w') as file:
            file.write('[DEFAULT]\ninstances_path = /vms\n')
        self.run_command('--config-file', path)
        self.assertEqual('/vms', self.options.instances)
        self.assertEqual((None, 'a host'), self.examine.call_args.args[1:])
        self.ask_about.assert_called_once_with([path])
        self.find_config_files.return_value = [path]
        self.gatherer.reset_mock()
        self.run_command()
        self.assertEqual('/vms', self.options.instances)

    def test_configuration_of_aio(self):
        layout = aio_layout.Layout(self.state_dir)
        layout.create()
        layout.fakes.mkdir()
        aio_settings.Settings(novnc='/novnc').save(layout)
        layout.config_dir('nova').mkdir()
        (layout.config_dir('nova') / 'nova.conf').write_text(
            '[vmrun]\nvmrun_path = /fake\n')
        with mock.patch.object(host_options.processes, 'find', side_effect=(
                lambda _, name: 1 if name == 'nova' else None)):
            self.run_command()
        self.assertEqual('/fake', self.options.vmrun_path)
        self.assertEqual('/novnc', self.options.novnc)
        self.assertEqual({5000: 'keystone', 9292: 'glance', 9696: 'neutron'},
                         self.options.ports)
        self.assertIn('FAKE_VMRUN_STATE', self.options.environment)
        self.assertEqual(('a cloud', None), self.examine.call_args.args[1:])
        self.run_command('--config-file',
                         str(layout.config_dir('nova') / 'nova.conf'))
        self.assertEqual((None, 'a host'), self.examine.call_args.args[1:])
