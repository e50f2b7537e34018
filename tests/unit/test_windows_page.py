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


"""The table of doc/source/windows.rst, compared with the driver."""

import pathlib
import re

from nova_vmrun.formats import guestos
from tests.unit.machine import base

_PAGE = pathlib.Path(__file__).parents[2] / 'doc' / 'source' / 'windows.rst'
_ROW = re.compile(
    r'^``(?P<version>[0-9R ]+)``(?P<arm>, on arm)? +``(?P<id>\S+)`` +'
    r'(?P<rest>\w+ +\w+ +\w+)$', re.MULTILINE)
# Drivers that each Windows has before VMware Tools are installed, by the
# beginning of its version.
_DISKS = {'2008': {'lsisas1068', 'sata', 'ide'},
          '2012': {'lsisas1068', 'sata'}}
_NEWER_DISKS = {'lsisas1068', 'sata', 'nvme'}
_ADAPTERS = {'2008': {'e1000', 'e1000e'}}
_NEWER_ADAPTERS = {'e1000e'}


class TableTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.rows = list(_ROW.finditer(_PAGE.read_text()))

    def test_every_windows_of_the_table(self):
        self.assertEqual(
            ['10', '11', '2008 R2', '2012', '2012 R2', '2016', '2019', '2022',
             '2025', '11'], [row['version'] for row in self.rows])

    def test_rows(self):
        for row in self.rows:
            server = self.make(row)
            self.assertEqual(
                (server.guestos, server.hardware.firmware,
                 server.hardware.disk_bus, server.hardware.nic_model),
                (row['id'], *row['rest'].split()), row['version'])

    def make(self, row):
        return base.make_server(
            {'os_distro': 'windows', 'os_version': row['version']},
            hw_version=22, product='fusion' if row['arm'] else 'ws',
            arch=guestos.AARCH64 if row['arm'] else guestos.X86_64)

    def test_drivers_of_the_installers(self):
        for row in self.rows:
            if row['arm']:
                continue
            hardware = self.make(row).hardware
            year = row['version'][:4]
            self.assertIn(hardware.disk_bus,
                          _DISKS.get(year, _NEWER_DISKS), year)
            self.assertIn(hardware.volume_bus,
                          _DISKS.get(year, _NEWER_DISKS), year)
            self.assertIn(hardware.nic_model,
                          _ADAPTERS.get(year, _NEWER_ADAPTERS), year)

    def test_scsi_in_general(self):
        for row in self.rows[:-1]:
            server = base.make_server(
                {'os_distro': 'windows', 'os_version': row['version'],
                 'hw_disk_bus': 'scsi'}, hw_version=22)
            self.assertEqual('lsisas1068', server.hardware.disk_bus)

    def test_older_products_do_not_know_windows_server_2025(self):
        self.assertEqual('windows2019srvNext-64', base.make_server(
            {'os_distro': 'windows', 'os_version': '2025'}).guestos)

    def test_os_type_is_enough(self):
        for version, expected in (('11', 'windows11-64'),
                                  ('Server 2022', 'windows2019srvNext-64'),
                                  ('', 'windows9-64')):
            self.assertEqual(expected, base.make_server(
                {'os_type': 'windows', 'os_version': version}).guestos)
