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

"""How the report of a trial becomes a transcript."""

import contextlib
import copy
import io
import json
import os

import fixtures
import testtools

from tests.contract import from_report
from tests.contract import transcripts

_KEY = 'doctor --try of ws 17.6.4: start'


def call(step, *argv, **values):
    return {'step': step, 'argv': list(argv), 'exit_code': 0, 'out': '',
            'err': '', 'files': [], 'seconds': 0.5, **values}


def step(name, outcome='ok'):
    return {'name': name, 'claims': [1], 'outcome': outcome, 'text': '',
            'evidence': [], 'seconds': 0.5}


REPORT = {
    'format': 2,
    'product': {'kind': 'ws', 'name': 'VMware Workstation',
                'version': '17.6.4', 'is_fake': False},
    'host': {'system': 'Linux'},
    'steps': [step('start'), step('stop', 'failed'), step('screen'),
              step('add', 'yes'), step('pause', 'not asked')],
    'calls': [
        call('start', 'qemu-img', 'create', '{dir}/x'),
        call('start', 'vmrun', '-T', 'ws', 'start', '{dir}/vm.vmx', 'nogui',
             err='[AppLoader] Use shipped Linux kernel AIO access library.\n',
             files=['+ vm.vmxf', '+ vmware.log', '+ vm.vmx.lck/M1.lck',
                    '- old name', '~ vm.vmx', '~ first/serial.log']),
        call('stop', 'vmrun', '-T', 'ws', 'list',
             out='Total running VMs: 3\n{path}/mine.vmx\n{dir}/b\n{dir}/a\n'),
        call('stop', 'vmrun', '-T', 'ws', 'stop', '{dir}/vm.vmx', 'soft',
             exit_code=None, err='It timed out.'),
        call('add', 'vmrun', '-T', 'ws', 'start', '{dir}/vm.vmx', 'nogui'),
        call('add', 'vmcli', '{dir}/vm.vmx', 'Disk', 'query'),
        call('pause', 'vmrun', '-T', 'ws', 'list'),
        call('', 'vmrun', '-T', 'ws', 'stop', '{dir}/vm.vmx', 'hard')]}


class RecordsTest(testtools.TestCase):

    def test_steps_that_can_be_compared(self):
        found = from_report.records(REPORT)
        self.assertEqual([('ws', '17.6.4', 'start'),
                          ('ws', '17.6.4', 'stop')], list(found))

    def test_call(self):
        entry, = from_report.records(REPORT)['ws', '17.6.4', 'start']
        self.assertEqual(
            {'program': 'vmrun', 'rc': 0, 'out': '', 'err': '',
             'argv': ['-T', 'ws', 'start', '{dir}/vm.vmx', 'nogui'],
             'files': ['+ vm.vmxf', '- old name', '~ vm.vmx'],
             'seconds': 0.5}, entry)

    def test_list_and_killed_program(self):
        list_, stop = from_report.records(REPORT)['ws', '17.6.4', 'stop']
        self.assertEqual('Total running VMs: 2\n{dir}/a\n{dir}/b\n',
                         list_['out'])
        self.assertIsNone(stop['rc'])

    def changed(self, *path, value):
        report = copy.deepcopy(REPORT)
        found = report
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value
        return report

    def test_other_files(self):
        for report in ([], {}, {'format': 2}, self.changed('format', value=1),
                       self.changed('product', 'kind', value='../x'),
                       self.changed('product', 'version', value='1/2'),
                       self.changed('calls', 0, 'argv', value=None)):
            self.assertRaises(from_report.BadReport, from_report.records,
                              report)

    def test_keys(self):
        key = from_report.Key('ws', '17.6.4', 'start')
        self.assertEqual(_KEY, str(key))
        self.assertEqual(key, from_report.Key.parse(_KEY))
        self.assertIsNone(from_report.Key.parse(
            'tests.contract.test_power.PowerTest.test_start'))


class MainTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MonkeyPatch(
            'tests.contract.transcripts.FOLDER', self.folder))

    def run_main(self, report, *options):
        path = os.path.join(self.folder, 'report.json')
        with open(path, 'w', encoding='utf-8') as f:
            json.dump(report, f)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            error = from_report.main([path, *options])
        return error, output.getvalue().strip()

    def test_the_reader_takes_what_is_written(self):
        error, path = self.run_main(REPORT)
        self.assertIsNone(error)
        name = 'ws-17.6.4-linux-try.jsonl'
        self.assertEqual(os.path.join(self.folder, name), path)
        found = transcripts.load(self.folder)
        self.assertEqual([_KEY, 'doctor --try of ws 17.6.4: stop'],
                         sorted(found))
        recorded = found[_KEY][name]
        again = from_report.records(REPORT)['ws', '17.6.4', 'start']
        self.assertEqual([], transcripts.differences(recorded, again))
        again[0]['out'] = 'Error: Unknown error\n'
        self.assertEqual(1, len(transcripts.differences(recorded, again)))

    def test_fakes_are_not_compared_with_themselves(self):
        report = dict(REPORT, product=dict(REPORT['product'], is_fake=True))
        error, _ = self.run_main(report)
        self.assertIn('compared with themselves', error)
        other = self.useFixture(fixtures.TempDir()).path
        self.assertIsNone(self.run_main(report, '--folder', other)[0])

    def test_nothing_to_compare(self):
        error, _ = self.run_main(dict(REPORT, calls=[]))
        self.assertIn('It has no step with calls', error)

    def test_no_report(self):
        error, _ = self.run_main([])
        self.assertIn('It is no report', error)
        error = from_report.main([os.path.join(self.folder, 'none')])
        self.assertIn('No such file', error)
