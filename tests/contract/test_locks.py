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

"""The lock directories (fact 2)."""

import os
import re
import subprocess

import psutil

from tests.contract import base


def start_time(pid):
    with open('/proc/%d/stat' % pid, 'rb') as f:
        return f.read().rpartition(b')')[2].split()[19].decode()


def member(path):
    """Return the one member file of ``path``'s lock directory."""
    folder = path + '.lck'
    names = os.listdir(folder)
    assert len(names) == 1, names
    return os.path.join(folder, names[0])


def read(path):
    with open(member(path), 'rb') as f:
        return f.read()


class LockFormatTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm()

    def test_lock_is_a_directory_with_a_member(self):
        name = os.path.basename(member(self.vm.path('disk.vmdk')))
        self.assertTrue(re.match(r'M\d{5}\.lck\Z', name), name)

    def test_lock_member_is_512_bytes_of_one_line(self):
        data = read(self.vm.path('disk.vmdk'))
        self.assertEqual(512, len(data))
        line = data.rstrip(b'\0')
        self.assertNotIn(b'\0', line)

    def test_lock_member_fields(self):
        line = read(self.vm.path('disk.vmdk')).rstrip(b'\0').decode()
        self.assertTrue(re.match(
            r'\S+ \d+-\d+(\(\S+\))? \d+ [XS] \d+ lc=\d+', line), line)

    def test_lock_names_the_vms_process(self):
        words = read(self.vm.path('disk.vmdk')).decode().split(' ')
        pid = int(words[1].partition('-')[0])
        self.assertEqual(start_time(pid), words[4])

    def test_lock_machine_id_on_linux(self):
        machine = read(self.vm.path('disk.vmdk')).decode().split(' ')[0]
        self.assertTrue(re.match(r'[A-Za-z0-9+-]{16}\Z', machine), machine)

    def test_lock_of_a_writable_disk_is_exclusive(self):
        self.assertEqual('X', read(self.vm.path(
            'disk.vmdk')).decode().split(' ')[3])

    def test_lock_of_a_parent_is_shared(self):
        self.done('snapshot', self.vm.vmx, 's')
        kinds = [read(self.vm.path(name)).decode().split(' ')[3]
                 for name in ('disk.vmdk', 'disk-000001.vmdk')]
        self.assertEqual(['S', 'X'], kinds)


class FusionLockTest(base.ContractCase):

    @base.product('fusion')
    def test_lock_counts_microseconds_on_macos(self):
        vm = self.running_vm()
        words = read(vm.path('disk.vmdk')).decode().split(' ')
        pid, born = words[1].partition('(')[0].split('-')
        self.assertEqual(born, words[4])
        # psutil reads the same number, as seconds.
        self.assertAlmostEqual(psutil.Process(int(pid)).create_time(),
                               int(born) / 10 ** 6, delta=1)


class StaleLockTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm()

    def our_machine(self):
        """Learn this host's id from a lock that the product makes."""
        self.done('start', self.vm.vmx, 'nogui')
        words = read(self.vm.path('disk.vmdk')).decode().split(' ')
        self.done('stop', self.vm.vmx, 'hard')
        return words[0]

    def lock(self, machine, pid, started, path=None):
        path = path or self.vm.path('disk.vmdk')
        self.wait_for(lambda: not os.path.exists(path + '.lck'))
        os.mkdir(path + '.lck')
        line = '%s %d-%s(vmware-vmx) 1 X %s lc=1' % (
            machine, pid, started, started)
        with open(os.path.join(path + '.lck', 'M00001.lck'), 'wb') as f:
            f.write(line.encode().ljust(512, b'\0'))

    def test_stale_lock_of_a_dead_process_is_taken_over(self):
        machine = self.our_machine()
        child = subprocess.Popen(['true'])
        child.wait()
        self.lock(machine, child.pid, '1')
        self.done('start', self.vm.vmx, 'nogui')

    def test_stale_lock_of_a_reused_pid_is_taken_over(self):
        self.lock(self.our_machine(), os.getpid(), '1')
        self.done('start', self.vm.vmx, 'nogui')

    def test_live_lock_refuses(self):
        self.lock(self.our_machine(), os.getpid(), start_time(os.getpid()))
        self.refused('The operation was canceled', 'start', self.vm.vmx,
                     'nogui')

    def test_lock_of_another_machine_refuses(self):
        self.lock('uuid=another-machine', 1, '1')
        self.refused('The operation was canceled', 'start', self.vm.vmx,
                     'nogui')

    def test_plain_file_in_the_locks_place_is_garbage(self):
        with open(self.vm.path('disk.vmdk.lck'), 'w') as f:
            f.write('garbage')
        self.done('start', self.vm.vmx, 'nogui')

    def test_disk_locking_can_be_switched_off(self):
        machine = self.make_vm('free', disk__locking='FALSE')
        self.done('start', machine.vmx, 'nogui')
        self.assertNotIn('disk.vmdk.lck', machine.files())

    def test_one_disk_in_two_vms_refused(self):
        other = self.make_vm('other', disk=False)
        other.set(scsi0__present='TRUE', scsi0_colon_0__present='TRUE',
                  scsi0_colon_0__fileName=self.vm.path('disk.vmdk'))
        self.done('start', self.vm.vmx, 'nogui')
        self.refused('The operation was canceled', 'start', other.vmx,
                     'nogui')
