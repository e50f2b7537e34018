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

import os
from unittest import mock

import fixtures

from nova_vmrun.doctor import disk_questions
from nova_vmrun.doctor import steps
from nova_vmrun import exception
from nova_vmrun.tools import process
from tests.unit import base
from tests.unit.doctor import tiny_vms


class DiskQuestionsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.tiny = self.useFixture(tiny_vms.TinyVMs())
        self.programs = self.tiny.programs
        self.useFixture(fixtures.EnvironmentVariable('PATH', self.tiny.bin))
        self.geteuid = self.useFixture(fixtures.MockPatch(
            'os.geteuid', return_value=0)).mock
        self.fuse = self.useFixture(fixtures.MockPatchObject(
            disk_questions, 'fuse')).mock
        self.fuse.is_mounted.return_value = False

    def ask(self, name):
        questions = {question.name: question for question in
                     disk_questions.DiskQuestions(self.tiny.vms).all()}
        return questions[name].ask()

    def refuse(self, name):
        return str(self.assertRaises(steps.NotAsked, self.ask, name))

    def test_only_root_makes_devices(self):
        self.geteuid.return_value = 1000
        self.assertIn('Only root', self.refuse('volume on a device'))

    def test_no_losetup(self):
        self.assertEqual('no losetup here.',
                         self.refuse('volume on a device'))

    def test_host_without_devices(self):
        self.tiny.install('losetup')
        self.programs._losetup = lambda *words: None
        self.assertIn('cannot make a loop device',
                      self.refuse('volume on a device'))

    def test_device(self):
        self.tiny.install('losetup')
        self.programs._losetup = lambda *words: '/dev/loop7\n'
        self.assertTrue(self.ask('volume on a device').is_yes)
        with open(self.tiny.vms.path('volumes/device.vmdk')) as file:
            text = file.read()
        self.assertIn('createType="fullDevice"', text)
        self.assertIn('"/dev/loop7" 0', text)
        self.assertEqual(('--detach', '/dev/loop7'),
                         self.programs.calls[-1][1:])

    def test_device_is_removed_if_the_vm_does_not_start(self):
        self.tiny.install('losetup')
        self.programs._losetup = lambda *words: '/dev/loop7\n'
        self.programs.refused = 'start'
        self.assertRaises(exception.VmrunError, self.ask,
                          'volume on a device')
        self.assertEqual(('--detach', '/dev/loop7'),
                         self.programs.calls[-1][1:])

    def test_no_daemon(self):
        self.assertEqual('no qemu-storage-daemon here.',
                         self.refuse('volume in a FUSE file'))

    def test_host_without_fuse(self):
        self.tiny.install('qemu-storage-daemon')
        self.fuse.check.side_effect = exception.NotSupported('No FUSE.')
        self.assertEqual('No FUSE.', self.refuse('volume in a FUSE file'))

    def run_daemon(self, exit_code=0):
        self.tiny.install('qemu-storage-daemon')

        def run(*argv, **options):
            if os.path.basename(argv[0]) == 'qemu-storage-daemon':
                self.programs.calls.append(argv)
                return process.Result(argv, exit_code, '', 'No.')
            return tiny_vms.Programs.run(self.programs, *argv, **options)

        self.programs.run = run

    def test_daemon_that_fails(self):
        self.run_daemon(exit_code=1)
        self.assertIn('Cannot connect the file',
                      self.refuse('volume in a FUSE file'))

    def test_file(self):
        self.run_daemon()
        with mock.patch.object(disk_questions.qemu_storage_daemon, 'pids',
                               return_value=[]) as pids:
            self.assertTrue(self.ask('volume in a FUSE file').is_yes)
        self.assertEqual(1, pids.call_count)
        self.assertEqual(
            0, os.path.getsize(self.tiny.vms.path('volumes/fuse-flat.vmdk')))
        words = self.programs.calls[0]
        self.assertIn(self.tiny.vms.path('fuse.raw'),
                      words[words.index('--blockdev') + 1])

    def test_mount_that_remains_is_removed(self):
        self.run_daemon()
        self.programs._fusermount3 = lambda *words: ''
        self.fuse.is_mounted.return_value = True
        self.assertTrue(self.ask('volume in a FUSE file').is_yes)
        self.assertEqual(
            ('fusermount3', '-u', '-z', '--',
             self.tiny.vms.path('volumes/fuse-flat.vmdk')),
            self.programs.calls[-1])
