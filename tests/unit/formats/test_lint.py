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

import hypothesis

from nova_vmrun.formats import guestos
from nova_vmrun.formats.lint import check
from nova_vmrun.formats import vmx
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from tests.unit.machine import base

PLAIN = {
    'config.version': '8', 'virtualHW.version': '20', 'guestOS': 'ubuntu-64',
    'memsize': '64', 'msg.autoAnswer': 'TRUE',
    'isolation.tools.copy.disable': 'TRUE',
    'isolation.tools.paste.disable': 'TRUE',
    'isolation.tools.dnd.disable': 'TRUE',
    'isolation.tools.hgfs.disable': 'TRUE',
}


def _lines(text, **arguments):
    return [(found.severity, found.line, found.key)
            for found in check.check(text, **arguments)]


class LintTestCase(base.TestCase):

    def _with(self, expected, settings, exists=None):
        """Checks a plain file with these settings; None takes one out."""
        merged = {key: value for key, value in {**PLAIN, **settings}.items()
                  if value is not None}
        found = check.check(vmx.dump(merged), exists)
        self.assertEqual(expected,
                         [(item.severity, item.key) for item in found])


class RenderedTestCase(base.TestCase):

    def test_nothing_is_wrong_with_what_we_render(self):
        for guest in guestos.all_guests().values():
            server = base.make_server(
                {'vmrun_guestos': guest.id}, product=None, hw_version=22,
                arch=guest.arch, vcpus=4,
                vnc=model.Vnc('127.0.0.1', 5900), machine_id='x',
                serials=(model.Serial('file', 'a'),), annotation='x\ny')
            self.assertEqual([], check.check(render.render(server)))

    def test_nothing_is_wrong_with_what_vmware_makes_of_it(self):
        # Put together from what is known of the first power-on.
        text = (base.FIXTURES / 'after-power-on.vmx').read_text()
        self.assertEqual([], _lines(text))


class SyntaxTestCase(LintTestCase):

    def test_all_malformed_lines_are_found(self):
        text = vmx.dump(PLAIN) + 'a b\nfoo = "1"\n= "2"\n'
        self.assertEqual([('error', 10, ''), ('warning', 11, 'foo'),
                          ('error', 12, '')], _lines(text))

    def test_keys_that_come_twice(self):
        text = vmx.dump(PLAIN) + 'MEMSIZE = "4"\n'
        self.assertEqual([('error', 10, 'MEMSIZE')], _lines(text))

    def test_quotation_marks_of_a_web_page(self):
        for value in ('\u201cFALSE\u201d', '\u201eFALSE\u201c',
                      '\xabFALSE\xbb', '\u201cBox\u201d'):
            for key in ('vhv.enable', 'displayName'):
                text = vmx.dump(PLAIN) + '%s = %s\n' % (key, value)
                self.assertEqual([('error', 10, key)], _lines(text))
        self.assertEqual([], _lines(
            vmx.dump(PLAIN) + 'displayName = "\u201cBox\u201d"\n'))

    def test_an_empty_file(self):
        self.assertIn(('error', None, 'guestOS'), _lines(''))

    @hypothesis.given(base.hostile)
    def test_no_text_makes_it_fail(self, text):
        check.check(text, exists=lambda path: False)

    @hypothesis.given(base.printable)
    def test_no_value_makes_it_fail(self, value):
        text = vmx.dump(dict.fromkeys(
            ['memsize', 'numvcpus', 'cpuid.coresPerSocket', 'scsi0:0.present',
             'ethernet0.present', 'ethernet0.address', 'guestOS',
             'ethernet0.addressType', 'RemoteDisplay.vnc.ip'], value))
        check.check(text + 'RemoteDisplay.vnc.enabled = "TRUE"\n')


class ValuesTestCase(LintTestCase):

    def test_missing_keys(self):
        self._with([('error', 'guestOS')], {'guestOS': None})

    def test_kinds(self):
        for key, value, severity in (
                ('memsize', '66', 'error'), ('numvcpus', '0', 'error'),
                ('numvcpus', 'two', 'warning'),
                ('cpuid.coresPerSocket', '2', 'error'),
                ('vhv.enable', 'yes', 'warning'),
                ('firmware', 'uefi', 'error'),
                ('firmware', 'EFI', 'warning'),
                ('uuid.bios', '42', 'warning'),
                ('ethernet0.generatedAddress', 'x', 'warning'),
                ('ethernet0.address', 'x', 'error'),
                ('ethernet0.virtualDev', 'rtl8139', 'error'),
                ('scsi0.virtualDev', 'megaraid', 'error'),
                ('serial0.fileType', 'x', 'error'),
                ('sound.virtualDev', 'adlib', 'warning'),
                ('powerType.suspend', 'x', 'warning'),
                ('guestOS', 'beos', 'error'), ('foo', '1', 'warning')):
            self._with([(severity, key)], {key: value})

    def test_values_that_are_right(self):
        self._with([], {'vhv.enable': 'true', 'firmware': 'bios',
                        'uuid.bios': '00 11 22 33 44 55 66 77-88 99 aa bb '
                        'cc dd ee ff', 'numvcpus': '4',
                        'cpuid.coresPerSocket': '2', 'nvram': 'x',
                        'checkpoint.vmState': '',
                        'powerType.suspend': 'preset'})

    def test_an_encrypted_vm(self):
        """What is missing is among what cannot be read."""
        for key in ('encryption.data', 'encryption.keySafe'):
            self._with([], {'guestOS': None, 'config.version': None,
                            'virtualHW.version': None, key: 'x'})


class DevicesTestCase(LintTestCase):

    def test_devices_that_are_not_whole(self):
        for settings, key in (
                ({'ide0:0.present': 'TRUE'}, 'ide0:0.fileName'),
                ({'ethernet0.present': 'TRUE',
                  'ethernet0.connectionType': 'custom'}, 'ethernet0.vnet'),
                ({'ethernet0.present': 'TRUE',
                  'ethernet0.addressType': 'static'}, 'ethernet0.address')):
            self._with([('error', key)], settings)

    def test_devices_that_are_not_there(self):
        self._with([], {'ide0:0.present': 'FALSE', 'serial0.present': 'FALSE',
                        'ethernet0.present': 'FALSE'})

    def test_drives_of_the_host_need_no_file(self):
        self._with([], {'ide0:0.present': 'TRUE', 'ide0:0.autodetect': 'TRUE',
                        'floppy0.present': 'TRUE',
                        'floppy0.autodetect': 'TRUE'})

    def test_a_disk_without_its_controller(self):
        disk = {'scsi0:0.present': 'TRUE', 'scsi0:0.fileName': 'a.vmdk'}
        self._with([('error', 'scsi0:0.present')], disk)
        self._with([], dict(disk, **{'scsi0.present': 'TRUE'}))

    def test_places_out_of_range(self):
        for device in ('scsi0:7', 'scsi0:16', 'sata0:30', 'ide0:2'):
            controller = device.partition(':')[0] + '.present'
            settings = {device + '.present': 'TRUE',
                        device + '.fileName': 'a'}
            if not device.startswith('ide'):
                settings[controller] = 'TRUE'
            self._with([('error', device + '.present')], settings)
        for key in ('ethernet10.present', 'serial4.present', 'scsi4.present'):
            self._with([('error', key)], {key: 'TRUE'})

    def test_no_cd_drive_on_nvme(self):
        self._with([('error', 'nvme0:0.deviceType')], {
            'pciBridge4.present': 'TRUE', 'nvme0.present': 'TRUE',
            'pciBridge4.virtualDev': 'pcieRootPort',
            'nvme0:0.present': 'TRUE', 'nvme0:0.fileName': 'a.iso',
            'nvme0:0.deviceType': 'cdrom-image'})

    def test_addresses(self):
        def nic(number, mac, **more):
            name = 'ethernet%d.' % number
            settings = {'present': 'TRUE', 'addressType': 'static',
                        'address': mac, **more}
            return {name + key: value for key, value in settings.items()}
        key = 'ethernet0.address'
        self._with([], nic(0, '00:50:56:12:34:56'))
        self._with([('error', key)], nic(0, '00:0c:29:12:34:56'))
        self._with([], nic(0, '00:0c:29:12:34:56', checkMACAddress='FALSE'))
        self._with([('warning', key)], nic(0, 'fa:16:3e:12:34:56'))
        self._with([], nic(0, 'fa:16:3e:12:34:56', checkMACAddress='FALSE'))
        self._with([('error', 'ethernet1.address')], {
            **nic(0, '00:50:56:12:34:56'), **nic(1, '00:50:56:12:34:56')})

    def test_devices_that_need_pci_express(self):
        for key, value in (('ethernet0.virtualDev', 'vmxnet3'),
                           ('ethernet0.virtualDev', 'e1000e'),
                           ('scsi0.virtualDev', 'pvscsi'),
                           ('nvme0.present', 'TRUE'),
                           ('usb_xhci.present', 'TRUE')):
            there = {key: value, key.partition('.')[0] + '.present': 'TRUE'}
            self._with([('error', key)], there)
            self._with([], {**there, key.partition('.')[0] +
                            '.present': 'FALSE'})
            port = {'pciBridge4.present': 'TRUE'}
            self._with([('error', key)], {**there, **port})
            port['pciBridge4.virtualDev'] = 'pcieRootPort'
            self._with([], {**there, **port})
        self._with([], {'ethernet0.virtualDev': 'e1000',
                        'ethernet0.present': 'TRUE',
                        'usb_xhci.present': 'FALSE'})

    def test_slots_of_another_topology(self):
        self._with([('error', 'ethernet0.pciSlotNumber')], {
            'ethernet0.present': 'TRUE', 'ethernet0.virtualDev': 'vmxnet3',
            'ethernet0.pciSlotNumber': '21', 'pciBridge4.present': 'TRUE',
            'pciBridge4.virtualDev': 'pcieRootPort',
            'pciBridge4.pciSlotNumber': '21'})

    def test_settings_that_keep_a_vm_from_starting(self):
        self._with([('warning', 'mks.enable3d')], {'mks.enable3d': 'TRUE'})
        self._with([('warning', 'managedvm.autoAddVTPM')],
                   {'managedvm.autoAddVTPM': 'software'})
        self._with([('error', 'vtpm.present')], {'vtpm.present': 'TRUE'})
        self._with([], {'vtpm.present': 'TRUE', 'encryption.keySafe': 'x'})

    def test_the_layout_of_memory_counts_the_cpus(self):
        key = 'numa.autosize.cookie'
        for cookie, vcpus, cores in (('10012', '1', '1'), ('20022', '2', '2'),
                                     ('40022', '4', '2'), ('40042', '4', '4'),
                                     ('20022', '2', None)):
            self._with([], {key: cookie, 'numvcpus': vcpus,
                            'cpuid.coresPerSocket': cores})
        for cookie, vcpus, cores in (('40042', '4', '2'), ('10012', '2', '1'),
                                     ('10012', '2', None)):
            self._with([('warning', key)],
                       {key: cookie, 'numvcpus': vcpus,
                        'cpuid.coresPerSocket': cores})


class FilesTestCase(LintTestCase):

    DISK = {'ide0:0.present': 'TRUE', 'ide0:0.fileName': 'a.vmdk'}

    def test_missing_files(self):
        self._with([('error', 'ide0:0.fileName')], self.DISK,
                   exists=lambda path: False)
        asked = []
        self._with([], self.DISK,
                   exists=lambda path: asked.append(path) or True)
        self.assertEqual(['a.vmdk'], asked)

    def test_files_that_need_not_be_there(self):
        for settings in (
                dict(self.DISK, **{'ide0:0.present': 'FALSE'}),
                dict(self.DISK, **{'ide0:0.deviceType': 'cdrom-raw'}),
                dict(self.DISK, **{'ide0:0.autodetect': 'TRUE'}),
                {'floppy0.present': 'TRUE', 'floppy0.fileType': 'device',
                 'floppy0.fileName': 'A:'},
                {'serial0.present': 'TRUE', 'serial0.fileName': 'x.log'}):
            self._with([], settings, exists=lambda path: False)

    def test_drives_and_ports_of_the_host(self):
        for device_type in ('cdrom-raw', 'CDROM-RAW', 'atapi-cdrom',
                            'scsi-passthru'):
            for name in (None, '', 'D:', '/dev/cdrom', 'auto detect',
                         'emptyBackingString'):
                self._with([], {'ide1:0.present': 'TRUE',
                                'ide1:0.deviceType': device_type,
                                'ide1:0.fileName': name},
                           exists=lambda path: False)
        for settings in (
                {'serial0.present': 'TRUE'},
                {'serial0.present': 'TRUE', 'serial0.fileType': 'thinprint'},
                {'serial0.present': 'TRUE', 'serial0.fileName': 'COM1',
                 'serial0.fileType': 'device'},
                {'serial0.present': 'TRUE', 'serial0.fileType': 'file',
                 'serial0.startConnected': 'FALSE'},
                {'floppy0.present': 'TRUE'},
                {'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
                 'floppy0.fileName': 'a.flp',
                 'floppy0.startConnected': 'FALSE'},
                {'floppy0.present': 'TRUE', 'floppy0.clientDevice': 'TRUE',
                 'floppy0.fileType': 'file'}):
            self._with([], settings, exists=lambda path: False)

    def test_drives_of_vsphere_that_are_empty(self):
        for name in ('emptyBackingString', '', None, 'auto detect'):
            self._with([], {'ide1:0.present': 'TRUE',
                            'ide1:0.deviceType': 'cdrom-image',
                            'ide1:0.fileName': name},
                       exists=lambda path: False)

    def test_what_vmware_can_do_without(self):
        """It asks, or starts the VM with an empty drive or port."""
        cd = {'ide1:0.present': 'TRUE', 'ide1:0.deviceType': 'cdrom-image',
              'ide1:0.fileName': 'a.iso'}
        self._with([('warning', 'ide1:0.fileName')], cd,
                   exists=lambda path: False)
        self._with([], dict(cd, **{'ide1:0.startConnected': 'FALSE'}),
                   exists=lambda path: False)
        for kind in ('file', 'pipe', 'network'):
            self._with([('warning', 'serial0.fileName')], {
                'serial0.present': 'TRUE', 'serial0.fileType': kind})
        self._with([('warning', 'floppy0.fileName')], {
            'floppy0.present': 'TRUE', 'floppy0.fileType': 'file',
            'floppy0.fileName': 'a.flp'}, exists=lambda path: False)

    def test_a_disk_that_was_moved_to_another_bus(self):
        """What was left of its first place is no fault."""
        self._with([], {
            'scsi0.present': 'FALSE', 'scsi0.virtualDev': 'pvscsi',
            'scsi0:0.present': 'FALSE', 'scsi0:0.fileName': 'gone.vmdk',
            'scsi0:1.fileName': 'gone too.vmdk',
            'sata0.present': 'TRUE', 'sata0:0.present': 'TRUE',
            'sata0:0.fileName': 'a.vmdk'},
            exists=lambda path: path == 'a.vmdk')


class BytesTestCase(LintTestCase):
    """Faults of the whole file have the number of their line too."""

    def check(self, data):
        (found,) = check.check_bytes(data)
        return found.severity, found.line

    def test_no_text(self):
        plain = vmx.dump(PLAIN).encode()
        count = plain.count(b'\n')
        self.assertEqual(('error', count + 1),
                         self.check(plain + b'annotation = "\xff"\n'))
        self.assertEqual(('error', count + 1), self.check(
            b'\xef\xbb\xbf' + plain + b'annotation = "\xff"\n'))
        self.assertEqual(('error', count + 1), self.check(
            plain + b'.encoding = "EBCDIC-9"\n'))
        self.assertEqual([], check.check_bytes(plain))

    def test_an_encoding_of_windows(self):
        self.assertEqual([], check.check_bytes(
            '.encoding = "windows-949-2000"\ndisplayName = "가"\n'.encode(
                'cp949') + vmx.dump(PLAIN).encode()))


class SecurityTestCase(LintTestCase):

    def test_consoles(self):
        vnc = {'RemoteDisplay.vnc.enabled': 'TRUE'}
        key = 'RemoteDisplay.vnc.ip'
        self._with([('warning', key)], vnc)
        self._with([('warning', key)], dict(vnc, **{key: '0.0.0.0'}))
        for address in ('127.0.0.1', '::1', 'localhost'):
            self._with([], dict(vnc, **{key: address}))
        password = 'RemoteDisplay.vnc.password'
        self._with([('warning', password)],
                   dict(vnc, **{key: '127.0.0.1', password: 'x'}))

    def test_shared_folders(self):
        self._with([('warning', 'sharedFolder0.present')],
                   {'sharedFolder0.present': 'TRUE'})

    def test_what_must_be_closed(self):
        for key in ('isolation.tools.copy.disable',
                    'isolation.tools.hgfs.disable', 'msg.autoAnswer'):
            self._with([('warning', key)], {key: 'FALSE'})
            self._with([('warning', key)], {key: None})
