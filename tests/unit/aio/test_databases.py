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


import importlib.metadata
import sqlite3

from nova_vmrun.aio import databases
from tests.unit.aio import base


class PrepareTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.made = 0
        self.told = []

    def make(self):
        self.made += 1
        self.found = self.layout.database('glance').exists()
        self.layout.database('glance').write_text('tables')

    def prepare(self):
        databases.prepare(self.layout, 'glance', ['glance'], 'glance',
                          self.make, self.told.append)

    def test_it_is_made_once(self):
        self.prepare()
        self.prepare()
        self.assertEqual(1, self.made)
        self.assertEqual(['making its database'], self.told)

    def test_incomplete_databases_are_created_again(self):
        for suffix in ('', '-wal', '-shm'):
            self.layout.databases.joinpath('glance.db' + suffix).write_text(
                'half')
        self.prepare()
        self.assertFalse(self.found)
        self.assertEqual(
            {'glance.db', 'glance.initialised'},
            {path.name for path in self.layout.databases.iterdir()})

    def test_failure_leaves_no_marker(self):
        def fail():
            raise RuntimeError()

        self.assertRaises(RuntimeError, databases.prepare, self.layout,
                          'glance', ['glance'], 'glance', fail,
                          self.told.append)
        self.assertFalse(self.layout.initialised('glance').exists())

    def test_another_version_upgrades_what_is_there(self):
        self.prepare()
        self.layout.initialised('glance').write_text('1.0.0\n')
        self.prepare()
        self.assertEqual(2, self.made)
        self.assertTrue(self.found)
        self.assertEqual('upgrading its database', self.told[-1])
        self.assertEqual(importlib.metadata.version('glance') + '\n',
                         self.layout.initialised('glance').read_text())


class CopyTestCase(base.TestCase):

    def open(self, name):
        database = sqlite3.connect(self.layout.database(name))
        self.addCleanup(database.close)
        return database

    def test_tables_rows_and_journal_mode_are_the_same(self):
        source = self.open('nova_cell0')
        source.execute('PRAGMA journal_mode = WAL')
        source.execute('CREATE TABLE servers (name)')
        source.execute('INSERT INTO servers VALUES ("web")')
        source.commit()
        databases.copy(self.layout, 'nova_cell0', 'nova_cell1')
        target = self.open('nova_cell1')
        self.assertEqual([('web',)],
                         target.execute('SELECT name FROM servers').fetchall())
        self.assertEqual(('wal',),
                         target.execute('PRAGMA journal_mode').fetchone())
