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

"""What a power-on writes to the vmx (facts 3.1, 3.2, 6.2)."""

import re

from tests.contract import base
from tests.contract import vmx

UUID = re.compile(r'56 4d( [0-9a-f]{2}){6}-[0-9a-f]{2}( [0-9a-f]{2}){7}\Z')


def mac(uuid, number=0):
    """Return the address that the products derive from a uuid."""
    tail = uuid.replace('-', ' ').split()[-3:]
    tail[2] = '%02x' % ((int(tail[2], 16) + 10 * number) & 0xff)
    return ':'.join(['00', '0c', '29'] + tail)


class FirstPowerOnTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm(ethernet0__present='TRUE',
                               ethernet0__connectionType='nat',
                               ethernet0__virtualDev='e1000',
                               ethernet1__present='TRUE',
                               ethernet1__connectionType='nat',
                               ethernet1__virtualDev='vmxnet3')

    def boot(self):
        self.done('start', self.vm.vmx, 'nogui')

    def test_minimal_vmx_boots(self):
        self.boot()
        self.assertTrue(self.vm.is_listed)

    def test_first_power_on_adds_uuids(self):
        self.boot()
        for key in ('uuid.bios', 'uuid.location'):
            self.assertTrue(UUID.match(self.vm.get(key)), key)

    def test_first_power_on_adds_macs(self):
        self.boot()
        found = self.vm.get('ethernet0.generatedAddress')
        self.assertTrue(re.match(r'00:0c:29(:[0-9a-f]{2}){3}\Z', found))

    def test_generated_mac_is_the_uuids_tail(self):
        self.boot()
        self.assertEqual(mac(self.vm.get('uuid.bios')),
                         self.vm.get('ethernet0.generatedAddress'))

    def test_next_nic_adds_ten(self):
        self.boot()
        self.assertEqual(
            (mac(self.vm.get('uuid.bios'), 1), '0', '10'),
            (self.vm.get('ethernet1.generatedAddress'),
             self.vm.get('ethernet0.generatedAddressOffset'),
             self.vm.get('ethernet1.generatedAddressOffset')))

    def test_generated_mac_stays(self):
        self.boot()
        before = self.vm.get('ethernet0.generatedAddress')
        self.done('stop', self.vm.vmx, 'hard')
        self.boot()
        self.assertEqual(before, self.vm.get('ethernet0.generatedAddress'))

    def test_first_power_on_adds_file_names(self):
        self.boot()
        self.assertEqual(
            ('vm.vmxf', 'vm.scoreboard'),
            (self.vm.get('extendedConfigFile'),
             self.vm.get('vmxstats.filename')))

    def test_first_power_on_adds_pci_slots(self):
        self.boot()
        self.assertEqual(
            {'pcibridge0': '17', 'pcibridge4': '21', 'pcibridge5': '22',
             'pcibridge6': '23', 'pcibridge7': '24', 'scsi0': '16',
             'ethernet0': '33', 'ethernet1': '160'},
            {device: self.vm.get(device + '.pciSlotNumber')
             for device in ('pcibridge0', 'pcibridge4', 'pcibridge5',
                            'pcibridge6', 'pcibridge7', 'scsi0',
                            'ethernet0', 'ethernet1')})

    def test_first_power_on_adds_redo_and_more(self):
        self.boot()
        self.assertEqual('', self.vm.get('scsi0:0.redo'))
        for key in ('svga.vramSize', 'monitor.phys_bits_used',
                    'numa.autosize.cookie', 'cpuid.coresPerSocket.cookie',
                    'vmci0.id', 'cleanShutdown', 'softPowerOff'):
            self.assertIsNotNone(self.vm.get(key), key)

    def test_numa_cookie_counts_cpus(self):
        self.vm.set(numvcpus='4', cpuid__coresPerSocket='2')
        self.boot()
        self.assertEqual('40022', self.vm.get('numa.autosize.cookie'))

    def test_numa_cookie_of_one_core_per_socket(self):
        self.vm.set(numvcpus='2')
        self.boot()
        self.assertEqual('20012', self.vm.get('numa.autosize.cookie'))

    def test_same_path_gives_the_same_uuid(self):
        self.boot()
        before = self.vm.get('uuid.bios')
        self.done('stop', self.vm.vmx, 'hard')
        self.vm.set(uuid__bios=None, uuid__location=None)
        self.boot()
        self.assertEqual(before, self.vm.get('uuid.bios'))

    def test_vmci_id_may_be_negative(self):
        self.vm.set(uuid__bios='56 4d 13 59 01 1a d1 1a-57 5b 0a d7 fb 2a 0c '
                               '99', uuid__action='keep')
        self.boot()
        self.assertEqual(0xfb2a0c99 - 2 ** 32, int(self.vm.get('vmci0.id')))

    @base.fakes_only
    def test_addresses_are_upper_case_on_windows(self):
        self.knobs['HOST'] = 'windows'
        self.vm.set(uuid__bios='56 4d 13 59 01 1a d1 1a-57 5b 0a d7 4b ab cd '
                               'ef', uuid__action='keep')
        self.boot()
        self.assertEqual('00:0C:29:AB:CD:EF',
                         self.vm.get('ethernet0.generatedAddress'))

    @base.fakes_only
    def test_25h2_marks_a_running_vm_as_not_read_only(self):
        self.use_product('ws', VERSION='25H2')
        self.boot()
        self.assertEqual('FALSE', self.vm.get('checkpoint.vmState.readOnly'))
        self.assertIsNone(self.vm.get('checkpoint.vmState'))
        self.done('stop', self.vm.vmx, 'hard')
        self.refused('The virtual machine is not powered on: '
                     + self.vm.vmx, 'suspend', self.vm.vmx)

    def test_vmci_id_is_the_uuids_tail(self):
        self.boot()
        tail = self.vm.get('uuid.bios').replace('-', ' ').split()[-4:]
        self.assertEqual(int(''.join(tail), 16),
                         int(self.vm.get('vmci0.id')) & 0xffffffff)

    def test_new_keys_go_to_the_end(self):
        written = list(vmx.read(self.vm.vmx))
        self.boot()
        self.assertEqual(written,
                         list(vmx.read(self.vm.vmx))[:len(written)])

    def test_private_keys_survive(self):
        self.vm.append('nova.private = "kept |22as it is|22"\n')
        self.boot()
        self.done('stop', self.vm.vmx, 'hard')
        with open(self.vm.vmx) as f:
            self.assertIn('nova.private = "kept |22as it is|22"\n',
                          f.read())

    def test_edits_while_running_are_lost(self):
        self.boot()
        self.vm.append('nova.private = "lost"\n')
        self.done('stop', self.vm.vmx, 'hard')
        self.wait_for(lambda: self.vm.get('cleanShutdown') == 'TRUE')
        self.assertIsNone(self.vm.get('nova.private'))

    def test_hardware_clock_in_utc_is_accepted_and_kept(self):
        machine = self.make_vm('utc', disk=False, rtc__diffFromUTC='0')
        self.done('start', machine.vmx, 'nogui')
        self.done('stop', machine.vmx, 'hard')
        self.assertEqual('0', machine.get('rtc.diffFromUTC'))

    def test_own_uuid_is_kept(self):
        uuid = '42 1d 13 59 01 1a d1 1a-57 5b 0a d7 4b 2a 0c 99'
        self.vm.set(uuid__bios=uuid, uuid__action='keep')
        self.boot()
        self.assertEqual(uuid, self.vm.get('uuid.bios'))

    def test_encoding_is_added(self):
        self.vm.set(__encoding=None)
        self.boot()
        self.assertEqual('UTF-8', self.vm.get('.encoding'))
