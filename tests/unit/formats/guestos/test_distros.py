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

from nova_vmrun.formats.guestos import distros
from nova_vmrun.formats.guestos import rows
from tests.unit.machine import base


class DistrosTestCase(base.TestCase):

    def test_names_and_versions(self):
        for distro, version, expected in (
                ('debian', '12', 'debian12'), ('debian', '', 'debian13'),
                ('debian', 'sid', 'debian13'), ('debian', '3', 'debian4'),
                ('debian', '99', 'debian13'), ('Debian', '11.5', 'debian11'),
                ('ubuntu', '22.04', 'ubuntu'), ('centos', '7', 'centos7'),
                ('centos', '10', 'centos9'), ('rhel9.2', '', 'rhel9'),
                ('centos-stream9', '', 'centos9'), ('rocky', '9',
                                                    'rockylinux'),
                ('ol', '8', 'oraclelinux8'), ('sles', '15-SP4', 'sles15'),
                ('amazonlinux', '2023', 'amazonlinux3'),
                ('amzn', '2', 'amazonlinux2'), ('kali', '2024', 'debian13'),
                ('arch', '', 'other6xlinux'), ('cirros', '', 'other6xlinux'),
                ('freebsd', '13.2', 'freeBSD13'), ('freebsd', '9',
                                                   'freeBSD'),
                ('openbsd', '7.4', 'other'), ('solaris', '11.4',
                                              'solaris11'),
                ('macosx10.7', '', 'darwin11'), ('macos', '14', 'darwin23'),
                ('esxi', '8.0', 'vmkernel8'), ('hyperv', '', 'winHyperV'),
                ('win2k19', '', 'windows2019srv'), ('win10', '', 'windows9'),
                ('win11', '', 'windows11'), ('winxp', '', 'winXPPro'),
                ('win2k8r2', '', 'windows7srv'), ('win2k3', '',
                                                  'winNetEnterprise'),
                ('win2k', '', 'win2000Serv'), ('win8.1', '', 'windows8'),
                ('windows', 'Server 2022', 'windows2019srvNext'),
                ('windows', '2008 R2', 'windows7srv'),
                ('windows', '2008', 'longhorn'), ('windows', '', 'windows9'),
                ('windows', '2025', 'windows2022srvNext'),
                ('beos', '', None), ('beos5', '', None)):
            self.assertEqual(expected, distros.find(distro, version),
                             (distro, version))

    def test_every_system_of_the_table_is_found(self):
        for each in rows.ROWS:
            for name, version in each.systems.items():
                self.assertEqual(
                    each.stem, distros.find(name, str(version or '')), name)

    def test_derivatives_have_other_version_numbers(self):
        self.assertEqual('debian13', distros.find('kali', '7'))
        self.assertEqual('debian7', distros.find('raspbian', '7'))
