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

"""How runs against a real product are written down and compared."""

import json
import os

import fixtures
import testtools

from tests.contract import base
from tests.contract import tools
from tests.contract import transcripts


def result(out='', rc=0):
    return tools.Result(['vmrun'], rc, out, '', 0.1234)


class EntryTest(testtools.TestCase):

    def entry(self, out='', argv=(), before=(), after=()):
        return transcripts.entry(result(out), 'vmrun', list(argv),
                                 dict(before), dict(after), '/tmp/x')

    def test_folder_is_taken_out(self):
        entry = self.entry('Error: /tmp/x/vm.vmx\n', ['start', '/tmp/x/a'])
        self.assertEqual(('Error: {dir}/vm.vmx\n', ['start', '{dir}/a']),
                         (entry['out'], entry['argv']))

    def test_random_names_are_taken_out(self):
        entry = self.entry(after={'vm-0a1b2c3d.vmss': (1, 2)})
        self.assertEqual(['+ vm-XXXXXXXX.vmss'], entry['files'])

    def test_changed_files(self):
        entry = self.entry(before={'a': (1, 1), 'b': (1, 1), 'c': (1, 1)},
                           after={'b': (1, 2), 'c': (1, 1), 'd': (1, 1)})
        self.assertEqual(['+ d', '- a', '~ b'], entry['files'])

    def test_list_is_sorted_and_others_are_left_out(self):
        entry = self.entry('Total running VMs: 3\n/tmp/x/b\n/home/u/c\n'
                           '/tmp/x/a\n')
        self.assertEqual('Total running VMs: 2\n{dir}/a\n{dir}/b\n',
                         entry['out'])


class FolderTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def test_missing_folder_has_none(self):
        self.assertEqual({}, transcripts.load(
            os.path.join(self.folder, 'none')))

    def test_last_record_of_a_test_counts(self):
        path = os.path.join(self.folder, 'ws.jsonl')
        with open(path, 'w') as f:
            for calls in ([1], [2]):
                f.write(json.dumps({'test': 't', 'calls': calls}) + '\n')
        self.assertEqual({'t': {'ws.jsonl': [2]}},
                         transcripts.load(self.folder))

    def test_append_writes_what_load_reads(self):
        path = os.path.join(self.folder, 'ws.jsonl')
        self.useFixture(fixtures.EnvironmentVariable(
            'NOVA_VMRUN_TRANSCRIPT', path))
        transcripts.append('t', [{'rc': 0}])
        self.assertEqual({'t': {'ws.jsonl': [{'rc': 0}]}},
                         transcripts.load(self.folder))


class DifferencesTest(testtools.TestCase):

    def entry(self, out='', rc=0):
        return transcripts.entry(result(out, rc), 'vmrun', ['list'], {}, {},
                                 '/tmp/x')

    def test_none(self):
        self.assertEqual([], transcripts.differences(
            [self.entry('a')], [self.entry('a')]))

    def test_output_and_exit(self):
        found = transcripts.differences([self.entry('a', 255)],
                                        [self.entry('b', 0)])
        self.assertEqual(
            ["call 1 (list): rc is 255, the fake has 0",
             "call 1 (list): out is 'a', the fake has 'b'"], found)

    def test_number_of_calls(self):
        self.assertEqual(['1 calls were recorded, the fake made 0'],
                         transcripts.differences([self.entry()], []))


class RealTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MonkeyPatch(
            'tests.contract.tools._PLACES', ()))
        for name, value in (('PATH', '/nowhere'),
                            ('NOVA_VMRUN_BIN', self.folder)):
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        tools.real_program.cache_clear()
        self.addCleanup(tools.real_program.cache_clear)

    def program(self, text):
        path = os.path.join(self.folder, 'vmrun')
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def test_missing_vmware_is_reported(self):
        e = self.assertRaises(tools.NoVMware, tools.real_program, 'vmrun')
        self.assertIn('vmrun was found neither in NOVA_VMRUN_BIN', str(e))
        self.assertIn('Install VMware', str(e))

    def test_a_fake_is_not_the_real_one(self):
        self.program('#!/bin/sh\nexec python3 /x/fake_vmrun "$@"\n')
        self.assertRaises(tools.NoVMware, tools.real_program, 'vmrun')

    def test_any_other_program_is(self):
        path = self.program('#!/bin/sh\n')
        self.assertEqual(path, tools.real_program('vmrun'))

    def test_expected_difference_is_a_skip(self):
        class Case(testtools.TestCase):
            def test_fails(self):
                self.fail('differs')

        seen = testtools.TestResult()
        Case('test_fails').run(base._Tolerant(seen, 'sources disagree'))
        self.assertTrue(seen.wasSuccessful())
        self.assertEqual(['expected difference: sources disagree'],
                         list(seen.skip_reasons))
