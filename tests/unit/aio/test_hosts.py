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


import contextlib
import sqlite3

from nova_vmrun.aio import errors
from nova_vmrun.aio import hosts
from tests.unit.aio import base

# What matters of Nova's tables.
_TABLES = """
CREATE TABLE services (host TEXT, "binary" TEXT, deleted INTEGER);
CREATE TABLE instances (uuid TEXT, host TEXT, deleted INTEGER);
CREATE TABLE migrations (instance_uuid TEXT, source_compute TEXT,
                         dest_compute TEXT, status TEXT);
INSERT INTO services VALUES ('laptop', 'nova-compute', 0);
INSERT INTO services VALUES ('laptop', 'nova-conductor', 0);
INSERT INTO services VALUES ('gone', 'nova-compute', 7);
INSERT INTO instances VALUES ('deleted', 'laptop', 5);
INSERT INTO instances VALUES ('elsewhere', 'other', 0);
"""


class HostsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.run_sql(_TABLES)
        self.layout.initialised('nova').write_text('34.0.0\n')

    def run_sql(self, script):
        with contextlib.closing(sqlite3.connect(
                self.layout.database('nova_cell1'))) as database:
            database.executescript(script)

    def test_first_machine_alone_needs_no_bus(self):
        hosts.require_no_others(self.layout, self.settings)

    def test_others_are_named(self):
        for number in range(8):
            self.run_sql("INSERT INTO services VALUES "
                         "('node%d', 'nova-compute', 0)" % number)
        error = self.assertRaises(errors.AioError, hosts.require_no_others,
                                  self.layout, self.settings)
        self.assertIn('node4 and 3 more.', error.details)
        # Nova's own command would leave a node's accounts and keys.
        self.assertIn('"nova-vmrun node drain NAME" and "nova-vmrun node '
                      'leave NAME"', error.resolution)

    def test_machine_without_servers_need_not_be_a_compute_host(self):
        hosts.require_no_servers(self.layout, self.settings)

    def test_servers_are_named(self):
        self.run_sql("INSERT INTO instances VALUES ('mine', 'laptop', 0)")
        error = self.assertRaises(errors.AioError, hosts.require_no_servers,
                                  self.layout, self.settings)
        self.assertEqual('They are mine.', error.details)

    def test_servers_that_may_come_back_are_named(self):
        self.run_sql("""
        INSERT INTO instances VALUES ('away', 'other', 0);
        INSERT INTO instances VALUES ('comes', 'other', 0);
        INSERT INTO instances VALUES ('went', 'other', 0);
        INSERT INTO instances VALUES ('others', 'other', 0);
        INSERT INTO migrations VALUES ('deleted', 'laptop', 'x', 'finished');
        INSERT INTO migrations VALUES ('away', 'laptop', 'other', 'finished');
        INSERT INTO migrations VALUES ('comes', 'other', 'laptop',
                                       'migrating');
        INSERT INTO migrations VALUES ('went', 'laptop', 'other',
                                       'confirmed');
        INSERT INTO migrations VALUES ('others', 'x', 'other', 'finished');
        """)
        error = self.assertRaises(errors.AioError, hosts.require_no_servers,
                                  self.layout, self.settings)
        self.assertEqual('They are away, comes.', error.details)
        self.assertIn('confirm or revert', error.resolution)

    def test_nova_that_never_started_has_none(self):
        self.layout.database('nova_cell1').unlink()
        self.layout.initialised('nova').unlink()
        hosts.require_no_others(self.layout, self.settings)
        hosts.require_no_servers(self.layout, self.settings)
        self.assertFalse(self.layout.database('nova_cell1').exists())

    def test_damaged_database_is_one_clear_line(self):
        self.layout.database('nova_cell1').write_bytes(b'damaged' * 100)
        error = self.assertRaises(errors.AioError, hosts.require_no_others,
                                  self.layout, self.settings)
        self.assertIn('cannot be read', error.brief)
