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

"""Rendered files as they are; UPDATE_GOLDENS=1 rewrites them."""

from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from tests.unit.machine import base

IMAGE = '0b5a0a1e-1111-4222-8333-444455556666'

# A guest of each family, and the hardware of the product that runs it.
FAMILIES = {
    'linux': 'ubuntu-64', 'linux-legacy': 'rhel6-64',
    'windows-client': 'windows9-64', 'windows-server': 'windows2019srv-64',
    'windows-legacy': 'winXPPro', 'windows-11': 'windows11-64',
    'bsd': 'freeBSD14-64', 'solaris': 'solaris11-64',
    'darwin': 'darwin21-64', 'esxi': 'vmkernel8', 'arm': 'arm-debian12-64',
    'other': 'other-64',
}
PRODUCTS = ('ws', 'player', 'fusion')
# What Apple alone makes runs on Fusion alone.
FUSION_ONLY = ('darwin', 'arm')

PROPERTIES = {
    'vsphere-names': {
        'vmware_ostype': 'ubuntu64Guest', 'vmware_adaptertype': 'lsiLogicsas',
        'vmware_disktype': 'sparse', 'hw_vif_model': 'VirtualVmxnet3'},
    'fast-linux': {
        'os_distro': 'debian', 'os_version': '12', 'hw_disk_bus': 'scsi',
        'hw_scsi_model': 'vmpvscsi', 'hw_vif_model': 'vmxnet3',
        'hw_firmware_type': 'uefi', 'os_secure_boot': 'required'},
    'nvme': {'os_distro': 'rocky', 'vmrun_disk_bus': 'nvme',
             'hw_cdrom_bus': 'ide'},
    'predecessor': {
        'vix_guestos': 'winhyperv', 'vix_boot_order': 'cdrom,hdd,floppy',
        'vix_tools': 'windows', 'vix_iso_images': IMAGE,
        'vix_floppy_image': IMAGE},
    'desktop-windows-in-bios-mode': {
        'os_type': 'windows', 'os_version': '10', 'hw_firmware_type': 'bios',
        'hw_disk_bus': 'sata', 'hw_cpu_max_sockets': '2',
        'hw_usb_model': 'qemu-xhci', 'hw_sound_model': 'ich9'},
    'flavor-limits': {'hw_video_ram': '64', 'hw_cpu_cores': '2'},
    'guest-agent': {'os_distro': 'debian', 'hw_qemu_guest_agent': 'yes'},
}
# Each Windows by its os_version, and the newest hardware of its product.
WINDOWS = {
    '10': ('ws', 20), '11': ('ws', 20), '2008 R2': ('ws', 20),
    '2012 R2': ('ws', 20), '2016': ('ws', 20), '2019': ('ws', 20),
    '2022': ('ws', 20), '2025': ('ws', 22), '11 arm': ('fusion', 22),
}
EXTRA_SPECS = {
    'flavor-limits': {
        'hw_video:ram_max_mb': '128', 'quota:vif_inbound_average': '1250',
        'quota:vif_outbound_average': '625', 'hw:cpu_sockets': '2',
        'hw:serial_port_count': '2'},
}


def windows_golden(version):
    """Return the name of the golden of a Windows."""
    return 'os-version-windows-' + version.lower().replace(' ', '-')


class GoldensTestCase(base.TestCase):

    def _check(self, name, properties, extra_specs=(), product='ws',
               arch=guestos.X86_64, hw_version=20):
        vnc = None
        if product != 'player':
            vnc = model.Vnc('127.0.0.1', 5907)
        server = base.make_server(
            properties, extra_specs, vcpus=4, product=product, arch=arch,
            hw_version=hw_version,
            name='web "1" | naïve 中', annotation='first line\nsecond line',
            serials=(model.Serial('file', 'console.log'),),
            agent_socket='/i/agent' if properties.get(
                'hw_qemu_guest_agent') else None, vnc=vnc)
        self.golden('rendered/%s.vmx' % name, render.render(server))

    def test_families_on_products(self):
        for family, guest in FAMILIES.items():
            for product in PRODUCTS:
                if product == 'fusion' or family not in FUSION_ONLY:
                    self._check('%s-%s' % (family, product),
                                {'vmrun_guestos': guest}, product=product,
                                arch=guestos.find(guest).arch)

    def test_properties(self):
        for name, properties in PROPERTIES.items():
            self._check(name, properties, EXTRA_SPECS.get(name, ()))

    def test_each_windows(self):
        for version, (product, hw_version) in WINDOWS.items():
            number = version.removesuffix(' arm')
            self._check(
                windows_golden(version),
                {'os_distro': 'windows', 'os_version': number},
                product=product, hw_version=hw_version,
                arch=(guestos.X86_64 if number == version
                      else guestos.AARCH64))

    def test_there_is_a_golden_for_every_family(self):
        families = {profile.family for profile in profiles.PROFILES.values()}
        self.assertEqual(families, set(FAMILIES))
        for family, guest in FAMILIES.items():
            self.assertEqual(family, guestos.find(guest).family)

    def test_there_is_a_test_for_every_golden(self):
        expected = {'%s-%s.vmx' % (family, product) for family in FAMILIES
                    for product in PRODUCTS
                    if product == 'fusion' or family not in FUSION_ONLY}
        expected.update(name + '.vmx' for name in (
            *PROPERTIES, *map(windows_golden, WINDOWS)))
        found = {path.name for path in (base.FIXTURES / 'rendered').iterdir()}
        self.assertEqual(expected, found)
