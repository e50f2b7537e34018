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

"""What captures of real products show, and what users then see."""

import functools
import glob
import json
import os

import fixtures
from oslo_utils import uuidutils

from nova_vmrun.formats import vmx
from nova_vmrun.host import kernel_modules
from nova_vmrun.server import states
from tests.functional.api import base
from tests.functional.api import test_faults
from tests.functional import glance_uploads

ADDRESS = '192.168.80.130'


class TestCase(test_faults.TestCase):

    def edit(self, server, **values):
        """Change a .vmx by hand; a double underscore stands for a dot."""
        keys = self.vmx(server)
        for name, value in values.items():
            keys[name.replace('_colon_', ':').replace('__', '.')] = value
        with open(self.vmx_path(server), 'w') as file:
            file.write(vmx.dump(keys))

    def starts(self):
        return [call for call in self.vmware.calls()
                if call['prog'] == 'vmrun' and 'start' in call['argv']]

    def log(self, server):
        with open(self.path(server, 'vmware.log')) as file:
            return file.read()

    def reboot_hard(self, server):
        self._reboot_server(server, hard=True)
        self.assertRunning(server)


class SlotTestCase(TestCase):
    """Devices on the PCI bus, of which a wrong one ends the VM."""

    def setUp(self):
        super().setUp()
        self.server = self.boot(
            self.add_image(properties={'hw_vif_model': 'vmxnet3'}),
            networks=[{'port': self.neutron.port_1['id']}])
        self._stop_server(self.server)

    def test_no_root_port(self):
        ports = {'pciBridge%d__present' % number: 'FALSE'
                 for number in (4, 5, 6, 7)}
        self.edit(self.server, ethernet0__pciSlotNumber='192', **ports)
        details = self.fail_to_start(self.server)[:255]
        self.assertIn('No PCIe slot available for Ethernet0', details)
        self.assertIn('Reboot the server hard', details)
        self.assertFalse(self.is_running(self.server))
        self.reboot_hard(self.server)

    @base.sample
    def test_a_start_drops_a_slot_that_does_not_fit(self):
        self.edit(self.server, ethernet0__pciSlotNumber='21')
        self._start_server(self.server)
        self.assertRunning(self.server)
        self.assertNotEqual('21',
                            self.vmx(self.server)['ethernet0.pciSlotNumber'])


class QuestionTestCase(TestCase):

    def test_a_question_that_nobody_answers(self):
        # On a busy machine, vmrun needs more than a second to ask.
        self.flags(start_timeout=4, group='vmrun')
        server = self.stopped_server()
        self.edit(server, msg__autoAnswer='FALSE', sata0__present='TRUE',
                  sata0_colon_1__present='TRUE',
                  sata0_colon_1__deviceType='cdrom-image',
                  sata0_colon_1__fileName='gone.iso')
        self.vmware.set_knobs(DIALOGS='wait')
        details = self.fail_to_start(server)[:255]
        self.assertIn('did not end within 4 seconds', details)
        self.assertIn('Cannot find the CD image "gone.iso"', details)
        # A hard reboot brings back what answers questions.
        self.flags(start_timeout=20, group='vmrun')
        self.reboot_hard(server)


class ManyStartsTestCase(TestCase):
    """Starts beside others, of which VMware loses some."""

    def test_each_gets_a_second_try(self):
        self.vmware.set_knobs(CROWD=0)
        image_id, flavor_id = self.add_image(), self.add_flavor()
        servers = [self.request_boot(image_id, flavor_id) for _ in range(3)]
        for server in servers:
            self.assertRunning(self._wait_for_state_change(server, 'ACTIVE'))
        self.assertEqual(6, len(self.starts()))


class ModulesTestCase(TestCase):
    """A host whose kernel was updated."""

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        os.makedirs(os.path.join(self.root, 'etc', 'vmware'))
        os.mkdir(os.path.join(self.root, 'dev'))
        self.useFixture(fixtures.MockPatchObject(
            kernel_modules, 'missing_devices', functools.partial(
                kernel_modules.missing_devices, self.root, 'linux')))
        self.server = self.stopped_server()

    def make_device(self, name):
        with open(os.path.join(self.root, 'dev', name), 'w'):
            pass

    def check(self, missing, *words):
        self.vmware.set_knobs(MODULES_MISSING=missing)
        details = self.fail_to_start(self.server)
        for word in (*words, 'vmware-modconfig --console --install-all'):
            self.assertIn(word, details)
        self.vmware.set_knobs()

    def check_lacking(self, module):
        starts = len(self.starts())
        self.check(module, "VMware's kernel modules are not loaded")
        # Another try would fail as this one did.
        self.assertEqual(starts + 1, len(self.starts()))

    def test_vmmon(self):
        self.make_device('vmnet0')
        self.check_lacking('vmmon')

    def test_vmnet(self):
        self.make_device('vmmon')
        self.check_lacking('vmnet')

    def test_the_one_that_only_the_log_names(self):
        self.make_device('vmnet0')
        self.make_device('vmmon')
        self.edit(self.server, vmci0__present='TRUE')
        self.check('vmci', 'Failed to open device "/dev/vmci"')


class MemoryTestCase(TestCase):
    """Memory whose writing takes longer than the time limit."""

    def setUp(self):
        super().setUp()
        self.server = self.boot()
        # On a busy machine, vmrun needs more than a second to begin.
        self.flags(suspend_timeout=4, memory_timeout_per_gib=0,
                   group='vmrun')
        # Half as long again as the limit, for 64 MiB.
        self.vmware.set_knobs(PER_GB='suspend=96')

    def test_a_suspend_that_vmware_still_ends_loses_no_memory(self):
        details = self.failing(self.server, 'suspend', 'suspend',
                               'compute_suspend_instance')
        self.assertIn('did not end within 4 seconds', details)
        self.wait_for(lambda: self.found() is states.State.SUSPENDED,
                      'the VM to be suspended')
        self.sync_power_states()
        self._wait_for_state_change(self.server, 'SHUTOFF')
        self.assertIs(states.State.SUSPENDED, self.found())
        self.vmware.set_knobs()
        # A start goes on with the memory.
        self._start_server(self.server)
        self.assertRunning(self.server)

    def found(self):
        self.driver._hypervisor.states.changed()
        return self.driver._hypervisor.states.get(self.server['id'])


class LateSnapshotTestCase(TestCase):
    """A snapshot that VMware finishes after vmrun was ended."""

    def test_nothing_is_left_of_it(self):
        self.useFixture(glance_uploads.GlanceUploads())
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.ops.snapshot._LATE_INTERVAL', 0.2))
        server = self.boot(flavor_id=self.add_flavor(disk=0))
        # On a busy machine, vmrun needs a second to begin.
        self.flags(snapshot_timeout=3, memory_timeout_per_gib=0,
                   group='vmrun')
        self.vmware.set_knobs(PER_GB='snapshot=80')
        image_id = self.admin_api.post_server_action(
            server['id'], {'createImage': {'name': 'mine'}})['image_id']
        self.wait_for(lambda: image_id not in self.glance.images,
                      'the image to be removed')
        self._wait_for_server_parameter(server,
                                        {'OS-EXT-STS:task_state': None})
        self.assertIn('Total snapshots: 0', self.vmware.run(
            'listSnapshots', self.vmx_path(server)))
        self.assertEqual([], [name for name in os.listdir(self.path(server))
                              if '-00000' in name or 'Snapshot' in name])
        self.assertRunning(server)


class AdapterTestCase(TestCase):
    """Of servers that start together, some have an adapter without carrier."""

    def test_it_is_connected(self):
        first = self.neutron._ports[self.neutron.port_1['id']]
        second = dict(first, id=uuidutils.generate_uuid(),
                      mac_address='fa:16:3e:00:00:02')
        self.neutron._ports[second['id']] = second
        self.vmware.set_knobs(CROWD=0, NO_CARRIER='ethernet1',
                              VERSION='26H1')
        server = self.boot(networks=[{'port': first['id']},
                                     {'port': second['id']}])
        [record] = glob.glob(
            os.path.join(self.vmware.state, 'vms', '*', 'vm.json'))
        with open(record) as file:
            self.assertEqual({'ethernet1': True}, json.load(file)['connected'])
        self.assertRunning(server)


class WindowTestCase(TestCase):

    def test_a_start_that_returns_when_the_vm_ends(self):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.tools.process._UNTIL_INTERVAL', 0.2))
        self.useFixture(fixtures.EnvironmentVariable('DISPLAY', ':0'))
        self.flags(show_gui=True, group='vmrun')
        self.restart_compute_service(self.compute)
        self.vmware.set_knobs(GUI_WAITS=1)
        server = self.boot()
        self.assertRunning(server)
        self.assertEqual([], self.starts())
        self._stop_server(server)
        self.wait_for(self.starts, 'the start to return')
        self.assertFalse(self.is_running(server))


class AddressTestCase(TestCase):

    def address(self, **knobs):
        """Return the address that diagnostics tell."""
        self.vmware.set_knobs(**knobs)
        self.admin_api.microversion = '2.47'
        try:
            return self.admin_api.api_get(
                '/servers/%s/diagnostics' % self.server['id']).body[
                    'guest_address']
        finally:
            self.admin_api.microversion = self.microversion

    def test_what_vmware_notes_counts_where_tools_are_denied(self):
        self.server = self.boot()
        self.assertEqual(ADDRESS, self.address(ADDRESS_DENIED=1,
                                               GUEST_IP=ADDRESS))

    def test_nobody_knows_an_address(self):
        self.flags(guest_address_timeout=4, group='vmrun')
        self.server = self.boot()
        calls = len(self.vmware.calls())
        self.assertIsNone(self.address(GUEST_IP='none'))
        # The first one waits and is killed before it is noted.
        self.assertIn(('vmrun', 'readVariable'),
                      self.vmware.verbs_since(calls))
