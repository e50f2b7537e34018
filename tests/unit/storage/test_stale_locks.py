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

from nova_vmrun.host import files
from nova_vmrun.storage import stale_locks
from tests.unit import locks
from tests.unit.storage import caches

SERVER = '11111111-2222-3333-4444-555555555555'
THEIRS = 'QRSTUVWXYZABCDEF'


class StaleLocksTestCase(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.made = self.base()
        self.lock = self.made.disk + '.lck'
        os.mkdir(self.lock)
        self.stale = stale_locks.StaleLocks(self.layout)

    def run_a_vm(self, **options):
        """Lets this very process be a VM whose lock names our host."""
        folder = self.layout.folder(SERVER)
        os.mkdir(folder)
        locks.lock(os.path.join(folder, 'root.vmdk'), **options)

    def add(self, name, text=None, **options):
        """Makes a file of the base disk's lock."""
        if text is None:
            text = locks.line(**options)
        files.write_atomically(os.path.join(self.lock, name),
                               text.ljust(512, '\0'))

    def add_dead(self, name='M00001.lck', **options):
        self.add(name, born=1, **options)

    def left(self):
        self.stale.remove()
        return sorted(os.listdir(self.lock))

    def test_of_a_process_that_is_gone(self):
        self.run_a_vm()
        self.add_dead()
        self.add_dead('M00002.lck')
        self.stale.remove()
        self.assertFalse(os.path.exists(self.lock))

    def test_in_a_cache_of_another_name(self):
        self.run_a_vm()
        self.add_dead()
        old = os.path.join(self.layout.root, 'old')
        os.rename(self.layout.cache, old)
        os.mkdir(self.layout.cache)
        self.stale.remove()
        self.assertFalse(os.path.exists(
            self.lock.replace(self.layout.cache, old)))

    def test_of_a_process_that_lives(self):
        self.run_a_vm()
        self.add('M00001.lck')
        self.add_dead('M00002.lck')
        self.assertEqual(['M00001.lck'], self.left())
        self.assertNotIn('Keeping the lock', self.log.output)

    def test_lock_of_another_host_is_logged_once(self):
        self.run_a_vm()
        self.add_dead(machine=THEIRS)
        for _ in range(2):
            self.assertEqual(['M00001.lck'], self.left())
        self.assertEqual(1, self.log.output.count('Keeping the lock'))
        self.assertIn('may run on another host', self.log.output)

    def test_lock_without_owner(self):
        self.run_a_vm()
        self.add('M00001.lck', text='')
        # VMware makes such a folder while it takes the lock.
        os.mkdir(os.path.join(self.lock, 'D00001.lck'))
        for _ in range(2):
            self.assertEqual(['D00001.lck', 'M00001.lck'], self.left())
        self.assertEqual(2, self.log.output.count('Keeping the lock'))

    def test_the_host_is_known_by_a_vm_that_runs_alone(self):
        for options in ({'born': 1}, {'program': 'vmware'}):
            self.run_a_vm(**options)
            self.add_dead()
            self.assertEqual(['M00001.lck'], self.left())
            files.remove_tree(self.layout.folder(SERVER))

    def test_without_locks_no_server_is_looked_at(self):
        os.rmdir(self.lock)
        self.layout.folders = self.fail
        self.stale.remove()
