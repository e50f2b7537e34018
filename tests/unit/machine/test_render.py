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

import dataclasses
import pathlib
import re

import fixtures
import hypothesis
from hypothesis import strategies

from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.formats import identity
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from nova_vmrun.machine import settings
from tests.unit.machine import base

TEMPLATES = pathlib.Path(render.__file__).parents[1] / 'templates'

# What VMware's hardening guides ask of every VM.
HARDENING = {
    'isolation.tools.copy.disable': 'TRUE',
    'isolation.tools.paste.disable': 'TRUE',
    'isolation.tools.dnd.disable': 'TRUE',
    'isolation.tools.hgfs.disable': 'TRUE',
    'isolation.tools.diskShrink.disable': 'TRUE',
    'isolation.tools.diskWiper.disable': 'TRUE',
    'isolation.tools.vixMessage.disable': 'TRUE',
    'isolation.tools.setGUIOptions.enable': 'FALSE',
    'isolation.device.connectable.disable': 'TRUE',
    'isolation.device.edit.disable': 'TRUE',
    'tools.setInfo.sizeLimit': '1048576',
    'tools.guestlib.enableHostInfo': 'FALSE',
    'RemoteDisplay.maxConnections': '1',
    'mks.enable3d': 'FALSE',
    'log.keepOld': '10',
    'log.rotateSize': '1024000',
    'msg.autoAnswer': 'TRUE',
    'uuid.action': 'keep',
}


def _render(server, template_dirs=()):
    return vmx.parse(render.render(server, template_dirs))


class RenderTestCase(base.TestCase):

    def test_every_guest_renders_hardened_and_complete(self):
        for guest in guestos.all_guests():
            server = base.make_server(
                {'vmrun_guestos': guest}, product=None, hw_version=22,
                arch=guestos.find(guest).arch)
            found = _render(server)
            self.assertEqual(guest, found['guestOS'])
            for key, value in HARDENING.items():
                self.assertEqual(value, found[key], (guest, key))
            for key in found:
                known = keys.find(key)
                self.assertTrue(known.ours or known.constant, key)
                if known.values:
                    self.assertIn(found[key], known.values, key)

    def test_the_guest_reads_the_servers_uuid(self):
        found = _render(base.make_server())
        self.assertEqual(base.UUID,
                         identity.from_vmware(found['uuid.bios'], 20))

    def test_encoding_comes_first(self):
        self.assertTrue(render.render(base.make_server()).startswith(
            '.encoding = "UTF-8"\n'))

    def test_a_line_tells_what_set_it(self):
        server = base.make_server({'hw_vif_model': 'vmxnet3'})
        self.assertIn('ethernet0.virtualDev = "vmxnet3"  '
                      '# image property hw_vif_model=vmxnet3\n',
                      render.render(server))

    def test_an_origin_cannot_become_a_line(self):
        server = base.make_machine(origins={'name': 'a\nevil = "1"\r'})
        self.assertNotIn('evil', _render(server))

    def test_an_invalid_machine_is_refused(self):
        self.assertRaises(model.InvalidMachine, render.render,
                          base.make_machine(memory_mb=5))

    def test_a_desktop_may_share_its_clipboard_but_no_folders(self):
        found = _render(base.make_machine(desktop_integration=True))
        for name in ('copy', 'paste', 'dnd'):
            self.assertEqual(
                'FALSE', found['isolation.tools.%s.disable' % name])
        self.assertEqual('TRUE', found['isolation.tools.hgfs.disable'])


class DevicesTestCase(base.TestCase):

    def _check(self, expected, **fields):
        found = _render(base.make_machine(**fields))
        for key, value in expected.items():
            self.assertEqual(value, found.get(key), key)

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

    def test_what_the_guest_is_told(self):
        self._check({'guestinfo.metadata': 'eA==',
                     'guestinfo.metadata.encoding': 'base64',
                     'machine.id': '00:11;10.0.0.2', 'annotation': 'a\nb'},
                    guestinfo={'metadata': 'eA==',
                               'metadata.encoding': 'base64'},
                    machine_id='00:11;10.0.0.2', annotation='a\nb')


class SafetyTestCase(base.TestCase):
    """Whatever a tenant writes, the file says what was meant, or nothing."""

    def _check(self, server):
        try:
            text = render.render(server)
        except (exception.InvalidText, model.InvalidMachine):
            return
        meant = vmx.Vmx()
        for group in settings.build(server).values():
            meant.update((item.key, item.value) for item in group)
        found = vmx.parse(text)
        plain = _render(base.make_machine())
        for key in found:
            if key in meant:
                self.assertEqual(meant[key], found[key])
            else:
                self.assertEqual(plain[key], found[key])

    @hypothesis.given(base.hostile, base.hostile, base.hostile)
    def test_texts(self, name, annotation, machine_id):
        self._check(base.make_machine(name=name, annotation=annotation,
                                      machine_id=machine_id))

    @hypothesis.given(strategies.dictionaries(base.hostile, base.hostile,
                                              max_size=3))
    def test_guestinfo(self, guestinfo):
        self._check(base.make_machine(guestinfo=guestinfo))

    @hypothesis.given(base.hostile, base.hostile, base.hostile)
    def test_paths(self, disk, cdrom, other):
        self._check(base.make_machine(
            disks=(model.Disk(disk, 'sata'),),
            cdroms=(model.Cdrom(cdrom, 'ide'),), floppy=other,
            serials=(model.Serial('network', other, proxy=disk),)))

    @hypothesis.given(base.hostile)
    def test_origins(self, origin):
        self._check(base.make_machine(
            origins=dict.fromkeys(['name', 'memory_mb'], origin)))

    @hypothesis.given(strategies.dictionaries(
        strategies.sampled_from([
            'vmware_ostype', 'vix_guestos', 'os_distro', 'os_version',
            'os_type', 'hw_architecture', 'vmrun_disk_bus', 'hw_disk_bus',
            'hw_scsi_model', 'vmware_adaptertype', 'hw_cdrom_bus',
            'hw_vif_model', 'hw_firmware_type', 'os_secure_boot',
            'vix_boot_order', 'vix_tools', 'vix_iso_images',
            'vix_floppy_image', 'vix_nested_hypervisor', 'hw_video_ram',
            'hw_serial_port_count', 'hw_cpu_cores', 'hw_usb_model',
            'hw_sound_model', 'cow', 'vmware_disktype', 'vmrun_x']),
        base.hostile, max_size=4))
    def test_properties(self, properties):
        try:
            server = base.make_server(properties)
        except exception.InvalidProperty as error:
            # An origin that a choice reports is what the error names.
            self.assertIn(error.name, properties)
            return
        self._check(server)


class TemplatesTestCase(base.TestCase):

    def _write(self, name, text):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / name).write_text(text)
        return (str(folder),)

    def _refused(self, text):
        error = self.assertRaises(
            render.InvalidTemplate, render.render, base.make_server(),
            self._write('linux.vmx.j2', text))
        self.assertIn('linux.vmx.j2', str(error))
        return str(error)

    def test_every_family_has_one(self):
        families = {profile.family for profile in profiles.PROFILES.values()}
        found = {path.name.removesuffix(render.SUFFIX)
                 for path in TEMPLATES.iterdir()}
        self.assertEqual(families | {'base'}, found)

    def test_values_go_through_a_filter(self):
        for path in TEMPLATES.iterdir():
            for expression in re.findall('{{(.*?)}}', path.read_text()):
                self.assertRegex(expression,
                                 r'^ [a-z_.]+\|(vmxq|vmxlines) $',
                                 path.name)

    def test_an_operators_directory_comes_first(self):
        text = ('{% extends "base.vmx.j2" %}{% block extra %}\n'
                'MemTrimRate = "0"\nmainMem.useNamedFile = "FALSE"\n'
                'SMBIOS.assetTag = {{ machine.name|vmxq }}\n'
                'mem.hotadd = {{ machine.hardware.options.hpet|vmxq }}\n'
                '{% endblock %}')
        found = _render(base.make_machine(name='a"b'),
                        self._write('linux.vmx.j2', text))
        self.assertEqual('0', found['MemTrimRate'])
        self.assertEqual('a"b', found['SMBIOS.assetTag'])
        self.assertEqual('TRUE', found['mem.hotadd'])

    def test_an_operator_may_weaken_what_every_server_has(self):
        text = (TEMPLATES / 'base.vmx.j2').read_text().replace(
            'tools.syncTime = "FALSE"', 'tools.syncTime = "TRUE"')
        found = _render(base.make_machine(),
                        self._write('base.vmx.j2', text))
        self.assertEqual('TRUE', found['tools.syncTime'])

    def test_a_key_that_is_not_a_templates_to_set(self):
        for key in ('sharedFolder0.hostPath', 'ethernet7.present',
                    'scsi0:5.fileName', 'foo', 'log.fileName'):
            text = self._refused('{%% extends "base.vmx.j2" %%}'
                                 '{%% block extra %%}\n%s = "x"\n'
                                 '{%% endblock %%}' % key)
            self.assertIn(key, text)

    def test_a_setting_that_is_left_out(self):
        text = (TEMPLATES / 'base.vmx.j2').read_text().replace(
            '{{ network|vmxlines }}', '')
        self.assertIn('ethernet0.address', self._refused(text))

    def test_a_setting_that_comes_twice(self):
        text = (TEMPLATES / 'base.vmx.j2').read_text() + (
            '{{ network|vmxlines }}\n')
        self.assertIn('second time', self._refused(text))

    def test_an_unescaped_value_is_found(self):
        text = ('{% extends "base.vmx.j2" %}{% block extra %}\n'
                'SMBIOS.assetTag = "{{ machine.name }}"\n{% endblock %}')
        folders = self._write('linux.vmx.j2', text)
        server = base.make_server(name='a" # "')
        self.assertEqual('a', _render(server, folders)['SMBIOS.assetTag'])
        server = dataclasses.replace(server, name='a"b')
        self.assertRaises(render.InvalidTemplate, render.render, server,
                          folders)

    def test_broken_templates(self):
        for text in ('{% if %}', '{{ nobody|vmxq }}', '{{ 1 / 0 }}',
                     '{% extends "nothing.vmx.j2" %}', 'a = b c',
                     '{{ machine.name|nofilter }}'):
            self._refused(text)

    def test_a_family_without_template(self):
        error = self.assertRaises(render.InvalidTemplate, render.render,
                                  base.make_machine(family='beos'))
        self.assertIn('beos.vmx.j2', str(error))


class StrictTestCase(base.TestCase):
    """What a reader would refuse that is stricter than VMware's own."""

    LINE = re.compile(r'([A-Za-z0-9_.:-]+) = "([^"]*)"(  # [^"]+)?')

    def _read(self, text):
        found = {}
        for line in text.splitlines():
            if not line or line.startswith('#'):
                continue
            key, value, _ = self.LINE.fullmatch(line).groups()
            self.assertNotIn(key.lower(), found)
            found[key.lower()] = value
        return found

    def test_every_id_of_the_vsphere_driver(self):
        for vsphere in (base.FIXTURES / 'rocky_ostypes.txt').read_text(
                ).split():
            server = base.make_server({'vmware_ostype': vsphere},
                                      product='fusion', vcpus=4)
            found = self._read(render.render(server))
            self.assertEqual(0, int(found['memsize']) % 4)
            cores = int(found.get('cpuid.corespersocket', 1))
            self.assertEqual(0, int(found['numvcpus']) % cores)
            self.assertIn(found['guestos'], guestos.all_guests())
            self.assertIn(found['firmware'], ('bios', 'efi'))
            self.assertIn(found['ethernet0.virtualdev'],
                          model.NIC_MODELS)
            for key, value in found.items():
                device = key.removesuffix('.present')
                if device == key or value != 'TRUE':
                    continue
                if ':' in device:
                    self.assertTrue(found[device + '.filename'])
                    controller = device.partition(':')[0]
                    if not controller.startswith('ide'):
                        self.assertEqual('TRUE',
                                         found[controller + '.present'])
                elif device.startswith('scsi'):
                    self.assertIn(found[device + '.virtualdev'],
                                  model.SCSI_BUSES)
                elif device.startswith('ethernet'):
                    for part in ('address', 'connectiontype'):
                        self.assertTrue(found['%s.%s' % (device, part)])
