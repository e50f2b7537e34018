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

from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles
from tests.unit.machine import base


class FindTestCase(base.TestCase):

    def test_every_id_of_the_vsphere_driver(self):
        ids = (base.FIXTURES / 'rocky_ostypes.txt').read_text().split()
        self.assertEqual(88, len(ids))
        for vsphere in ids:
            found = guestos.find(vsphere)
            self.assertEqual(vsphere, found.vsphere)

    def test_spellings(self):
        for spelling, hosted in (
                ('ubuntu-64', 'ubuntu-64'), ('UBUNTU-64', 'ubuntu-64'),
                ('ubuntu64Guest', 'ubuntu-64'), ('ubuntu64', 'ubuntu-64'),
                ('otherLinux64', 'otherlinux-64'),
                ('winhyperv', 'winHyperV'), ('rhel6-64', 'rhel6-64'),
                ('rhel6_64', 'rhel6-64'), ('otherGuest64', 'other-64'),
                ('otherGuest', 'other'), ('other', 'other'),
                ('windows7Server64Guest', 'windows7srv-64'),
                ('winServer2008Enterprise-64', 'longhorn-64'),
                ('winServer2008Web-32', 'longhorn'),
                ('winVistaUltimate-32', 'winvista'), ('linux', 'otherlinux'),
                ('mandrake-64', 'mandriva-64'), ('nt4', 'winNT'),
                ('win2000', 'win2000Pro'), ('freebsd64guest', 'freeBSD-64'),
                (' ubuntu-64 ', 'ubuntu-64')):
            self.assertEqual(hosted, guestos.find(spelling).id, spelling)

    def test_unknown(self):
        for spelling in ('', 'ubuntu-128', 'ubuntu-64"\n', 'guest'):
            self.assertIsNone(guestos.find(spelling))

    def test_every_id_is_found_by_both_of_its_spellings(self):
        for hosted, guest in guestos.all_guests().items():
            self.assertEqual(hosted, guestos.find(hosted).id)
            if guest.vsphere:
                self.assertEqual(hosted, guestos.find(guest.vsphere).id)

    def test_every_id_has_a_profile(self):
        used = {guest.profile for guest in guestos.all_guests().values()}
        self.assertEqual(set(profiles.PROFILES), used)


class AvailableTestCase(base.TestCase):

    def test_the_fallback_of_a_fallback(self):
        for hw_version, expected in ((22, 'debian13-64'), (20, 'debian12-64'),
                                     (18, 'debian10-64')):
            self.assertEqual(
                expected, guestos.available('debian13-64', hw_version))

    def test_everything_is_available_if_the_product_is_unknown(self):
        self.assertEqual('windows12-64',
                         guestos.available('windows12-64', None))

    def test_fallbacks_are_ids_and_end(self):
        for guest in guestos.all_guests():
            found = guestos.available(guest, 1)
            self.assertIsNotNone(guestos.find(found))
            self.assertEqual(found, guestos.available(found, 1))


class ChooseTestCase(base.TestCase):

    def _choose(self, properties, **arguments):
        return guestos.choose(properties, **dict({'hw_version': 20},
                                                 **arguments))

    def test_order_of_properties(self):
        properties = {
            'vmrun_guestos': 'debian12-64', 'vix_guestos': 'rhel6-64',
            'vmware_ostype': 'ubuntu64Guest', 'os_distro': 'fedora',
            'os_type': 'windows'}
        for name, expected in (
                ('vmrun_guestos', 'debian12-64'), ('vix_guestos', 'rhel6-64'),
                ('vmware_ostype', 'ubuntu-64'), ('os_distro', 'fedora-64'),
                ('os_type', 'windows9-64')):
            guest = self._choose(properties)
            self.assertEqual(expected, guest.id)
            self.assertIn('image property ' + name, guest.origin)
            del properties[name]
        guest = self._choose(properties)
        self.assertEqual('otherlinux-64', guest.id)
        self.assertEqual('option default_guestos', guest.origin)

    def test_a_vsphere_id_in_os_distro(self):
        guest = self._choose({'os_distro': 'ubuntu64Guest'})
        self.assertEqual('ubuntu-64', guest.id)

    def test_unknown_ids_are_refused_by_name(self):
        for name in ('vmrun_guestos', 'vix_guestos', 'vmware_ostype'):
            error = self.assertRaises(
                exception.UnknownGuestOS, self._choose, {name: 'beos'})
            self.assertEqual((name, 'beos'), (error.name, error.value))
        self.assertRaises(exception.UnknownGuestOS, self._choose,
                          {'os_distro': 'beosGuest'})

    def test_the_error_for_a_new_id_names_its_fallback(self):
        error = self.assertRaises(
            exception.UnknownGuestOS, self._choose,
            {'vmware_ostype': 'debian13_64Guest'})
        self.assertIn('Use debian12-64', str(error))
        guest = self._choose({'vmware_ostype': 'debian13_64Guest'},
                             hw_version=22)
        self.assertEqual('debian13-64', guest.id)

    def test_a_new_distribution_gets_its_fallback(self):
        guest = self._choose({'os_distro': 'debian', 'os_version': '13'})
        self.assertEqual('debian12-64', guest.id)
        self.assertIn('debian13-64 is too new', guest.origin)

    def test_os_type_decides_for_unknown_distributions(self):
        for kind, expected in (('linux', 'other6xlinux-64'),
                               ('Windows', 'windows9-64')):
            guest = self._choose({'os_distro': 'beos', 'os_type': kind})
            self.assertEqual(expected, guest.id)
        self.assertEqual('otherlinux-64',
                         self._choose({'os_distro': 'beos'}).id)

    def test_windows_by_os_type_and_version(self):
        guest = self._choose({'os_type': 'windows', 'os_version': '2019'})
        self.assertEqual('windows2019srv-64', guest.id)

    def test_32_bits(self):
        for properties, expected in (
                ({'os_distro': 'debian', 'os_version': '12'}, 'debian12'),
                ({'os_distro': 'rhel', 'os_version': '9'}, 'rhel9-64'),
                ({'os_type': 'linux'}, 'other6xlinux')):
            for name in ('hw_architecture', 'architecture'):
                guest = self._choose(dict(properties, **{name: 'i686'}))
                self.assertEqual(expected, guest.id)

    def test_the_default_in_the_spelling_of_vix(self):
        self.assertEqual('ubuntu-64',
                         self._choose({}, default='Ubuntu64').id)

    def test_a_wrong_default_names_the_option(self):
        error = self.assertRaises(exception.UnknownGuestOS, self._choose, {},
                                  default='beos')
        self.assertIn('[vmrun] default_guestos', str(error))

    def test_an_old_product_gets_an_old_default(self):
        guest = self._choose({}, default='other6xlinux-64', hw_version=12)
        self.assertEqual('otherlinux-64', guest.id)

    def test_an_image_of_another_architecture(self):
        for arch, other in (('x86_64', 'aarch64'), ('aarch64', 'x86_64'),
                            ('x86_64', 's390x')):
            error = self.assertRaises(
                exception.InvalidProperty, self._choose,
                {'hw_architecture': other}, arch=arch)
            self.assertEqual('hw_architecture', error.name)


class ArmTestCase(base.TestCase):

    def _choose(self, properties, **arguments):
        return guestos.choose(properties, arch=guestos.AARCH64,
                              **dict({'hw_version': 20}, **arguments))

    def test_ids(self):
        for properties, expected in (
                ({}, 'arm-other6xlinux-64'),
                ({'os_distro': 'debian', 'os_version': '12'},
                 'arm-debian12-64'),
                ({'os_distro': 'ubuntu'}, 'arm-ubuntu-64'),
                ({'os_distro': 'windows', 'os_version': '10'},
                 'arm-windows10-64'),
                ({'os_distro': 'windows', 'os_version': '2022'},
                 'arm-windows11-64'),
                ({'os_distro': 'freebsd', 'os_version': '14'},
                 'arm-freebsd14-64'),
                ({'os_distro': 'openbsd'}, 'arm-other-64'),
                ({'os_distro': 'arch'}, 'arm-other6xlinux-64'),
                ({'vmware_ostype': 'ubuntu64Guest'}, 'arm-ubuntu-64'),
                ({'vmrun_guestos': 'arm-debian12-64'}, 'arm-debian12-64')):
            guest = self._choose(properties)
            self.assertEqual(expected, guest.id)
            self.assertEqual('arm', guest.family)

    def test_ids_that_only_x86_has_are_refused(self):
        self.assertRaises(exception.UnknownGuestOS, self._choose,
                          {'vmware_ostype': 'winXPProGuest'})

    def test_ids_of_arm_are_refused_on_x86(self):
        error = self.assertRaises(
            exception.UnknownGuestOS, guestos.choose,
            {'vmrun_guestos': 'arm-debian12-64'})
        self.assertIn('x86_64', str(error))
