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

"""A fake that is killed at any step leaves files that the next call can read.

Each test runs a command repeatedly on a fresh copy of the same VM. The command
is killed before its first change on disk, its second, and so on, until it
succeeds. After each kill the next calls must work.
"""

import os
import shutil

from tests.contract import base

_COPIED = ('run', 'state')


@base.fakes_only
class KilledTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.machine = self.make_vm('run')

    def kill_at_every_step(self, *words, before=(), check=None):
        """Kill ``vmrun words[0] VMX words[1:]`` at each of its steps.

        :param before: the commands that each round needs run first, in
            each of them since they leave a process.
        :param check: what to look at after each kill; by default that the
            VM starts, is listed and stops.
        """
        for name in _COPIED:
            os.makedirs(self.path(name), exist_ok=True)
            shutil.copytree(self.path(name), self.path('saved', name))
        number = 0
        died = True
        while died:
            number += 1
            self.restore()
            for command in before:
                self.run_vm(*command)
            self.knobs['FAULTS'] = '%s * die-step %d' % (words[0], number)
            result = self.on_vm(*words)
            self.knobs['FAULTS'] = ''
            died = result.rc == -9
            if not died:
                self.assertEqual(0, result.rc, result)
            self.what = '%s killed at step %d' % (words[0], number)
            (check or self.check)()
        self.assertTrue(number > 3, 'only %d steps' % number)

    def restore(self):
        shutil.rmtree(self.path('clone'), True)
        for name in _COPIED:
            shutil.rmtree(self.path(name), True)
            shutil.copytree(self.path('saved', name), self.path(name))

    def on_vm(self, verb, *words):
        return self.vmrun(verb, self.machine.vmx, *words)

    def run_vm(self, *words):
        result = self.on_vm(*words)
        self.assertEqual(0, result.rc, (self.what, result))

    what = 'before the first kill'

    def check(self):
        self.run_vm('start', 'nogui')
        self.assertEqual([self.machine.vmx], self.list(), self.what)
        self.run_vm('stop', 'hard')

    def check_snapshots(self):
        self.run_vm('listSnapshots')
        self.check()

    def check_deleted(self):
        self.assertEqual([], self.list(), self.what)
        if os.path.exists(self.machine.vmx):
            self.run_vm('deleteVM')
        self.assertFalse(os.path.exists(self.machine.folder), self.what)

    def take(self, *names):
        for name in names:
            self.done('snapshot', self.machine.vmx, name)

    def test_killed_start(self):
        self.kill_at_every_step('start', 'nogui')

    def test_killed_stop(self):
        self.kill_at_every_step('stop', 'hard', before=[('start', 'nogui')])

    def test_killed_suspend(self):
        self.kill_at_every_step('suspend', before=[('start', 'nogui')])

    def test_killed_resume(self):
        self.run_vm('start', 'nogui')
        self.run_vm('suspend')
        self.kill_at_every_step('start', 'nogui')

    def test_killed_snapshot(self):
        self.kill_at_every_step('snapshot', 's', check=self.check_snapshots)

    def test_killed_live_snapshot(self):
        self.kill_at_every_step('snapshot', 's', before=[('start', 'nogui')],
                                check=self.check_snapshots)

    def test_killed_delete_snapshot(self):
        self.take('a', 'b', 'c')
        self.kill_at_every_step('deleteSnapshot', 'b',
                                check=self.check_snapshots)

    def test_killed_revert(self):
        self.take('a', 'b')
        self.kill_at_every_step('revertToSnapshot', 'a',
                                check=self.check_snapshots)

    def test_killed_clone(self):
        self.take('s')
        self.kill_at_every_step('clone', self.path('clone', 'c.vmx'),
                                'linked', '-snapshot=s')

    def test_killed_delete_vm(self):
        self.take('s')
        self.kill_at_every_step('deleteVM', check=self.check_deleted)
