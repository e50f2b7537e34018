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


"""A control plane whose databases are on a MariaDB server."""

import unittest

from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import status

from tests.cluster import first
from tests.functional.database import mariadb
from tests.functional.split import base as split

_NAMES = {'keystone', 'glance', 'neutron', 'placement', 'nova_api',
          'nova_cell0', 'nova_cell1'}


@unittest.skipIf(mariadb.missing(), mariadb.missing())
class DatabaseTestCase(first.TestCase):

    def setUp(self) -> None:
        super().setUp()
        port, = split.free_ports(1)
        self.mariadb = self.useFixture(mariadb.MariaDb(port))
        # Before the server ends.
        self.addCleanup(self.wipe)
        self.settings.database = self.mariadb.url('lab')

    def test_server_boots_and_outlives_the_database(self) -> None:
        self.up(aio_settings.OWN_BUS)
        self.assertEqual(
            {'lab_' + name for name in _NAMES}, self.mariadb.databases())
        server = self.boot()
        vms = self.running_vms()
        self.mariadb.stop()
        self.assertIn('database: ', self.keystone())
        self.mariadb.start()
        self.wait_until(self.is_ready, 'all services answer again')
        self.check_is_managed(server, vms)
        self.wipe()
        self.assertEqual(set(), self.mariadb.databases())

    def keystone(self) -> str:
        return next(service.state for service in self.services()
                    if service.name == 'keystone')

    def is_ready(self) -> bool:
        return all(service.ready for service in self.services())

    def services(self) -> list[status.Service]:
        return status.services(self.layout, self.settings)
