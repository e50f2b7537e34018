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

from nova_vmrun.doctor.checks import kernel
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from tests.unit.doctor import hosts


class ModulesTestCase(hosts.TestCase):

    def test_modules_that_are_not_loaded(self):
        self.assert_wrong(
            '/dev/vmmon and /dev/vmnet0 are missing',
            'systemctl restart vmware', 'modules',
            missing_devices=('/dev/vmmon', '/dev/vmnet0'))

    def test_modules_of_another_kernel(self):
        self.assert_wrong(
            'vmmon and vmnet are not built for the running kernel, 6.1.0-40',
            'sudo vmware-modconfig --console --install-all', 'modules',
            not_built=('vmmon', 'vmnet'),
            missing_devices=('/dev/vmmon', '/dev/vmnet0'))

    def test_no_headers_to_build_modules_with(self):
        self.assert_wrong(
            'headers of that kernel are missing',
            'sudo apt-get install linux-headers-6.1.0-40-amd64 && sudo '
            'vmware-modconfig', 'modules', not_built=('vmmon',),
            has_headers=False)

    def test_vmci_alone(self):
        self.assert_wrong('/dev/vmci is missing', 'sudo modprobe vmw_vmci',
                          'modules', missing_devices=('/dev/vmci',))

    def test_secure_boot(self):
        self.assert_wrong(
            'Secure Boot is on', 'mokutil', 'modules',
            missing_devices=('/dev/vmmon',), has_secure_boot=True)
        self.assertEqual([], self.problems('modules', has_secure_boot=True))

    def test_hosts_without_modules(self):
        found, = kernel.check_modules(facts.Modules(
            False, '23.1', missing_devices=('/dev/vmmon',)))
        self.assertIs(finding.State.OK, found.state)


class LibrariesTestCase(hosts.TestCase):

    def test_x_libraries(self):
        self.assert_wrong(
            'libXi.so.6, libXtst.so.6',
            'sudo apt-get install libxi6 libxtst6', 'libraries',
            missing=('libXi.so.6', 'libXtst.so.6'))

    def test_libaio(self):
        self.assert_warning('libaio.so.1 is missing', 'libaio1t64',
                            'libraries', has_aio=False)

    def test_hosts_without_vmware(self):
        found, = kernel.check_libraries(facts.Libraries(
            False, missing=('libXi.so.6',)))
        self.assertIs(finding.State.OK, found.state)


class ProcessorTestCase(hosts.TestCase):

    def test_virtualization_is_off(self):
        self.assert_wrong('VT-x or AMD-V is turned off', 'BIOS', 'processor',
                          flags=frozenset({'fpu'}))

    def test_vm_without_nested_virtualization(self):
        self.assert_wrong('This host is itself a VM', 'nested', 'processor',
                          flags=frozenset({'hypervisor'}))

    def test_vm_with_nested_virtualization(self):
        self.assert_warning('will be slow', 'machine itself', 'processor',
                            flags=frozenset({'hypervisor', 'svm'}))

    def test_unknown_features(self):
        self.assertEqual([], self.problems('processor', flags=frozenset()))

    def test_kvm_guests(self):
        self.assert_wrong('KVM guests are running (2 users of the module '
                          'kvm_intel)', 'virsh list', 'processor',
                          kvm_guests=2)

    def test_kvm_that_occupies_the_processor(self):
        self.assert_warning('even without guests',
                            'sudo modprobe -r kvm_intel', 'processor',
                            kvm_holds=True)

    def test_windows_subsystem_for_linux(self):
        self.assert_wrong('runs in Hyper-V', 'Use a Linux', 'processor',
                          is_wsl=True, flags=frozenset({'hypervisor'}))
