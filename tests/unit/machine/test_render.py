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

    def test_the_guest_sees_the_uuid_of_the_server(self):
        found = _render(base.make_server())
        self.assertEqual(base.UUID,
                         identity.from_vmware(found['uuid.bios'], 20))

    def test_encoding_comes_first(self):
        self.assertTrue(render.render(base.make_server()).startswith(
            '.encoding = "UTF-8"\n'))

    def test_a_line_has_its_origin(self):
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

    def test_an_operator_can_weaken_shared_settings(self):
        text = (TEMPLATES / 'base.vmx.j2').read_text().replace(
            'tools.syncTime = "FALSE"', 'tools.syncTime = "TRUE"')
        found = _render(base.make_machine(),
                        self._write('base.vmx.j2', text))
        self.assertEqual('TRUE', found['tools.syncTime'])

    def test_a_key_that_templates_must_not_set(self):
        for key in ('sharedFolder0.hostPath', 'ethernet7.present',
                    'scsi0:5.fileName', 'foo', 'log.fileName'):
            text = self._refused('{%% extends "base.vmx.j2" %%}'
                                 '{%% block extra %%}\n%s = "x"\n'
                                 '{%% endblock %%}' % key)
            self.assertIn(key, text)

    def test_a_missing_setting(self):
        text = (TEMPLATES / 'base.vmx.j2').read_text().replace(
            '{{ network|vmxlines }}', '')
        self.assertIn('ethernet0.address', self._refused(text))

    def test_a_repeated_setting(self):
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

    def test_a_family_without_a_template(self):
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
