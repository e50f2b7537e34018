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

from nova_vmrun.formats import vmx
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from nova_vmrun.machine import settings
from tests.unit.machine import base


def _render(server):
    return vmx.parse(render.render(server))


class BuildTestCase(base.TestCase):

    def test_groups(self):
        groups = settings.build(base.make_machine())
        self.assertEqual(
            {'identity', 'cpu', 'firmware', 'storage', 'floppy', 'network',
             'serial', 'console', 'devices', 'guest', 'isolation'},
            set(groups))
        self.assertEqual((), groups['network'])

    def test_origins(self):
        found = settings.build(base.make_machine(
            cores_per_socket=1, origins={'cores_per_socket': 'flavor x'}))
        origins = {item.key: item.origin
                   for group in found.values() for item in group}
        for key, origin in (
                ('cpuid.coresPerSocket', 'flavor x'),
                ('displayName', 'server'), ('memsize', 'flavor'),
                ('virtualHW.version', 'product'), ('firmware', 'default')):
            self.assertEqual(origin, origins[key])

    def test_options_stand_in_their_group(self):
        groups = settings.build(base.make_machine(options={'pmu': True}))
        self.assertIn(settings.Setting('vpmc.enable', 'TRUE', 'default'),
                      groups['cpu'])


class SettingsTestCase(base.TestCase):

    def _check(self, expected, **fields):
        found = _render(base.make_machine(**fields))
        for key, value in expected.items():
            self.assertEqual(value, found.get(key), key)

    def test_a_volume(self):
        server = base.make_machine(
            disks=(model.Disk('root.vmdk', 'ide'),
                   model.Disk('/volumes/a.vmdk', 'pvscsi', 'scsi3:0',
                              is_independent=True)),
            origins={'disk_bus': 'image', 'volume_bus': 'guest'})
        found = {item.key: (item.value, item.origin)
                 for item in settings.build(server)['storage']}
        self.assertEqual(('TRUE', 'image'), found['ide0:0.present'])
        self.assertNotIn('ide0:0.mode', found)
        self.assertEqual(('pvscsi', 'guest'), found['scsi3.virtualDev'])
        self.assertEqual(('TRUE', 'guest'), found['scsi3:0.present'])
        self.assertEqual('independent-persistent',
                         found['scsi3:0.mode'][0])
        self.assertEqual('ide0:0', _render(server)['bios.hddOrder'])

    def test_a_boot_volume_is_on_the_bus_of_the_root_disk(self):
        server = base.make_machine(
            disks=(model.Disk('/volumes/a.vmdk', 'sata',
                              is_independent=True),),
            origins={'disk_bus': 'image'})
        found = {item.key: (item.value, item.origin)
                 for item in settings.build(server)['storage']}
        self.assertEqual(('TRUE', 'image'), found['sata0:0.present'])
        self.assertEqual('independent-persistent', found['sata0:0.mode'][0])

    def test_a_nic(self):
        self._check({
            'ethernet0.present': 'TRUE', 'ethernet0.virtualDev': 'e1000',
            'ethernet0.connectionType': 'custom',
            'ethernet0.vnet': 'vmnet8', 'ethernet0.addressType': 'static',
            'ethernet0.address': 'fa:16:3e:00:00:0a',
            'ethernet0.checkMACAddress': 'FALSE',
            'ethernet0.rxbw.limit': '8000', 'ethernet0.txbw.limit': '4000'},
            nics=(model.Nic('FA:16:3E:00:00:0A', 'e1000', 'custom',
                            'vmnet8', rx_kbps=8000, tx_kbps=4000),))

    def test_vnet_is_for_custom_networks(self):
        self._check({'ethernet0.vnet': None, 'ethernet0.rxbw.limit': None},
                    nics=(model.Nic('fa:16:3e:00:00:0a', 'e1000', 'nat',
                                    'vmnet8'),))

    def test_a_lan_segment(self):
        segment = '52 54 ab 10 00 00 00 00-00 00 00 00 00 00 00 01'
        self._check({'ethernet0.connectionType': 'pvn',
                     'ethernet0.pvnID': segment, 'ethernet0.vnet': None},
                    nics=(model.Nic('fa:16:3e:00:00:0a', 'e1000', 'pvn',
                                    segment=segment),))

    def test_disks_and_drives(self):
        self._check({
            'scsi0.present': 'TRUE', 'scsi0.virtualDev': 'pvscsi',
            'scsi0:0.present': 'TRUE', 'scsi0:0.fileName': '/a/root.vmdk',
            'sata0.present': 'TRUE', 'sata0:0.deviceType': 'cdrom-image',
            'sata0:0.fileName': 'c.iso', 'sata0:0.startConnected': 'TRUE',
            'sata0:1.deviceType': 'cdrom-raw',
            'sata0:1.fileName': 'auto detect',
            'sata0:1.autodetect': 'TRUE', 'sata0:1.startConnected': 'FALSE',
            'bios.hddOrder': 'scsi0:0', 'floppy0.present': 'FALSE',
            'floppy0.fileName': None},
            disks=(model.Disk('/a/root.vmdk', 'pvscsi'),),
            cdroms=(model.Cdrom('c.iso', 'sata'),
                    model.Cdrom(None, 'sata')))

    def test_a_floppy(self):
        self._check({'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
                     'floppy0.fileName': 'ks.flp',
                     'floppy0.startConnected': 'TRUE'}, floppy='ks.flp')

    def test_serial_ports(self):
        self._check({
            'serial0.present': 'TRUE', 'serial0.fileType': 'file',
            'serial0.fileName': 'console.log',
            'answer.msg.serial.file.open': 'Append',
            'serial1.fileType': 'pipe', 'serial1.fileName': '/run/s',
            'serial1.pipe.endPoint': 'server', 'serial1.tryNoRxLoss': 'TRUE',
            'serial2.fileType': 'network',
            'serial2.fileName': 'telnet://h:1',
            'serial2.network.endPoint': 'client',
            'serial2.vspc': 'telnet://p:2'},
            serials=(model.Serial('file', 'console.log'),
                     model.Serial('pipe', '/run/s'),
                     model.Serial('network', 'telnet://h:1',
                                  proxy='telnet://p:2')))

    def test_a_guest_agent_has_the_second_serial_port(self):
        for count, numbers in ((0, ()), (1, (0,)), (3, (0, 2, 3))):
            logs = tuple(model.Serial('file', 'log%d' % number)
                         for number in range(count))
            expected = {'serial%d.fileName' % number: log.path
                        for number, log in zip(numbers, logs)}
            self._check(dict(expected, **{
                'serial0.present': 'TRUE' if numbers else None,
                'serial1.present': 'TRUE', 'serial1.fileType': 'pipe',
                'serial1.fileName': '/i/agent',
                'serial1.startConnected': 'TRUE',
                'serial1.pipe.endPoint': 'server',
                'serial1.tryNoRxLoss': 'TRUE'}),
                serials=logs, agent_socket='/i/agent')

    def test_a_serial_port_that_listens(self):
        self._check({'serial0.network.endPoint': 'server',
                     'serial0.vspc': None,
                     'answer.msg.serial.file.open': None},
                    serials=(model.Serial('network', 'telnet://h:1',
                                          server=True),))

    def test_vnc(self):
        self._check({'RemoteDisplay.vnc.enabled': 'TRUE',
                     'RemoteDisplay.vnc.ip': '127.0.0.1',
                     'RemoteDisplay.vnc.port': '5901',
                     'RemoteDisplay.vnc.keyMap': 'de',
                     'RemoteDisplay.vnc.password': None},
                    vnc=model.Vnc('127.0.0.1', 5901, 'de'))
        self._check({'RemoteDisplay.vnc.enabled': 'FALSE',
                     'RemoteDisplay.vnc.port': None})

    def test_cpu(self):
        self._check({'numvcpus': '4', 'cpuid.coresPerSocket': '2',
                     'vhv.enable': 'TRUE', 'vpmc.enable': 'TRUE',
                     'hypervisor.cpuid.v0': 'FALSE'},
                    vcpus=4, cores_per_socket=2,
                    options={'nested': True, 'pmu': True,
                             'hide_hypervisor': True})
        self._check({'cpuid.coresPerSocket': None, 'vhv.enable': 'FALSE',
                     'vpmc.enable': None, 'hypervisor.cpuid.v0': None})

    def test_firmware(self):
        self._check({'firmware': 'efi', 'uefi.secureBoot.enabled': 'TRUE',
                     'bios.bootOrder': 'cdrom,hdd', 'bios.bootDelay': '5000',
                     'hpet0.present': 'FALSE'},
                    firmware='efi', secure_boot=True,
                    boot_order=('cdrom', 'hdd'),
                    options={'boot_menu': True, 'hpet': False})
        self._check({'firmware': 'bios', 'uefi.secureBoot.enabled': None,
                     'bios.bootDelay': None})

    def test_display_and_keyboard(self):
        self._check({'svga.vramSize': str(16 * 1024 * 1024),
                     'svga.autodetect': 'FALSE',
                     'keyboard.typematicMinDelay': '2000000'},
                    options={'video_ram_mb': 16},
                    typematic_delay_us=2000000)

    def test_usb_and_sound(self):
        for usb, expected in (('none', 'FALSE'), ('xhci', 'TRUE')):
            self._check({'usb.present': expected, 'ehci.present': expected,
                         'usb_xhci.present': expected}, options={'usb': usb})
        self._check({'sound.present': 'FALSE', 'sound.virtualDev': None})
        self._check({'sound.present': 'TRUE',
                     'sound.virtualDev': 'hdaudio'},
                    options={'sound': 'hdaudio'})

    def test_information_for_the_guest(self):
        self._check({'guestinfo.metadata': 'eA==',
                     'guestinfo.metadata.encoding': 'base64',
                     'machine.id': '00:11;10.0.0.2', 'annotation': 'a\nb'},
                    guestinfo={'metadata': 'eA==',
                               'metadata.encoding': 'base64'},
                    machine_id='00:11;10.0.0.2', annotation='a\nb')
