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

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID


class RewriteTestCase(test_power.Base):
    """The .vmx is brought to what Nova says, if the VM is off."""

    def setUp(self):
        super().setUp()
        self.add_server(vmx=hosts.VMX + 'checkpoint.vmState = ""\n')
        self.rewritten = []
        self.loads = self.useFixture(fixtures.MockPatchObject(
            vmx, 'load', wraps=vmx.load)).mock

    def on(self):
        """Start the server; return whether it went on as it was."""
        gone_on = []
        self.power.on(UUID, self.rewrite,
                      lambda: gone_on.append(self.is_running()))
        self.assertNotIn(False, gone_on)
        return bool(gone_on)

    def rewrite(self, file):
        self.assertFalse(self.is_running())
        self.rewritten.append(file.uuid)
        file.edit(lambda keys: keys.update(memsize='64'))

    def edit(self, **keys):
        live = vmx.parse(files.read(self.layout.vmx(UUID)).decode())
        live.update(keys)
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))

    def test_off(self):
        self.assertFalse(self.on())
        self.assertEqual([UUID], self.rewritten)
        self.assertTrue(self.is_running())

    def test_a_start_parses_the_vmx_once(self):
        self.power.on(UUID, self.rewrite)
        self.loads.assert_called_once()

    def test_a_start_of_an_off_vm_starts_one_program(self):
        self.power.on(UUID, self.rewrite)
        self.assertEqual(['start'], [call[0] for call in
                                     self.vmrun.tool.method_calls])

    def test_running(self):
        self.start()
        self.assertTrue(self.on())
        self.assertEqual([], self.rewritten)

    def test_a_vm_whose_files_are_in_use(self):
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.power.on(UUID, self.rewrite)
        self.assertEqual([], self.rewritten)

    def test_suspended(self):
        self.edit(**{'checkpoint.vmState': 'a.vmss'})
        files.write_atomically(
            os.path.join(self.layout.folder(UUID), 'a.vmss'), 'memory')
        self.assertTrue(self.on())
        self.assertEqual([], self.rewritten)
        self.assertTrue(self.is_running())

    def test_a_suspended_one_whose_memory_is_lost(self):
        self.edit(**{'checkpoint.vmState': 'a.vmss'})
        self.power.on(UUID, self.rewrite)
        self.assertEqual([UUID], self.rewritten)

    def test_a_vmx_that_vmware_will_refuse(self):
        self.vmrun.fail('start', exception.ConfigUnreadable('Malformed.'))
        files.write_atomically(self.layout.vmx(UUID), 'half of a li')
        self.assertRaises(exception.ConfigUnreadable, self.power.on, UUID,
                          self.rewrite)
        os.remove(self.layout.vmx(UUID))
        self.assertRaises(exception.VmNotFound, self.power.on, UUID,
                          self.rewrite)
        self.assertEqual([], self.rewritten)

    def test_refused_rewrite_starts_nothing(self):
        def refuse(file):
            raise exception.InvalidVmx('Cannot be kept.')

        self.assertRaises(exception.InvalidVmx, self.power.on, UUID, refuse)
        self.assertFalse(self.is_running())

    def test_soft_reboot_rewrites_nothing(self):
        self.start()
        self.power.reboot_soft(UUID, self.fail)

    def test_one_that_does_not(self):
        self.start()
        self.vmrun.fail('reset', exception.ToolsNotRunning('No Tools.'))
        self.power.reboot_soft(UUID, lambda: self.rewrite)
        self.assertEqual([UUID], self.rewritten)

    def test_one_that_ends_up_off(self):
        self.start()

        def end(*args, **options):
            self.vmrun.running.clear()

        self.vmrun.tool.reset.side_effect = end
        self.power.reboot_soft(UUID, lambda: self.rewrite)
        self.assertEqual([UUID], self.rewritten)
        self.assertTrue(self.is_running())
