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

import contextlib
import itertools
import os
import subprocess
import sys
import time
from unittest import mock

import fixtures
import psutil

from nova_vmrun.host import files
from nova_vmrun.host import locks as host_locks
from nova_vmrun.server import process_identity
from nova_vmrun.server import vm_process
from nova_vmrun import system
from tests.unit import base
from tests.unit import locks


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.vmx = os.path.join(self.folder, 'server.vmx')
        self.this = os.getpid(), process_identity.of(os.getpid())

    def lock(self, file, **options):
        return locks.lock(os.path.join(self.folder, file), **options)

    @contextlib.contextmanager
    def running(self, *words):
        """Runs a process of a VM, with some words on its command line."""
        with subprocess.Popen(
                ['vmware-vmx', '-c', 'print(flush=True); input()', *words],
                executable=sys.executable, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            yield process
            process.stdin.write(b'\n')


class IdentityTestCase(Base):

    def identity(self):
        return vm_process.identity(self.vmx)

    def test_its_locks_name_it(self):
        for file in ('server.vmx', 'root.vmdk', 'server.vmem'):
            lock = self.lock(file)
            self.assertEqual(self.this, self.identity())
            self.assertTrue(vm_process.is_alive(self.vmx))
            files.remove_tree(lock)
            self.assertIsNone(self.identity())
            self.assertFalse(vm_process.is_alive(self.vmx))

    def test_locks_of_tools_and_windows_do_not_identify_the_vm(self):
        self.lock('root.vmdk', program='vmware-vdiskmanager')
        self.lock('server.vmx', program='vmware')
        self.assertIsNone(self.identity())

    def test_a_pid_that_is_another_process_by_now(self):
        self.lock('server.vmx', born=1)
        self.assertIsNone(self.identity())

    def test_a_process_that_is_gone(self):
        child = subprocess.Popen(['true'])
        child.wait()
        self.lock('server.vmx', pid=child.pid)
        self.assertIsNone(self.identity())

    def test_a_zombie(self):
        child = subprocess.Popen(['true'])
        self.addCleanup(child.wait)
        born = system.here().lock_start_time(child.pid)
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        self.lock('server.vmx', pid=child.pid, born=born or 1)
        self.assertIsNone(self.identity())

    def test_without_locks_the_system_names_it(self):
        other = os.path.join(self.folder, 'other.vmx')
        with self.running(other), self.running(self.vmx) as process:
            self.assertEqual((process.pid, process_identity.of(process.pid)),
                             self.identity())
        self.assertIsNone(self.identity())

    def test_several_at_once(self):
        other, off = (os.path.join(self.folder, name, 'server.vmx')
                      for name in ('other', 'off'))
        scans = self.useFixture(fixtures.MockPatchObject(
            vm_process, 'vmx_paths', wraps=vm_process.vmx_paths)).mock
        self.lock('root.vmdk')
        self.assertEqual({self.vmx}, vm_process.alive([self.vmx]))
        self.assertEqual(set(), vm_process.alive([]))
        scans.assert_not_called()
        with self.running(other):
            self.assertEqual({self.vmx, other},
                             vm_process.alive([self.vmx, other, off]))
        scans.assert_called_once_with()

    def test_log_lines_of_a_guest_do_not_identify_the_vm(self):
        """It can have VMware begin a log with a line of its own."""
        files.write_atomically(
            os.path.join(self.folder, 'vmware.log'),
            '2026 In(05) vmx Log for VMware pid=%d version=17\n' % os.getpid())
        self.assertIsNone(self.identity())
        with self.running(self.vmx) as process:
            self.assertEqual(process.pid, self.identity()[0])

    def test_a_folder_that_is_gone(self):
        self.assertIsNone(vm_process.identity('/no/such/server.vmx'))


class EndTestCase(Base):

    def wait(self, process, answers):
        now = []
        with mock.patch.object(process_identity, 'is_same',
                               side_effect=answers):
            ended = vm_process.wait_until_ended(process, 1, now.append,
                                                lambda: sum(now))
        return ended, sum(now)

    def test_the_end_is_waited_for(self):
        self.assertEqual((True, 0.015),
                         self.wait(self.this, [True, True, False]))

    def test_one_that_takes_long_is_looked_at_ever_less_often(self):
        looks = [True] * 12
        _ended, waited = self.wait(self.this, looks + [False])
        self.assertGreater(waited, 1)

    def test_but_not_for_ever(self):
        ended, waited = self.wait(self.this, itertools.repeat(True))
        self.assertFalse(ended)
        self.assertLess(waited, 1.5)
        self.assertIn(str(os.getpid()), self.log.output)

    def test_nothing_ends_that_was_not_there(self):
        self.assertEqual((True, 0), self.wait(None, []))

    def test_it_is_the_process_of_then(self):
        with self.running(self.vmx):
            process = vm_process.identity(self.vmx)
        self.assertTrue(vm_process.wait_until_ended(process, 0))


class UsageTestCase(Base):

    def setUp(self):
        super().setUp()
        self.lock('server.vmx')

    def test_of_this_process(self):
        memory = psutil.Process().memory_info().rss
        usage = vm_process.usage(self.vmx)
        self.assertGreater(usage.cpu_ns, 0)
        self.assertLess(abs(usage.memory_bytes - memory), memory / 2)
        self.assertLess(abs(time.time() - psutil.Process().create_time() -
                            usage.uptime), 60)
        self.assertIsNotNone(usage.read_requests)

    def test_system_without_io_counters(self):
        for error in (AttributeError, psutil.AccessDenied):
            self.useFixture(fixtures.MockPatchObject(
                psutil.Process, 'io_counters', side_effect=error))
            usage = vm_process.usage(self.vmx)
            self.assertIsNone(usage.read_bytes)
            self.assertGreater(usage.memory_bytes, 0)

    def test_a_process_that_is_gone(self):
        self.assertIsNone(vm_process.usage('/no/such/server.vmx'))

    def test_one_that_goes_meanwhile(self):
        self.useFixture(fixtures.MockPatchObject(
            psutil.Process, 'cpu_times',
            side_effect=psutil.NoSuchProcess(1)))
        self.assertIsNone(vm_process.usage(self.vmx))


class LocksTestCase(Base):

    def setUp(self):
        super().setUp()
        self.now = 0.0

    def wait(self, on_sleep=lambda: None):
        def sleep(seconds):
            self.now += seconds
            on_sleep()

        return vm_process.wait_until_released(
            self.folder, 60, sleep, lambda: self.now)

    def test_no_lock(self):
        self.assertTrue(self.wait())
        self.assertEqual(0, self.now)

    def test_it_waits_for_a_live_process(self):
        lock = self.lock('root.vmdk')

        def release():
            if self.now > 5 and os.path.exists(lock):
                files.remove_tree(lock)

        self.assertTrue(self.wait(release))
        self.assertGreater(self.now, 5)

    def test_but_not_for_ever(self):
        self.lock('root.vmdk')
        self.assertFalse(self.wait())
        self.assertLess(self.now, 61)
        self.assertIn(self.folder, self.log.output)

    def test_locks_of_the_dead_do_not_count(self):
        child = subprocess.Popen(['true'])
        child.wait()
        self.lock('root.vmdk', pid=child.pid)
        self.assertTrue(self.wait())
        self.assertEqual(0, self.now)

    def test_a_window_may_keep_the_vmx_open(self):
        path = os.path.join(self.folder, 'server.vmx')
        self.assertFalse(vm_process.is_open(path))
        self.lock('server.vmx')
        self.assertTrue(self.wait())
        self.assertEqual(0, self.now)
        self.assertTrue(vm_process.is_open(path))

    def test_a_pid_that_is_another_process_by_now(self):
        self.lock('root.vmdk', born=1)
        self.assertTrue(self.wait())
        self.assertEqual(0, self.now)

    def test_programs_that_are_vms(self):
        for file, program, is_vm in (
                ('a.vmdk', 'vmware-vmx', True),
                ('a.vmdk', 'vmware-vmx-debug', True),
                ('a.vmx', 'vmware-vmx', True), ('a.vmx', 'vmware', False),
                ('a.vmdk', 'vmware-vdiskmanager', False)):
            lock = self.lock(file, program=program)
            self.assertEqual(is_vm, vm_process.is_held_by_vm(self.folder))
            files.remove_tree(lock)
        self.lock('a.vmdk', born=1)
        self.assertFalse(vm_process.is_held_by_vm(self.folder))
        self.assertFalse(vm_process.is_held_by_vm(self.folder + '/gone'))

    def test_a_lock_of_an_old_product_names_no_program(self):
        lock = self.lock('a.vmdk')
        files.write_atomically(os.path.join(lock, 'M12345.lck'), 'host %d-%d '
                               % (os.getpid(),
                                  system.here().lock_start_time(os.getpid())))
        self.assertTrue(vm_process.is_locked(self.folder))
        for name in ('vmware-vmx', 'vmplayer'):
            with mock.patch.object(psutil.Process, 'name', return_value=name):
                self.assertEqual(name == 'vmware-vmx',
                                 vm_process.is_held_by_vm(self.folder))

    def test_running_vms_are_read_from_command_lines(self):
        with self.running('/vms/a.vmx'):
            self.assertIn('/vms/a.vmx', vm_process.vmx_paths())
        self.assertNotIn('/vms/a.vmx', vm_process.vmx_paths())

    def test_only_a_running_vm_identifies_this_host(self):
        path = os.path.join(self.lock('a.vmdk'), 'M12345.lck')
        found = host_locks.owner(path)
        self.assertTrue(found.is_vm_of_ours)
        self.assertEqual({found.machine}, vm_process.machines(self.folder))
        files.write_atomically(path, locks.line(
            program='vmware-vdiskmanager'))
        self.assertFalse(host_locks.owner(path).is_vm_of_ours)
        self.assertEqual(set(), vm_process.machines(self.folder))

    def test_a_lock_that_may_not_be_read_counts(self):
        self.lock('a.vmdk')
        with mock.patch.object(host_locks, 'open', create=True,
                               side_effect=PermissionError(13, 'no')):
            self.assertTrue(vm_process.is_locked(self.folder))
            self.assertTrue(vm_process.is_held_by_vm(self.folder))

    def test_a_lock_that_is_being_made(self):
        lock = self.lock('a.vmdk', born=1)
        os.mkdir(os.path.join(lock, 'D12345.lck'))
        files.write_atomically(os.path.join(self.folder, 'b.vmdk.lck'), '')
        self.assertFalse(vm_process.is_locked(self.folder))
        files.write_atomically(os.path.join(lock, 'M2.lck'), locks.line())
        self.assertTrue(vm_process.is_locked(self.folder))

    def test_a_folder_that_is_gone(self):
        self.assertTrue(vm_process.wait_until_released(
            os.path.join(self.folder, 'gone'), 60))
