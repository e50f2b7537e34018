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

from nova_vmrun.catalog import table
from tests.unit.machine.choices import base

NOTHING = frozenset()


class OptionsTestCase(base.ChoiceTestCase):

    def _values(self, *fields, **arguments):
        found = self.choose(**arguments).options
        return tuple(found[field] for field in fields)

    def test_nested_virtualization(self):
        self.check('nested', False, 'default of linux guests')
        for name in ('vix_nested_hypervisor', 'vmrun_nested_hypervisor'):
            self.check('nested', True, 'image property %s=true' % name,
                       {name: 'true'})
        self.refused('vix_nested_hypervisor',
                     {'vix_nested_hypervisor': 'maybe'})

    def test_hypervisors_are_nested_by_default(self):
        self.check('nested', True, 'guest winHyperV', guest='winHyperV')
        self.check('nested', True, 'default of esxi-7 guests',
                   guest='vmkernel7')
        self.check('nested', False,
                   'image property vmrun_nested_hypervisor=false',
                   {'vmrun_nested_hypervisor': 'false'}, guest='winHyperV')

    def test_video_ram_is_limited_by_the_flavor(self):
        self.check('video_ram_mb', None, 'default')
        self.check('video_ram_mb', 64, 'image property hw_video_ram=64',
                   {'hw_video_ram': '64'}, {'hw_video:ram_max_mb': '64'})
        text = self.refused('hw_video_ram', {'hw_video_ram': '64'},
                            {'hw_video:ram_max_mb': '32'})
        self.assertIn('allows 32', text)
        text = self.refused('hw_video_ram', {'hw_video_ram': '64'})
        self.assertIn('allows 0', text)
        self.refused('hw_video_ram', {'hw_video_ram': '512'},
                     {'hw_video:ram_max_mb': '512'})

    def test_a_limit_is_checked_if_image_or_flavor_is_chosen_now(self):
        image, flavor = {'hw_video_ram': '64'}, {'hw_video:ram_max_mb': '32'}
        for place in (table.IMAGE, table.FLAVOR):
            self.refused('hw_video_ram', image, flavor,
                         chosen_now=frozenset([place]))
        found = self.choose(image, flavor, chosen_now=NOTHING)
        self.assertIsNone(found.options['video_ram_mb'])
        self.assertEqual(('hw_video_ram',), found.unsupported)

    def test_a_limit_outside_its_range(self):
        self.refused('hw_video:ram_max_mb', {'hw_video_ram': '64'},
                     {'hw_video:ram_max_mb': 'much'})

    def test_usb_and_sound(self):
        self.check('usb', 'none', 'default of linux guests')
        self.check('sound', None, 'default')
        self.assertEqual(
            ('xhci', 'hdaudio'),
            self._values('usb', 'sound', properties={
                'hw_usb_model': 'qemu-xhci', 'hw_sound_model': 'ich9'}))
        self.assertEqual(
            ('xhci', 'sb16'),
            self._values('usb', 'sound', extra_specs={
                'hw:usb_model': 'nec-xhci', 'hw:sound_model': 'sb16'}))
        self.refused('hw:sound_model', (), {'hw:sound_model': 'virtio'})
        self.refused('hw_sound_model', {'hw_sound_model': 'virtio'})
        self.refused('hw_usb_model', {'hw_usb_model': 'ehci'})

    def test_apple_silicon_always_has_usb_3(self):
        for properties in ({}, {'hw_usb_model': 'none'}):
            self.check('usb', 'xhci', 'default of arm guests', properties,
                       guest='arm-ubuntu-64')
        self.refused('hw_usb_model', {'hw_usb_model': 'ehci'},
                     guest='arm-ubuntu-64')

    def test_virtual_iommu(self):
        self.check('viommu', None, 'default')
        self.check('viommu', 'intel', 'image property hw_viommu_model=auto',
                   {'hw_viommu_model': 'auto'})
        self.check('viommu', 'intel', 'flavor hw:viommu_model=intel', {},
                   {'hw:viommu_model': 'intel'})
        for model in ('virtio', 'smmuv3'):
            text = self.refused('hw_viommu_model', {'hw_viommu_model': model})
            self.assertIn('intel, auto', text)
        self.refused('hw_viommu_model', {'hw_viommu_model': 'intel'},
                     hw_version=13)
        self.refused('hw_viommu_model', {'hw_viommu_model': 'intel'},
                     guest='arm-ubuntu-64')

    def test_switches(self):
        fields = ('hide_hypervisor', 'pmu', 'hpet', 'boot_menu')
        self.assertEqual((False, False, True, False), self._values(*fields))
        self.assertEqual(
            (True, True, False, True),
            self._values(*fields, properties={
                'img_hide_hypervisor_id': 'true', 'hw_pmu': 'true',
                'hw_time_hpet': 'false', 'hw_boot_menu': 'yes'}))

    def test_the_flavor_wins(self):
        self.check('pmu', False, 'flavor hw:pmu=false', {'hw_pmu': 'true'},
                   {'hw:pmu': 'false'})
