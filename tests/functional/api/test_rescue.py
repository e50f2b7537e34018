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

"""Rescue: the server boots from another image and has its own disk too."""

import os
import types

from nova_vmrun.aio import host_keys
from nova_vmrun.storage import linked
from tests.functional.api import base


class TestCase(base.TestCase):

    # A cast would bring the errors of a refused rescue back to the API.
    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.server = self.boot(
            config_drive=True,
            networks=[{'port': self.neutron.port_1['id']}])
        self.before = self.vmx(self.server)
        self.files = self.list_files()

    def rescue(self, image_id, expected_state='RESCUE'):
        self.admin_api.post_server_action(
            self.server['id'], {'rescue': {'rescue_image_ref': image_id}})
        self._wait_for_state_change(self.server, expected_state)

    def unrescue(self):
        self.admin_api.post_server_action(self.server['id'],
                                          {'unrescue': None})
        self._wait_for_state_change(self.server, 'ACTIVE')

    def list_files(self):
        return {name for name in os.listdir(self.path(self.server))
                if not name.endswith(('.lck', '.log', '.log.1'))}

    def check_as_before(self):
        """Compare all but what VMware notes of the last power cycle."""
        before, after = self.before, self.vmx(self.server)
        changed = {key: (before.get(key), after.get(key))
                   for key in {**before, **after}
                   if before.get(key) != after.get(key)}
        self.assertEqual({}, changed)
        self.assertEqual(self.files, self.list_files())


class RescueTestCase(TestCase):

    def test_from_a_disk(self):
        image_id = self.add_image()
        self.rescue(image_id)
        self.assertTrue(self.is_running(self.server))
        vmx = self.vmx(self.server)
        self.assertEqual(('rescue.vmdk', 'root.vmdk'),
                         (vmx['scsi0:0.fileName'], vmx['scsi0:1.fileName']))
        self.assertEqual('config-drive-rescue.iso', vmx['sata0:0.fileName'])
        parent = linked.read_descriptor(
            self.path(self.server, 'rescue.vmdk')).parent_hint
        self.assertIn(image_id, parent)
        self.assertEqual(self.before['ethernet0.pciSlotNumber'],
                         vmx['ethernet0.pciSlotNumber'])
        self.unrescue()
        self.assertRunning(self.server)
        self.check_as_before()

    def test_from_a_cd(self):
        image_id = self.add_image('iso', content=self.make_iso())
        self.rescue(image_id)
        vmx = self.vmx(self.server)
        self.assertEqual('root.vmdk', vmx['scsi0:0.fileName'])
        self.assertEqual('rescue.iso', vmx['sata0:0.fileName'])
        self.assertEqual('cdrom,hdd,floppy', vmx['bios.bootOrder'])
        self.unrescue()
        self.check_as_before()

    def test_on_the_bus_that_the_image_asks_for(self):
        self.rescue(self.add_image(properties={'hw_rescue_device': 'disk',
                                               'hw_rescue_bus': 'ide'}))
        vmx = self.vmx(self.server)
        self.assertEqual(('rescue.vmdk', 'root.vmdk'),
                         (vmx['ide0:0.fileName'], vmx['scsi0:0.fileName']))

    def test_a_disk_with_a_snapshot_goes_on_from_it(self):
        self._stop_server(self.server)
        self.vmware.run('snapshot', self.vmx_path(self.server), 'mine')
        self._start_server(self.server)
        self.rescue(self.add_image())
        self.assertEqual('root-000001.vmdk',
                         self.vmx(self.server)['scsi0:1.fileName'])

    def test_delete(self):
        self.rescue(self.add_image())
        self._delete_server(self.server)
        self.assertNothingLeft()


class HostKeyTestCase(TestCase):

    def name(self):
        """Return the name of the host key, as "nova-vmrun ssh" finds it."""
        shown = self.admin_api.get_server(self.server['id'])
        actions = [types.SimpleNamespace(**each) for each in
                   self.admin_api.get_instance_actions(self.server['id'])]
        return host_keys.name_of(
            types.SimpleNamespace(compute=types.SimpleNamespace(
                server_actions=lambda server_id: iter(actions))),
            types.SimpleNamespace(id=shown['id'], status=shown['status']))

    def rebuild(self):
        self.admin_api.post_server_action(
            self.server['id'],
            {'rebuild': {'imageRef': self.server['image']['id']}})
        self._wait_for_state_change(self.server, 'ACTIVE')

    def test_name_for_each_system(self):
        names = [self.name()]
        for _ in range(2):
            self.rescue(self.server['image']['id'])
            names.append(self.name())
            self.unrescue()
            self.assertEqual(names[0], self.name())
        for _ in range(2):
            self.rebuild()
            names.append(self.name())
            self._stop_server(self.server)
            self._start_server(self.server)
            self.assertEqual(names[-1], self.name())
        self.assertEqual(5, len(set(names)), names)


class ForgottenTestCase(TestCase):
    """Nova has lost sight of a rescue: it says ERROR."""

    def setUp(self):
        super().setUp()
        self.rescue(self.add_image())
        self.flags(stop_timeout=2, group='vmrun')
        self.vmware.set_knobs(FAULTS='stop * hang')
        self.admin_api.post_server_action(self.server['id'],
                                          {'unrescue': None})
        self._wait_for_state_change(self.server, 'ERROR')
        self.vmware.set_knobs()
        self.flags(stop_timeout=20, group='vmrun')

    def test_a_hard_reboot_ends_it(self):
        self._reboot_server(self.server, hard=True)
        self.assertRunning(self.server)
        self.check_as_before()

    def test_so_does_a_start(self):
        self._stop_server(self.server)
        self._start_server(self.server)
        self.assertRunning(self.server)
        self.check_as_before()


class RefusedTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self._stop_server(self.server)
        self.before, self.files = self.vmx(self.server), self.list_files()

    def check_refused(self, word, **image):
        self.rescue(self.add_image(**image), 'ERROR')
        self.assertIn(word, self.fault(self.server))
        self.assertFalse(self.is_running(self.server))
        self.check_as_before()

    def test_a_bus_that_vmware_does_not_have(self):
        self.check_refused('hw_rescue_bus', properties={
            'hw_rescue_device': 'disk', 'hw_rescue_bus': 'virtio'})

    def test_an_image_that_is_no_disk(self):
        self.check_refused('content is a text', content=b'text')

    def test_a_vm_that_does_not_start(self):
        self.flags(retry_count=0, group='vmrun')
        self.vmware.set_knobs(FAULTS='start * refuse Unknown error')
        self.rescue(self.add_image(), 'ERROR')
        self.assertIn('Unknown error', self.fault(self.server))
        self.check_as_before()
