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

"""Errors on a host: what users see, and that the host keeps working.

Each error and its cause are in an event or a fault of the server, and the next
operation on the same host works.
"""

import errno
import os
import shutil
import subprocess

import fixtures

from nova_vmrun.server import states
from tests.functional.api import base


class TestCase(base.TestCase):

    # A cast would bring the error back to the API.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.flags(start_timeout=20, stop_timeout=20, suspend_timeout=20,
                   retry_count=1, retry_interval=0.1, group='vmrun')

    def failing(self, server, action, name, event):
        """Request an action that fails; return the details of its event."""
        self.admin_api.post_server_action(server['id'], {action: None})
        return self._wait_for_instance_action_event(
            server, name, event, 'Error')['details']

    def delete_from_error(self, server):
        # Nova's own helper stops at ERROR, before the delete is done.
        self.admin_api.delete_server(server['id'])
        self.notifier.wait_for_versioned_notifications('instance.delete.end')
        self.assertNothingLeft()

    def fail_to_start(self, server):
        return self.failing(server, 'os-start', 'start',
                            'compute_start_instance')

    def check_starts(self, server):
        self._start_server(server)
        self.assertRunning(server)
        self._stop_server(server)

    def stopped_server(self):
        server = self.boot()
        self._stop_server(server)
        return server


class ToolTestCase(TestCase):

    @base.sample
    def test_a_start_that_died_at_once(self):
        server = self.stopped_server()
        self.vmware.set_knobs(FAULTS='start 1 die')
        self.assertIn('vmrun start failed', self.fail_to_start(server))
        self.check_starts(server)

    def test_a_start_that_died_after_its_work_is_a_start(self):
        server = self.stopped_server()
        self.vmware.set_knobs(FAULTS='start 1 die-after')
        self.check_starts(server)

    def test_a_stop_that_died_after_its_work_is_a_stop(self):
        server = self.boot()
        self.vmware.set_knobs(FAULTS='stop 1 die-after')
        self._stop_server(server)
        self.check_starts(server)

    def test_a_stop_that_hangs_stops_nothing(self):
        self.flags(shutdown_timeout=0)
        server = self.boot()
        self.flags(stop_timeout=2, group='vmrun')
        self.vmware.set_knobs(FAULTS='stop * hang')
        details = self.failing(server, 'os-stop', 'stop',
                               'compute_stop_instance')
        self.assertIn('did not end within 2 seconds', details)
        self.assertIn('raise the timeout', details)
        self.vmware.set_knobs()
        self.flags(stop_timeout=20, group='vmrun')
        self.assertRunning(server)
        self._stop_server(server)
        self.assertFalse(self.is_running(server))

    @base.sample
    def test_the_cause_is_among_what_nova_shows(self):
        server = self.boot()
        self._stop_server(server)
        os.remove(self.path(server, 'root.vmdk'))
        self.assertIn('root.vmdk', self.fail_to_start(server)[:255])


class FileTestCase(TestCase):

    def test_no_space_for_the_memory(self):
        server = self.boot()
        self.vmware.set_knobs(DISK_FULL=self.path(server))
        details = self.failing(server, 'suspend', 'suspend',
                               'compute_suspend_instance')
        self.assertIn('vmrun suspend failed', details)
        self.vmware.set_knobs()
        self.assertRunning(server)
        self._suspend_server(server)
        self._resume_server(server)
        self.assertRunning(server)

    def test_file_systems_that_take_no_writes(self):
        for number, words in ((errno.ENOSPC, 'not enough space'),
                              (errno.EROFS, 'Read-only file system')):
            with fixtures.MockPatch('os.fsync', side_effect=OSError(
                    number, os.strerror(number))):
                server = self.boot(expected_state='ERROR')
            fault = self.fault(server)
            self.assertIn(words, fault)
            self.assertIn('the file system of the instances', fault)
            self._delete_server(server)
            self.assertNothingLeft()
        self.assertRunning(self.boot())


class LockTestCase(TestCase):

    def lock_of(self, server):
        """Return the words of the lock on the disk of a running server."""
        lock = self.path(server, 'root.vmdk.lck')
        with open(os.path.join(lock, os.listdir(lock)[0])) as file:
            return file.read().rstrip('\0').split(' ')

    def hold(self, server, words):
        """Let another process lock the disk; return it."""
        holder = subprocess.Popen(['sleep', '1000'])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        with open('/proc/%d/stat' % holder.pid) as file:
            words[4] = file.read().rpartition(')')[2].split()[19]
        words[1] = '%d-%s(vmware-vmx)' % (holder.pid, words[4])
        lock = self.path(server, 'root.vmdk.lck')
        os.mkdir(lock)
        with open(os.path.join(lock, 'M12345.lck'), 'wb') as file:
            file.write(' '.join(words).encode().ljust(512, b'\0'))
        return holder

    def test_a_vm_that_vmrun_does_not_list(self):
        """Another user runs it, so it is not off and must not be removed."""
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.ops.power.power._RELEASE_SECONDS', 1))
        server = self.boot()
        words = self.lock_of(server)
        self._stop_server(server)
        holder = self.hold(server, words)
        self.assertIs(states.State.UNKNOWN,
                      self.driver._hypervisor.states.get(server['id']))
        self.api.delete_server(server['id'])
        self._wait_for_state_change(server, 'ERROR')
        self.assertTrue(os.path.exists(self.vmx_path(server)))
        holder.kill()
        holder.wait()
        self.api.delete_server(server['id'])
        self.wait_for(lambda: not os.path.exists(self.vmx_path(server)),
                      'the server to be deleted')

    def test_a_disk_that_another_process_has_open(self):
        server = self.boot()
        words = self.lock_of(server)
        self._stop_server(server)
        holder = self.hold(server, words)
        self.assertIn('Failed to lock the file',
                      self.fail_to_start(server)[:255])
        # The process ends, and its lock is stale.
        holder.kill()
        holder.wait()
        self.check_starts(server)

    def test_a_vm_that_is_open_in_the_window(self):
        server = self.stopped_server()
        self.vmware.set_knobs(FAULTS='start * refuse The file is already in '
                                     'use')
        calls = len(self.vmware.calls())
        self.assertIn('Close the VM in the VMware window',
                      self.fail_to_start(server)[:255])
        # The reason may be temporary, so it was tried once more.
        self.assertEqual(2, self.vmware.verbs_since(calls).count(
            ('vmrun', 'start')))
        self.vmware.set_knobs()
        self.check_starts(server)


class EditedTestCase(TestCase):

    def test_a_record_spoiled_by_hand(self):
        server = self.boot()
        with open(self.path(server, 'nova.json'), 'a') as file:
            file.write('}')
        self.admin_api.delete_server(server['id'])
        self._wait_for_state_change(server, 'ERROR')
        self.assertIn('remove the file', self.fault(server)[:255])
        self.assertIn('nova.json', self.fault(server))
        self.assertTrue(self.is_running(server))
        os.remove(self.path(server, 'nova.json'))
        self.delete_from_error(server)

    def test_a_vmx_spoiled_by_hand(self):
        server = self.stopped_server()
        path = self.vmx_path(server)
        shutil.copy(path, path + '.mine')
        with open(path, 'a') as file:
            file.write('memsize = "64\n')
        self.assertIn('nova-vmrun vmx lint', self.fail_to_start(server)[:255])
        self.sync_power_states()
        self.assertEqual('SHUTOFF',
                         self.admin_api.get_server(server['id'])['status'])
        self.reboot_hard(server, 'ERROR')
        for words in ('malformed', 'remove it'):
            self.assertIn(words, self.fault(server))
        with open(path) as file:
            self.assertIn('memsize = "64\n', file.read())
        os.rename(path + '.mine', path)
        self.reboot_hard(server, 'ACTIVE')
        self.assertRunning(server)

    def reboot_hard(self, server, expected_state):
        self.admin_api.post_server_action(
            server['id'], {'reboot': {'type': 'HARD'}})
        self._wait_for_state_change(server, expected_state)

    def test_a_disk_that_is_not_in_it_any_more(self):
        server = self.stopped_server()
        path = self.vmx_path(server)
        with open(path) as file:
            text = file.read()
        with open(path, 'w') as file:
            file.write(text.replace('"root.vmdk"', '"no-such.vmdk"'))
        self.assertIn('no-such.vmdk', self.fail_to_start(server)[:255])
        with open(path, 'w') as file:
            file.write(text)
        self.check_starts(server)
