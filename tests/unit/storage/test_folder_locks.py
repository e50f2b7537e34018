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
from oslo_concurrency import lockutils

from nova_vmrun.storage import folder_locks
from tests.unit import base


class FolderLocksTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.one, self.other = (self.useFixture(fixtures.TempDir()).path
                                for _ in range(2))

    def test_one_at_a_time(self):
        with folder_locks.lock('name', self.one):
            self.assertRaises(
                lockutils.AcquireLockFailedException,
                folder_locks.lock('name', self.one, False).__enter__)
        with folder_locks.lock('name', self.one, False):
            pass

    def test_a_pipe_or_a_link_is_no_lock(self):
        path = os.path.join(self.one, 'name')
        for make in (os.mkfifo, lambda name: os.symlink('/dev/null', name),
                     lambda name: os.symlink(self.other + '/x', name)):
            make(path)
            self.assertRaises(OSError, folder_locks.lock, 'name', self.one)
            os.remove(path)
        self.assertEqual([], os.listdir(self.other))

    def test_other_names_and_folders_are_free(self):
        with (folder_locks.lock('name', self.one),
              folder_locks.lock('name', self.other, False),
              folder_locks.lock('other', self.one, False)):
            pass
