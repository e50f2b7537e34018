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

import base64

from tests.unit.fakes_qemu import plans

from vmwarefake import dictionary
from vmwarefake.engine import base
from vmwarefake.engine.qemu import pci
from vmwarefake.engine.qemu import vmnetd


class SlotsTest(plans.PlanTest):

    def _address(self, slots, number, device='scsi0'):
        config = dictionary.Dictionary(
            [(device + '.pciSlotNumber', str(number))])
        address = slots.address(config, device)
        return address['bus'], int(address['addr'], 16)

    def test_slots_as_on_vmware(self):
        for number, place in ((16, ('pci.0', 16)),
                              (32, ('pciBridge0', 0)),
                              (33, ('pciBridge0', 1)),
                              (160, ('pciBridge4', 0)),
                              (192, ('pciBridge5', 0)),
                              (256, ('pciBridge7', 0)),
                              (1184, ('pciBridge4', 1)),
                              (2208, ('pciBridge4', 2))):
            slots = pci.Slots()
            self.assertEqual(place, self._address(slots, number))
            self.assertEqual([], slots.notes)

    def test_taken_slot_is_noted(self):
        slots = pci.Slots()
        first = self._address(slots, 160)

        second = self._address(slots, 160, 'ethernet0')

        self.assertNotEqual(first, second)
        self.assertEqual(1, len(slots.notes))
        self.assertIn('ethernet0.pciSlotNumber = "160"', slots.notes[0])

    def test_slots_of_the_chipset_are_not_given(self):
        for number in (0, 1, pci.DISPLAY, pci.CHANNEL, 17, 21):
            slots = pci.Slots()
            self.assertNotEqual(('pci.0', number),
                                self._address(slots, number))

    def test_without_a_number_there_is_room_for_all(self):
        slots = pci.Slots()
        config = dictionary.Dictionary()
        places = [tuple(slots.address(config, 'x').values())
                  for _ in range(40)]

        self.assertEqual(40, len(set(places)))

    def test_bridges_come_in_order_and_only_when_used(self):
        slots = pci.Slots()
        for number in (192, 33, 160):
            self._address(slots, number)

        self.assertEqual(
            [('pciBridge0', '0x11'), ('pciBridge4', '0x15'),
             ('pciBridge5', '0x16')],
            [(b['id'], b['addr']) for b in slots.bridges()])


class CardsTest(plans.PlanTest):

    def test_models(self):
        for kind, model in (('e1000', 'e1000-82545em'), ('e1000e', 'e1000e'),
                            ('vmxnet3', 'vmxnet3'), ('vlance', 'pcnet'),
                            ('', 'pcnet'), ('vmxnet', 'pcnet')):
            card = self.devices(plans.nic(0, kind))['ethernet0']
            self.assertEqual(model, card['driver'])
            self.assertEqual('fa:16:3e:00:00:00', card['mac'])

    def test_exact_and_cloud(self):
        self.assertUnsupported('ethernet0.virtualDev',
                               plans.nic(0, 'vmxnet'), QEMU_HARDWARE='exact')
        card = self.devices(plans.nic(0, 'e1000e'),
                            QEMU_HARDWARE='cloud')['ethernet0']
        self.assertEqual('vmxnet3', card['driver'])

    def test_networks(self):
        keys = {**plans.nic(0, 'vmxnet3', 'nat'),
                **plans.nic(1, 'vmxnet3', 'hostonly'),
                **plans.nic(2, 'vmxnet3', 'bridged', startConnected='FALSE'),
                **plans.nic(3, 'vmxnet3', 'custom', vnet='/dev/vmnet2'),
                **plans.nic(4, 'vmxnet3', 'pvn', pvnID='52 5e-AB')}

        links = self.plan(keys).links

        self.assertEqual(['vmnet8', 'vmnet1', 'vmnet0', 'vmnet2',
                          'pvn-525eab'], [link.network for link in links])
        self.assertEqual([True, True, False, True, True],
                         [link.connected for link in links])

    def test_machine_waits_only_for_cables_to_be_unplugged(self):
        self.assertNotIn('-S', self.argv(plans.nic(0, 'vmxnet3')))
        self.assertIn('-S', self.argv(plans.nic(0, 'vmxnet3', 'nat',
                                                startConnected='FALSE')))

    def test_each_card_has_its_cable(self):
        keys = {**plans.nic(1, 'e1000'), **plans.nic(0, 'vmxnet3')}

        argv = self.argv(keys, fds=(10, 11))

        self.assertEqual(
            [{'type': 'socket', 'id': 'net-ethernet0', 'fd': '10'},
             {'type': 'socket', 'id': 'net-ethernet1', 'fd': '11'}],
            self.values(argv, '-netdev'))
        self.assertEqual('net-ethernet1',
                         self.devices(keys)['ethernet1']['netdev'])

    def test_boot_rom_only_for_cards_that_may_boot(self):
        card = self.devices(plans.nic(0, 'vmxnet3'))['ethernet0']

        self.assertEqual('', card['romfile'])
        self.assertNotIn('bootindex', card)


class PortsTest(plans.PlanTest):

    def _backend(self, **keys):
        keys = {'serial0.present': 'TRUE', **{
            'serial0.' + key: value for key, value in keys.items()}}
        chardev = self.values(self.argv(keys), '-chardev')[0]
        self.assertTrue(chardev.endswith(',id=serial0'), chardev)
        return chardev[:-len(',id=serial0')]

    def test_serial_file_is_appended_to(self):
        self.assertEqual(
            'file,path=%s/a,,b,append=on' % self.folder,
            self._backend(fileType='file', fileName='a,b'))

    def test_serial_pipes(self):
        self.assertEqual(
            'socket,path=%s/p,server=on,wait=off' % self.folder,
            self._backend(fileType='pipe', fileName='p'))
        self.assertEqual(
            'socket,path=/far/p,reconnect=1',
            self._backend(fileType='pipe', fileName='/far/p',
                          **{'pipe.endPoint': 'client'}))

    def test_unplugged_serial_ports(self):
        self.assertEqual('null', self._backend(
            fileType='device', startConnected='FALSE'))
        self.assertEqual('null', self._backend(
            fileType='file', fileName='missing/folder/file'))
        self.assertEqual('null', self._backend(
            fileType='network', fileName='telnet://127.0.0.1:1'))

    def test_ports_keep_their_numbers(self):
        devices = self.devices({'serial1.present': 'TRUE',
                                'serial1.fileType': 'file',
                                'serial1.fileName': 'x'})

        self.assertEqual(1, devices['port-serial1']['index'])
        self.assertNotIn('port-serial0', devices)

    def test_devices_of_the_host_are_refused(self):
        self.assertUnsupported('serial0.fileType', {
            'serial0.present': 'TRUE', 'serial0.fileName': '/dev/ttyS0'})
        self.assertUnsupported('parallel0.fileType', {
            'parallel0.present': 'TRUE', 'parallel0.fileName': '/dev/lp0'})
        self.assertUnsupported('floppy0.fileType', {
            'floppy0.present': 'TRUE', 'floppy0.fileName': '/dev/fd0'})

    def test_floppy_that_the_vmx_does_not_name(self):
        self.assertNotIn('drive', self.devices({})['floppy0'])
        self.assertNotIn('floppy0', self.devices(
            {'floppy0.present': 'FALSE'}))

    def test_floppy(self):
        open(self.folder + '/floppy.img', 'w').close()
        keys = {'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
                'floppy0.fileName': 'floppy.img'}

        self.assertEqual('medium-floppy0',
                         self.devices(keys)['floppy0']['drive'])
        keys['floppy0.startConnected'] = 'FALSE'
        self.assertNotIn('drive', self.devices(keys)['floppy0'])

    def test_usb_and_sound(self):
        devices = self.devices({
            'usb.present': 'TRUE', 'ehci.present': 'TRUE',
            'usb_xhci.present': 'TRUE', 'sound.present': 'TRUE',
            'sound.virtualDev': 'hdaudio'})

        self.assertEqual('piix3-usb-uhci', devices['usb']['driver'])
        self.assertEqual('usb-ehci', devices['ehci']['driver'])
        self.assertEqual('qemu-xhci', devices['usb_xhci']['driver'])
        self.assertEqual('intel-hda', devices['sound']['driver'])
        self.assertUnsupported('sound.virtualDev', {
            'sound.present': 'TRUE', 'sound.virtualDev': 'theremin'})


class VncTest(plans.PlanTest):

    def _vnc(self, **keys):
        keys = {'RemoteDisplay.vnc.' + key: value
                for key, value in dict(keys, enabled='TRUE').items()}
        plan = self.plan(keys)
        return plan, self.values(plan.argv({}), '-vnc')

    def test_none(self):
        plan = self.plan(plans.DISK)

        self.assertIsNone(plan.vnc)
        self.assertNotIn('-vnc', plan.argv({}))

    def test_address_and_port(self):
        plan, options = self._vnc(ip='127.0.0.1', port='5907')

        self.assertEqual(('127.0.0.1', 5907), plan.vnc)
        self.assertEqual(['127.0.0.1:7'], options)

    def test_default_is_every_address(self):
        plan, options = self._vnc()

        self.assertEqual(('0.0.0.0', 5900), plan.vnc)

    def test_ipv6(self):
        self.assertEqual(['[::1]:7'], self._vnc(ip='::1', port='5907')[1])

    def test_password_is_a_file(self):
        plan, options = self._vnc(port='5907', password='secret')

        self.assertEqual(['0.0.0.0:7,password-secret=vnc-password'], options)
        self.assertEqual(b'secret', plan.files['vnc-password'])
        self.assertNotIn('secret', ' '.join(plan.argv({})).replace(
            'password-secret', '').replace('"secret"', ''))

    def test_taken_port(self):
        plan, _ = self._vnc(port='5907')

        self.assertNotIn('-vnc', plan.argv({}, with_vnc=False))

    def test_ports_that_cannot_be(self):
        enabled = {'RemoteDisplay.vnc.enabled': 'TRUE'}
        self.assertUnsupported('RemoteDisplay.vnc.port', {
            **enabled, 'RemoteDisplay.vnc.port': '5899'})
        self.assertUnsupported('RemoteDisplay.vnc.webSocket.port', {
            **enabled, 'RemoteDisplay.vnc.webSocket.port': '5800'})


class MachineTest(plans.PlanTest):

    def test_memory_and_processors(self):
        argv = self.argv({'memsize': '512', 'numvcpus': '4',
                          'cpuid.coresPerSocket': '2'})

        self.assertEqual(['512M'], self.values(argv, '-m'))
        self.assertEqual(['cpus=4,sockets=2,cores=2,threads=1'],
                         self.values(argv, '-smp'))
        self.assertEqual(['tcg'], self.values(argv, '-accel'))

    def test_guest_reads_the_uuid_with_three_fields_swapped(self):
        argv = self.argv({'uuid.bios': '33 22 11 00 55 44 77 66-'
                                       '88 99 aa bb cc dd ee ff'})

        system = self.values(argv, '-smbios')[0]
        self.assertIn('uuid=00112233-4455-6677-8899-aabbccddeeff', system)
        self.assertIn('serial=VMware-33 22 11 00 55 44 77 66-88 99 aa bb '
                      'cc dd ee ff', system)
        self.assertIn('manufacturer=VMware,, Inc.,product=VMware7,,1',
                      system)

    def test_guest_information(self):
        plan = self.plan({'guestinfo.metadata': 'a "b"\n', 'memsize': '64',
                          'machine.id': 'x;y#', 'guestinfoo': 'no'})

        lines = plan.files['guestinfo'].decode().splitlines()
        self.assertEqual(
            {'guestinfo.metadata': b'a "b"\n', 'machine.id': b'x;y#'},
            {key: base64.b64decode(value)
             for key, _, value in (line.partition(' ') for line in lines)})

    def test_resuming(self):
        argv = self.plan(plans.DISK).argv({}, memory_fd=9)

        self.assertEqual(['fd:9'], self.values(argv, '-incoming'))

    def test_wrong_settings_are_refused(self):
        for name, value in (('QEMU_ACCEL', 'fast'), ('NET', 'wifi'),
                            ('QEMU_HARDWARE', 'best')):
            e = self.assertRaises(base.EngineError, self.options,
                                  **{name: value})
            self.assertIn('FAKE_VMRUN_%s=%s' % (name, value), str(e))

    def test_missing_emulator_names_its_package(self):
        options = self.options(QEMU='/nonexistent/qemu')

        e = self.assertRaises(base.EngineError, options.qemu)

        self.assertIn('apt-get install qemu-system-x86', str(e))


class KeysTest(plans.PlanTest):

    def test_keys_that_need_nested_virtualization(self):
        self.assertUnsupported('vhv.enable', {'vhv.enable': 'TRUE'})
        self.assertUnsupported('featMask.vm.hv.capable', {
            'featMask.vm.hv.capable': 'Min:1'})
        self.plan({'vhv.enable': 'FALSE'})
        self.plan({'vhv.enable': 'TRUE'}, QEMU_ACCEL='kvm')

    def test_unsupported_keys(self):
        for key in ('vtpm.present', 'uefi.secureBoot.enabled', 'vvtd.enable',
                    'smbios.reflectHost', 'magic0.present'):
            self.assertUnsupported(key, {key: 'TRUE'})
            self.plan({key: 'FALSE'})
        for key in ('encryption.keySafe', 'board-id', 'hw.model',
                    'serialNumber'):
            self.assertUnsupported(key, {key: 'x'})
        self.assertUnsupported('cpuid.1.ecx', {'cpuid.1.ecx': '----'})
        self.assertUnsupported('guestOS', {'guestOS': 'arm-ubuntu-64'})

    def test_ignored_keys_are_noted(self):
        for key, value in (('vmci0.present', 'TRUE'),
                           ('usb:1.present', 'TRUE'),
                           ('sharedFolder0.present', 'TRUE'),
                           ('mks.enable3d', 'TRUE'),
                           ('svga.vramSize', '268435456'),
                           ('svga.numDisplays', '2'),
                           ('vm.genid', '-42'),
                           ('numa.vcpu.maxPerVirtualNode', '4'),
                           ('efi.legacyBoot.enabled', 'TRUE'),
                           ('keyboard.vusb.enable', 'TRUE'),
                           ('ethernet0.rxbw.limit', '1000'),
                           ('vcpu.hotadd', 'TRUE'),
                           ('bios.bootDelay', '5000'),
                           ('keyboard.typematicMinDelay', '2000000'),
                           ('RemoteDisplay.vnc.keyMap', 'de')):
            note, = self.plan({key: value}).notes
            self.assertIn('%s = "%s": ' % (key, value), note)
            self.assertEqual([], self.plan({key: ''}).notes)
        self.assertEqual([], self.plan({'mem.hotadd': 'FALSE'}).notes)

    def test_hardware_clock(self):
        def base(keys):
            return self.values(self.argv(keys), '-rtc')

        self.assertEqual(['base=localtime'], base({}))
        for key, value in (('rtc.diffFromUTC', '0'),
                           ('rtc.startInUTC', 'TRUE')):
            self.assertEqual(['base=utc'], base({key: value}))
        self.assertEqual(['base=2001-09-09T02:46:40'], base(
            {'rtc.startTime': '1000000000', 'rtc.diffFromUTC': '3600'}))

    def test_supported_keys(self):
        for device in ('svga', 'pciBridge0', 'hpet0'):
            self.assertEqual([], self.plan({device + '.present':
                                            'TRUE'}).notes)


class UserNetworkTest(plans.PlanTest):

    def test_nat(self):
        options = vmnetd.user_network({
            'type': 'nat', 'subnet': '172.16.41.0', 'mask': '255.255.255.0'})

        self.assertEqual(
            ('172.16.41.0/24', '172.16.41.2', '172.16.41.128', False),
            (options['net'], options['host'], options['dhcpstart'],
             options['restrict']))

    def test_host_only_reaches_nothing_else(self):
        options = vmnetd.user_network({
            'type': 'hostOnly', 'subnet': '10.1.0.0', 'mask': '255.255.0.0'})

        self.assertEqual(('10.1.0.0/16', '10.1.0.254', True),
                         (options['net'], options['host'],
                          options['restrict']))

    def test_segment_has_no_services(self):
        self.assertIsNone(vmnetd.user_network({
            'type': 'pvn', 'subnet': '', 'mask': ''}))
