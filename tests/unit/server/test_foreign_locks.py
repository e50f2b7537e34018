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

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import foreign_locks
from tests.unit import base
from tests.unit import locks

OURS, THEIRS = 'A' * 16, 'B' * 16
ENDED = 99999999


class ForeignLocksTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.disk = os.path.join(self.folder, 'root.vmdk')

    def lock(self, path=None, **options):
        return os.path.join(locks.lock(path or self.disk, **options),
                            'M12345.lck')

    def find(self, *own):
        return foreign_locks.in_folder(self.folder, set(own))

    def test_no_locks(self):
        self.assertEqual([], self.find())
        self.assertEqual([], foreign_locks.beside(self.disk, set()))

    def test_another_host(self):
        member = self.lock(machine=THEIRS, pid=ENDED)
        self.assertEqual([member], self.find(OURS.encode()))
        self.assertEqual([member], foreign_locks.beside(
            self.disk, {OURS.encode()}))
        self.assertEqual([], foreign_locks.beside(
            os.path.join(self.folder, 'swap.vmdk'), {OURS.encode()}))

    def test_a_process_here_that_has_the_same_id(self):
        member = self.lock(machine=THEIRS)
        self.assertEqual([member], self.find(OURS.encode()))

    def test_a_process_of_this_host(self):
        self.lock(machine=OURS)
        for own in ([], [OURS.encode()]):
            error = self.assertRaises(exception.FileInUse, self.find, *own)
            self.assertIn('root.vmdk', str(error))

    def test_an_ended_process_of_this_host(self):
        self.lock(machine=OURS, pid=ENDED)
        self.assertEqual([], self.find(OURS.encode()))

    def test_an_ended_process_while_our_id_is_unknown(self):
        self.assertEqual([self.lock(machine=OURS, pid=ENDED)], self.find())

    def test_a_lock_that_names_nobody(self):
        os.mkdir(self.disk + '.lck')
        member = os.path.join(self.disk + '.lck', 'E1.lck')
        open(member, 'w').close()
        self.assertEqual([member], self.find(OURS.encode()))

    def test_a_pipe_and_a_link_name_nobody(self):
        lock = os.path.join(self.folder, 'root.vmdk.lck')
        os.makedirs(lock)
        members = [os.path.join(lock, name) for name in ('a', 'b')]
        os.mkfifo(members[0])
        os.symlink('/dev/zero', members[1])
        self.assertEqual(members, foreign_locks.in_folder(self.folder, ()))

    def test_a_link_in_place_of_a_lock(self):
        """The files that it leads to are no locks, and would be removed."""
        private = os.path.join(self.folder, 'private')
        os.mkdir(private)
        files.write_atomically(os.path.join(private, 'secret'), b'')
        os.symlink(private, self.disk + '.lck')
        self.assertRaises(exception.FileInUse, self.find)
        self.assertRaises(exception.FileInUse, foreign_locks.beside,
                          self.disk, ())

    def test_only_the_named_locks_are_removed(self):
        first = self.lock(machine=THEIRS, pid=ENDED)
        other = self.lock(os.path.join(self.folder, 'swap.vmdk'))
        foreign_locks.remove([first])
        self.assertFalse(os.path.exists(self.disk + '.lck'))
        self.assertTrue(os.path.exists(other))
