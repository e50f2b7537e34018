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

from nova_vmrun.formats.guestos import rows
from nova_vmrun.formats import ovf_guests
from tests.unit.machine import base


class GuestsTestCase(base.TestCase):

    def test_words_of_virtualbox(self):
        for word, expected in (
                ('Ubuntu_64', 'ubuntu-64'), ('Ubuntu', 'ubuntu'),
                ('Ubuntu22_LTS_64', 'ubuntu-64'), ('ubuntu24_lts_64',
                                                   'ubuntu-64'),
                ('Debian_64', 'debian12-64'), ('Debian11_64', 'debian11-64'),
                ('Debian12_arm64', 'arm-debian12-64'),
                ('Ubuntu_arm64', 'arm-ubuntu-64'),
                ('Debian31', 'debian4'), ('RedHat_64', 'rhel9-64'),
                ('RedHat8_64', 'rhel8-64'), ('RedHat5_64', 'rhel5-64'),
                ('Oracle_64', 'oraclelinux-64'),
                ('Oracle9_64', 'oraclelinux9-64'),
                ('Fedora_64', 'fedora-64'),
                ('OpenSUSE_Leap_64', 'opensuse-64'),
                ('SUSE_LE_64', 'sles15-64'), ('ArchLinux_64',
                                              'otherlinux-64'),
                ('Linux26_64', 'otherlinux-64'), ('Linux', 'otherlinux'),
                ('Windows7', 'windows7'), ('Windows81_64', 'windows8-64'),
                ('Windows10_64', 'windows9-64'),
                ('Windows11_64', 'windows11-64'),
                ('Windows2012_64', 'windows8srv-64'),
                ('Windows2016_64', 'windows9srv-64'),
                ('Windows2019_64', 'windows2019srv-64'),
                ('Windows2022_64', 'windows2019srvNext-64'),
                ('Windows2025_64', 'windows2022srvNext-64'),
                ('WindowsXP', 'winXPPro'), ('FreeBSD_64', 'freeBSD-64'),
                ('Solaris11_64', 'solaris11-64'), ('Other_64', 'other-64'),
                ('OpenBSD_64', 'other-64')):
            found = ovf_guests.by_virtualbox(word)
            self.assertEqual(expected, found and found.id, word)
        for word in ('', 'Klingon_64', '_64', 'Debian GNU/Linux 11', '%s',
                     'Debian%s_64'):
            self.assertIsNone(ovf_guests.by_virtualbox(word), word)

    def test_each_number_of_the_table(self):
        for row in rows.ROWS:
            for number in row.cim:
                self.assertEqual(row.id, ovf_guests.by_cim(str(number)).id)
        for text in ('', '0', '1', '99999', '-1', 'x', '9' * 5000):
            self.assertIsNone(ovf_guests.by_cim(text))

    def test_each_word_of_the_table(self):
        for row in rows.ROWS:
            for word in row.virtualbox:
                found = (ovf_guests.by_virtualbox(word + '_64') or
                         ovf_guests.by_virtualbox(word))
                self.assertEqual(row.stem, found.id.removesuffix('-64'))

    def test_apple_silicon(self):
        for word, expected in (('Ubuntu22_LTS_arm64', 'arm-ubuntu-64'),
                               ('Debian12_arm64', 'arm-debian12-64'),
                               ('Debian10_arm64', 'arm-debian12-64'),
                               ('Windows2000_arm64', None)):
            found = ovf_guests.by_virtualbox(word)
            self.assertEqual(expected, found and found.id, word)
