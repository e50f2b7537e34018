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
import psutil

from nova_vmrun.host import files
from nova_vmrun.host import locks as host_locks
from nova_vmrun.host import strange_files
from nova_vmrun import system
from tests.unit import base
from tests.unit import locks


class HoldersTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'volume.vmdk')

    def holders(self):
        return list(host_locks.holders(self.path + '.lck'))

    def test_a_live_process(self):
        locks.lock(self.path, program='vmware-vmx-debug')
        self.assertEqual([(os.getpid(), 'vmware-vmx-debug')], self.holders())

    def test_no_lock(self):
        self.assertEqual([], self.holders())

    def test_a_process_that_has_ended(self):
        locks.lock(self.path, born=1)
        self.assertEqual([], self.holders())

    def test_a_pipe_is_not_awaited(self):
        lock = locks.lock(self.path)
        os.mkfifo(os.path.join(lock, 'M0.lck'))
        self.assertEqual([(os.getpid(), 'vmware-vmx')], self.holders())

    def test_two_processes(self):
        lock = locks.lock(self.path)
        files.write_atomically(
            os.path.join(lock, 'M2.lck'),
            locks.line(pid=os.getppid(), program='vmware-vdiskmanager'))
        self.assertEqual(
            {(os.getpid(), 'vmware-vmx'),
             (os.getppid(), 'vmware-vdiskmanager')}, set(self.holders()))

    def test_a_lock_that_cannot_be_read(self):
        locks.lock(self.path)
        with mock.patch.object(strange_files, 'opened',
                               side_effect=PermissionError(13, 'no')):
            self.assertEqual([(None, None)], self.holders())

    def test_a_file_and_unfinished_members(self):
        files.write_atomically(self.path + '.lck', '')
        self.assertEqual([], self.holders())
        os.remove(self.path + '.lck')
        os.makedirs(self.path + '.lck/D1.lck')
        files.write_atomically(self.path + '.lck/M1.lck', 'nonsense')
        self.assertEqual([], self.holders())

    def test_a_lock_of_an_old_product(self):
        lock = locks.lock(self.path)
        files.write_atomically(os.path.join(lock, 'M12345.lck'), 'host %d-'
                               % os.getpid())
        for name, expected in (('vmplayer', 1), ('bash', 0)):
            with mock.patch.object(psutil.Process, 'name', return_value=name):
                self.assertEqual(expected, len(self.holders()))


class OwnerTestCase(base.TestCase):

    def test_fields(self):
        folder = self.useFixture(fixtures.TempDir()).path
        lock = locks.lock(os.path.join(folder, 'a'), machine='HOST')
        found = host_locks.owner(os.path.join(lock, 'M12345.lck'))
        self.assertEqual(
            host_locks.Owner(
                b'HOST', os.getpid(),
                b'%d' % system.here().lock_start_time(os.getpid()),
                b'vmware-vmx'), found)
        self.assertTrue(found.is_alive and found.is_vm_of_ours)

    def test_a_shared_lock(self):
        folder = self.useFixture(fixtures.TempDir()).path
        member = os.path.join(locks.lock(os.path.join(folder, 'root.vmdk')),
                              'M12345.lck')
        self.assertFalse(host_locks.is_shared(member))
        files.write_atomically(member, files.read(member).replace(
            b' X ', b' S '))
        self.assertTrue(host_locks.is_shared(member))
        files.write_atomically(member, b' S ')
        self.assertFalse(host_locks.is_shared(member))

    def test_programs(self):
        for program, expected in (('vmware-vmx', True),
                                  ('vmware-vmx-stats', True),
                                  ('vmware', False), ('', False),
                                  (None, False)):
            self.assertEqual(expected, host_locks.is_vm(program), program)
