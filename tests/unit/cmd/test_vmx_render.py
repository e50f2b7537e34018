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

"""Unit tests for ``nova-vmrun vmx render``."""

import io
import json
import pathlib
import subprocess
import sys

import fixtures

from nova_vmrun.cmd import vmx_render
from nova_vmrun import exception
from nova_vmrun.formats import vmx
from tests.unit import base
from tests.unit.cmd import commands

MAC = 'fa:16:3e:0a:0b:0c'
IMAGE = '12345678-90ab-cdef-1234-567890abcdef'


class RenderTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding='utf-8')
        return str(path)

    def _render(self, *argv):
        status, text, _ = commands.run(vmx_render.Render, *argv)
        self.assertEqual(0, status)
        return vmx.parse(text)

    def test_a_server(self):
        found = self._render(
            '--name', 'web "1"', '--flavor', 'vcpus=2,ram=4096,disk=20',
            '--property', 'os_distro=debian', '--property', 'os_version=12',
            '--property', 'hw_vif_model=vmxnet3',
            '--nic', MAC + ',vmnet8', '--nic', 'fa:16:3e:0a:0b:0d,bridged',
            '--nic', 'fa:16:3e:0a:0b:0e,10b5f867-de2d-4436-952c-7f4416b3948e')
        for key, value in (
                ('displayName', 'web "1"'), ('numvcpus', '2'),
                ('memsize', '4096'), ('guestOS', 'debian12-64'),
                ('virtualHW.version', '20'),
                ('ethernet0.address', MAC),
                ('ethernet0.virtualDev', 'vmxnet3'),
                ('ethernet0.connectionType', 'custom'),
                ('ethernet0.vnet', 'vmnet8'),
                ('ethernet1.connectionType', 'bridged'),
                ('ethernet2.connectionType', 'pvn'),
                ('ethernet2.pvnID',
                 '10 b5 f8 67 de 2d 44 36-95 2c 7f 44 16 b3 94 8e'),
                ('scsi0:0.fileName', 'root.vmdk'),
                ('RemoteDisplay.vnc.enabled', 'TRUE')):
            self.assertEqual(value, found[key])

    def test_the_same_command_prints_the_same_text(self):
        self.assertEqual(self._render(), self._render())
        self.assertNotEqual(self._render('--name', 'a')['uuid.bios'],
                            self._render('--name', 'b')['uuid.bios'])

    def test_uuid(self):
        self.assertEqual('78 56 34 12 ab 90 ef cd-12 34 56 78 90 ab cd ef',
                         self._render('--uuid', IMAGE)['uuid.bios'])

    def test_disks_of_the_flavor(self):
        found = self._render('--flavor', 'ephemeral=1,swap=512')
        self.assertEqual(
            ['root.vmdk', 'ephemeral0.vmdk', 'swap.vmdk'],
            [found['scsi0:%d.fileName' % unit] for unit in range(3)])

    def test_images_that_properties_name(self):
        found = self._render(
            '--property', 'vix_iso_images=' + IMAGE,
            '--property', 'vix_tools=linux',
            '--property', 'vix_floppy_image=' + IMAGE)
        self.assertEqual(
            ['config-drive.iso', IMAGE + '.iso', 'linux.iso'],
            [found['sata0:%d.fileName' % unit] for unit in range(3)])
        self.assertEqual(IMAGE + '.flp', found['floppy0.fileName'])

    def test_extra_specs(self):
        found = self._render('--extra-spec', 'quota:vif_limit=1',
                             '--extra-spec', 'hw:serial_port_count=2')
        self.assertEqual('1000', found['ethernet0.rxbw.limit'])
        self.assertEqual('serial1.log', found['serial1.fileName'])

    def test_a_guest_agent(self):
        found = self._render('--property', 'hw_qemu_guest_agent=yes')
        self.assertEqual('pipe', found['serial1.fileType'])

    def test_properties_file(self):
        for name, content in (
                ('plain.json', {'os_distro': 'fedora', 'min': 1}),
                ('shown.json', {'properties': {'os_distro': 'fedora'}})):
            path = self._write(name, json.dumps(content))
            self.assertEqual('fedora-64', self._render(
                '--properties-file', path)['guestOS'])
        self.assertEqual('ubuntu-64', self._render(
            '--properties-file', path,
            '--property', 'os_distro=ubuntu')['guestOS'])

    def test_products(self):
        found = self._render('--product', 'player')
        self.assertEqual('TRUE', found['RemoteDisplay.vnc.enabled'])
        found = self._render('--product', 'fusion', '--arch', 'aarch64')
        self.assertEqual('arm-other6xlinux-64', found['guestOS'])
        found = self._render('--hw-version', '16', '--default-guestos',
                             'Ubuntu64')
        self.assertEqual(('16', 'ubuntu-64'),
                         (found['virtualHW.version'], found['guestOS']))

    def test_template_dir(self):
        self._write('linux.vmx.j2', '{% extends "base.vmx.j2" %}'
                    '{% block extra %}\nMemTrimRate = "0"\n{% endblock %}')
        found = self._render('--template-dir', str(self.folder))
        self.assertEqual('0', found['MemTrimRate'])

    def test_values_that_a_server_would_not_get(self):
        for argv, error in (
                (['--property', 'hw_vif_model=virtio'],
                 exception.InvalidProperty),
                (['--property', 'vmware_ostype=beos'],
                 exception.UnknownGuestOS),
                (['--name', 'a\nb'], exception.InvalidText),
                (['--nic', 'nonsense'], exception.InvalidInput),
                (['--flavor', 'vcpus=99'], exception.InvalidInput)):
            self.assertRaises(error, commands.run, vmx_render.Render, *argv)

    def test_arguments_that_are_wrong(self):
        for argv in (['--property', 'x'], ['--flavor', 'gpu=1'],
                     ['--flavor', 'ram=much'], ['--product', 'esx']):
            with fixtures.MonkeyPatch('sys.stderr', io.StringIO()):
                self.assertRaises(SystemExit, commands.run, vmx_render.Render,
                                  *argv)

    def test_it_imports_little(self):
        # Rendering takes less than half a second, start of Python included.
        heavy = ('nova', 'oslo_config', 'oslo_log', 'cliff.lister',
                 'prettytable', 'yaml')
        program = (
            'import sys\nimport nova_vmrun.cmd.vmx_render\n'
            'print(sorted(set(%r) & set(sys.modules)))' % (heavy,))
        found = subprocess.run([sys.executable, '-c', program], text=True,
                               capture_output=True, check=True)
        self.assertEqual('[]\n', found.stdout)
