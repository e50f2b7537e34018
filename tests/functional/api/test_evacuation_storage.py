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


"""Evacuation between hosts that share a storage folder and nothing else."""

import glob
import os
import shutil
import subprocess

import fixtures
from testtools import testcase

from tests.functional.api import test_evacuation


class SharedStorageFolderTestCase(test_evacuation.TestCase):

    def _setup_services(self):
        self.shared = self.useFixture(fixtures.TempDir()).path
        self.flags(storage_folders=['nas:' + self.shared],
                   default_storage_tag='nas', group='vmrun')
        super()._setup_services()

    def root(self, host):
        path, = glob.glob(os.path.join(self.shared, '*_*', 'root.vmdk'))
        return path

    def record(self):
        return os.path.join(os.path.dirname(self.root('compute')), 'record')

    def write(self):
        """Write to the disk as the guest does, and return what it holds."""
        subprocess.run(['qemu-io', '-f', 'vmdk', '-c', 'write -P 7 0 64k',
                        self.root('compute')], check=True,
                       stdout=subprocess.DEVNULL)

    def check_written(self):
        subprocess.run(['qemu-io', '-U', '-r', '-f', 'vmdk', '-c',
                        'read -P 7 0 64k', self.root('second')], check=True,
                       stdout=subprocess.DEVNULL)

    @testcase.attr('sample')
    def test_a_running_server_keeps_its_disk(self):
        inode = os.stat(self.root('compute')).st_ino
        self.lose(fenced=True)
        self.write()
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.assertEqual(inode, os.stat(self.root('second')).st_ino)
        self.check_written()
        self.come_back()
        self.assertFalse(os.path.exists(self.at('compute', self.server)))
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.check_written()
        self._delete_server(self.server)
        self.assertEqual([], glob.glob(os.path.join(self.shared, '*-*_*')))

    def test_there_and_back(self):
        self.lose(fenced=True)
        self.write()
        self.evacuate()
        self.come_back()
        self.second_host_is_lost()
        self.evacuate_back()
        self.check_written()

    def second_host_is_lost(self):
        self.second.stop()
        self.cut_power('second')
        self.lost.add('second')
        self.force_down(True, 'second')

    def test_a_host_that_may_still_write_is_not_replaced(self):
        self.lose(fenced=False)
        self.refuse('host compute may still write', 'root.vmdk.lck',
                    'nova-vmrun node fenced compute')
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))

    def test_a_storage_folder_that_is_away_is_not_treated_as_empty(self):
        """The server would be built anew, and its disk lost at the return."""
        self._stop_server(self.server)
        self.write()
        self.lose(fenced=False)
        aside = self.shared + '-aside'
        os.rename(self.shared, aside)
        self.addCleanup(shutil.rmtree, aside, ignore_errors=True)
        os.mkdir(self.shared)
        self.refuse('may be in the storage folder nas, which is not there',
                    state='SHUTOFF')
        os.rmdir(self.shared)
        os.rename(aside, self.shared)
        self.evacuate(state='SHUTOFF')
        self.come_back()
        self.check_written()

    def test_a_server_without_a_second_record_gets_one_at_the_start(self):
        """An older release wrote none."""
        self._stop_server(self.server)
        record = os.path.join(self.record(), 'nova.json')
        os.remove(record)
        self.lose(fenced=False)
        self.refuse('no record is beside its disks in the storage folder nas',
                    state='SHUTOFF')
        self.come_back()
        self.assertTrue(os.path.exists(record))
        self.lose(fenced=False)
        self.evacuate(state='SHUTOFF')

    def test_a_server_that_cannot_be_started_is_given_back(self):
        self._stop_server(self.server)
        self.write()
        self.lose(fenced=False)
        self.vmware.set_knobs(FAULTS='start * refuse Unknown error')
        self.evacuate('failed', 'ERROR')
        self.vmware.set_knobs()
        self.assertFalse(os.path.exists(self.at('second', self.server)))
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        self.check_written()

    def test_an_evacuation_that_was_interrupted(self):
        """It is repeated, or the former host takes the server back."""
        self.lose(fenced=True)
        self.write()
        self.interrupt()
        self.evacuate()
        self.assertEqual([self.vmx['second']], self.real_paths('second'))
        self.check_written()

    def interrupt(self):
        adoption = self.second.manager.driver._hypervisor.evacuation
        with fixtures.MockPatchObject(adoption, '_start',
                                      side_effect=RuntimeError('Killed.')):
            with fixtures.MockPatchObject(adoption, '_give_back'):
                self.evacuate('failed', 'ERROR')

    def test_an_evacuation_that_was_interrupted_is_taken_back(self):
        self.lose(fenced=True)
        self.write()
        self.interrupt()
        self.come_back()
        self._reboot_server(self.server, hard=True, api=self.admin_api)
        self.assertEqual([self.vmx['compute']], self.real_paths('compute'))
        self.check_written()

    def test_a_vm_that_runs_on_the_host_that_returns_is_stopped(self):
        self.lose(fenced=True)
        self.evacuate()
        self._stop_server(self.server)
        subprocess.run([self.vmruns['compute'], 'start',
                        self.vmx['compute'], 'nogui'], check=True)
        self.come_back()
        self.assertEqual([], self.running('compute'))
        self.assertTrue(os.path.exists(self.root('second')))
        self._start_server(self.server)
        self.assertEqual([self.vmx['second']], self.real_paths('second'))

    def test_a_snapshot_of_vmware_is_not_left_behind(self):
        """Its newest data is in the folder that is not shared."""
        subprocess.run([self.vmruns['compute'], 'snapshot',
                        self.vmx['compute'], 'mine'], check=True)
        self.lose(fenced=True)
        self.refuse('has a snapshot of VMware')
        self.come_back()
        self.assertFalse(os.path.exists(self.record()))
        self.lose(fenced=True)
        self.refuse('no record is beside')

    def test_a_link_in_place_of_a_disk_is_refused(self):
        self._stop_server(self.server)
        outside = os.path.join(self.folder, 'outside')
        root = self.root('compute')
        os.rename(root, outside)
        os.symlink(outside, root)
        self.lose(fenced=False)
        self.refuse('beside its disks cannot be used', state='SHUTOFF')
        self.assertFalse(os.path.exists(self.at('second', self.server)))
