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

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import stopped
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID


class StoppedTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server()
        self.slept = []
        self.stopped = stopped.StoppedServers(self.servers, self.sleep)

    def sleep(self, seconds):
        self.slept.append(seconds)
        files.remove_tree(self.layout.vmx(UUID) + '.lck')

    def require(self):
        with self.servers.vmx_files.opened(UUID) as file:
            self.stopped.require(file, 'No.')

    def refused(self, word):
        error = self.assertRaises(exception.NotStopped, self.require)
        self.assertIn(word, str(error))

    def test_a_stopped_server(self):
        self.require()
        self.assertTrue(self.stopped.is_off(UUID))
        self.vmrun.tool.list.assert_not_called()

    def test_a_running_one(self):
        self.start()
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.refused('running')
        self.assertFalse(self.stopped.is_off(UUID))

    def test_a_suspended_one(self):
        files.write_atomically(self.layout.vmx(UUID),
                               hosts.VMX + 'checkpoint.vmState = "a.vmss"\n')
        self.refused('suspended')
        self.assertFalse(self.stopped.is_off(UUID))

    def test_one_that_is_open_in_a_window(self):
        locks.lock(self.layout.vmx(UUID), program='vmware')
        self.refused('window')

    def test_one_whose_vmx_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.require()
        self.assertTrue(self.stopped.is_off(UUID))

    def test_it_waits_for_one_that_is_closing(self):
        locks.lock(self.layout.vmx(UUID), program='vmware')
        self.stopped.wait_until_closed(UUID)
        self.require()
        self.assertEqual(1, len(self.slept))

    def test_it_does_not_wait_for_one_that_runs(self):
        self.start()
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.stopped.wait_until_closed(UUID)
        self.assertEqual([], self.slept)
