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

import errno
import os

import fixtures

from nova_vmrun import exception
from nova_vmrun.server import layout as layouts
from nova_vmrun.server import use_locks
from tests.unit import base
from tests.unit import forks

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'


class UseLocksTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layouts.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.locks = use_locks.UseLocks(self.layout)

    def require_refused(self, lock, uuid=UUID):
        def enter():
            with lock(uuid):
                raise AssertionError('Not refused.')
        return self.assertRaises(exception.ServerInUse, enter)

    def test_operations_share_it(self):
        with self.locks.shared(UUID), self.locks.shared(UUID):
            self.assertIn('nova-compute is working on it', str(
                self.require_refused(self.locks.alone)))
            self.assertFalse(self.locks.is_held_alone(UUID))
        with self.locks.alone(UUID):
            self.assertTrue(self.locks.is_held_alone(UUID))

    def test_a_command_holds_it_alone(self):
        with self.locks.alone(UUID):
            self.assertIn('are being moved', str(
                self.require_refused(self.locks.shared)))
            self.require_refused(self.locks.alone)
            with self.locks.alone(OTHER), self.locks.shared('a' + UUID[1:]):
                pass
        with self.locks.shared(UUID):
            pass

    def test_another_process(self):
        def hold(stop_here):
            with self.locks.alone(UUID):
                stop_here()

        fork = self.useFixture(forks.Fork(hold))
        fork.wait_until_reached()
        self.require_refused(self.locks.shared)
        fork.kill()
        with self.locks.shared(UUID):
            pass

    def test_a_server_that_was_deleted(self):
        self.assertFalse(self.locks.is_held_alone(UUID))
        self.locks.remove(UUID)
        with self.locks.shared(UUID):
            self.locks.remove(UUID)
            # The server of the same id is another one.
            with self.locks.alone(UUID):
                pass
        self.locks.remove(UUID)
        self.assertEqual([], os.listdir(self.layout.locks))

    def test_no_space_for_the_file(self):
        def full(path, *_args):
            raise OSError(errno.ENOSPC, 'No space left')

        with fixtures.MockPatch('builtins.open', full):
            with self.locks.shared(UUID):
                pass
            self.assertRaises(OSError, self.locks.alone(UUID).__enter__)
        self.assertIn('without a lock', self.log.output)

    def test_other_errors(self):
        os.rmdir(self.layout.locks)
        self.assertRaises(FileNotFoundError,
                          self.locks.shared(UUID).__enter__)
