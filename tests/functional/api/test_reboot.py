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

"""Reboots: soft ones by the guest, hard ones from Nova's data."""

import os

from nova.compute import task_states
from nova import context
from nova import objects

from nova_vmrun.formats import vmx
from tests.functional.api import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = self.boot(
            networks=[{'port': self.neutron.port_1['id']}])

    def reboot_hard(self):
        self._reboot_server(self.server, hard=True)
        self.assertRunning(self.server)


class RebootTestCase(TestCase):

    def test_soft(self):
        before = self.pid_of(self.server)
        self._reboot_server(self.server)
        self.assertRunning(self.server)
        self.assertEqual(before, self.pid_of(self.server))

    def test_hard(self):
        before = self.pid_of(self.server)
        self.reboot_hard()
        self.assertNotEqual(before, self.pid_of(self.server))

    def test_a_suspended_server_starts_from_its_disk(self):
        self._suspend_server(self.server)
        self.reboot_hard()
        left = [name for name in os.listdir(self.path(self.server))
                if name.endswith('.vmss')]
        self.assertEqual([], left)


class RewriteTestCase(TestCase):

    def test_what_vmware_added_stays(self):
        before = self.vmx(self.server)
        self.assertIn('ethernet0.pciSlotNumber', before)
        self.reboot_hard()
        self.assertEqual(dict(before.items()),
                         dict(self.vmx(self.server).items()))

    def test_options_that_changed_count(self):
        self.assertEqual(
            'nat', self.vmx(self.server)['ethernet0.connectionType'])
        self.flags(default_vmnet='hostonly', group='vmrun')
        self.restart_compute_service(self.compute)
        self.reboot_hard()
        self.assertEqual(
            'hostonly', self.vmx(self.server)['ethernet0.connectionType'])

    def test_a_lost_vmx_is_written_anew(self):
        before = self.vmx(self.server)
        self._stop_server(self.server)
        os.remove(self.vmx_path(self.server))
        self.reboot_hard()
        after = self.vmx(self.server)
        for key in ('uuid.bios', 'ethernet0.address', 'memsize',
                    'scsi0:0.fileName', 'RemoteDisplay.vnc.port'):
            self.assertEqual(before[key], after[key])

    def test_so_is_that_of_a_server_that_runs(self):
        before = self.vmx(self.server)
        os.remove(self.vmx_path(self.server))
        self.reboot_hard()
        self.assertEqual(dict(before.items()),
                         dict(self.vmx(self.server).items()))

    def test_without_its_vmx_a_server_is_deleted_whole(self):
        os.remove(self.vmx_path(self.server))
        self._delete_server(self.server)
        self.assertNothingLeft()

    def test_a_disk_goes_on_from_its_snapshot(self):
        self._stop_server(self.server)
        self.vmware.run('snapshot', self.vmx_path(self.server), 'mine')
        self.reboot_hard()
        self.assertEqual('root-000001.vmdk',
                         self.vmx(self.server)['scsi0:0.fileName'])


class InterruptedTestCase(TestCase):
    """nova-compute ended while the VM was off."""

    HEARS_EVENTS = False

    # Nova stops the server while it holds the server's lock.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.other = self.boot()
        self.vmware.run('stop', self.vmx_path(self.server), 'hard')
        instance = objects.Instance.get_by_uuid(
            context.get_admin_context(), self.server['id'])
        instance.task_state = task_states.REBOOT_STARTED_HARD
        instance.save()

    def test_the_reboot_is_repeated(self):
        self.restart_compute_service(self.compute)
        self.assertRunning(self.server)

    def test_nova_starts_although_that_fails(self):
        self.vmware.set_knobs(FAULTS='start * refuse Unknown error')
        self.flags(retry_count=0, group='vmrun')
        self.restart_compute_service(self.compute)
        self.sync_power_states()
        self._wait_for_state_change(self.server, 'SHUTOFF')
        self.assertRunning(self.other)
        self.vmware.set_knobs()
        self.reboot_hard()


class RefusedRewriteTestCase(TestCase):

    # A cast would bring the error back to the API.
    CAST_AS_CALL = False

    def test_a_lost_vmx_is_not_guessed_if_there_are_snapshots(self):
        self._stop_server(self.server)
        self.vmware.run('snapshot', self.vmx_path(self.server), 'mine')
        os.remove(self.vmx_path(self.server))
        self.check_refused('root-000001.vmdk')

    def check_refused(self, *words):
        self.admin_api.post_server_action(
            self.server['id'], {'reboot': {'type': 'HARD'}})
        server = self._wait_for_state_change(self.server, 'ERROR')
        for word in words:
            self.assertIn(word, self.fault(server))


class VmxTestCase(TestCase):

    def test_the_pristine_text_is_kept(self):
        with open(self.vmx_path(self.server) + '.rendered', 'rb') as file:
            text = file.read()
        self.assertIn(b'\n# ', text)
        rendered, live = vmx.load(text), self.vmx(self.server)
        changed = [key for key in rendered if rendered[key] != live[key]]
        # VMware notes there for itself where the files are.
        self.assertEqual(['uuid.location'], changed)
