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

from nova_vmrun.aio.database import server
from nova_vmrun.aio import databases
from nova_vmrun.aio import errors
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
        databases.prepare(self.layout, self.settings, 'glance', ['glance'],
                          'glance', self.make, self.told.append)

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
                          self.settings, 'glance', ['glance'], 'glance', fail,
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


class ServerCase(base.TestCase):
    """A control plane whose databases are on a server."""

    def setUp(self):
        super().setUp()
        self.settings.database = 'mysql://nova:word@127.0.0.1/'
        self.settings.save(self.layout)
        self.calls = []
        self.owners = []
        self.patch(server, 'Server', self.connect)

    def connect(self, url, owner):
        self.assertEqual(self.settings.database, url)
        self.owners.append(owner)
        return self

    def require(self):
        self.calls.append('require')

    def claim(self, *arguments):
        self.calls.append(arguments)

    def empty(self, name):
        self.calls.append('empty ' + name)

    def drop(self, names):
        return list(names)

    def select(self, name, query, **values):
        return [[name, query, values]]


class ServerTestCase(ServerCase):

    def test_all_are_claimed_and_those_with_data_must_be_there(self):
        self.layout.initialised('nova').touch()
        databases.claim(self.layout, self.settings)
        self.assertEqual([
            'require', ('keystone', False), ('glance', False),
            ('neutron', False), ('placement', False), ('nova_api', True),
            ('nova_cell0', True), ('nova_cell1', True)], self.calls)

    def test_cinder_has_one_only_with_volumes(self):
        self.settings.volumes = True
        databases.claim(self.layout, self.settings)
        self.assertIn(('cinder', False), self.calls)

    def test_sqlite_needs_no_server(self):
        self.settings.database = ''
        databases.claim(self.layout, self.settings)
        self.assertEqual([], self.calls)

    def test_owner_stays_the_same_and_is_secret(self):
        for _ in range(2):
            databases.claim(self.layout, self.settings)
        self.assertEqual(1, len(set(self.owners)))
        path = self.layout.databases / 'owner'
        self.assertEqual(0o600, path.stat().st_mode & 0o777)

    def test_incomplete_databases_are_emptied(self):
        databases.prepare(self.layout, self.settings, 'glance', ['glance'],
                          'glance', lambda: None, lambda text: None)
        self.assertEqual(['empty glance'], self.calls)

    def test_rows_come_from_the_server(self):
        self.assertEqual(
            [('cinder', 'SELECT :a', {'a': 1})],
            databases.select(self.layout, 'cinder', 'SELECT :a', a=1))

    def test_those_of_all_services_are_dropped(self):
        told = databases.drop(self.layout)
        self.assertIn('keystone, glance, neutron, placement', told)
        self.assertIn('cinder', told)

    def test_server_that_does_not_answer_keeps_them(self):
        def fail(names):
            raise errors.AioError('It is off.')

        self.drop = fail
        self.assertIn('are left: It is off.', databases.drop(self.layout))


class KindTestCase(base.TestCase):

    URL = 'mysql://nova:word@127.0.0.1/'

    def change(self, old, new):
        databases.require_same_kind(self.layout, old, new)

    def test_without_data_anything_goes(self):
        self.change('', self.URL)
        self.change(self.URL, '')

    def test_data_is_not_left_behind(self):
        self.layout.initialised('placement').touch()
        self.change('', '')
        self.change(self.URL, self.URL + 'lab')
        for old, new, words in (
                ('', self.URL, 'from SQLite to a database server'),
                (self.URL, '', 'from a database server to SQLite')):
            error = self.assertRaises(errors.AioError, self.change, old, new)
            self.assertIn(words, error.brief)


class SqliteSelectTestCase(base.TestCase):

    def test_nothing_is_dropped(self):
        self.settings.save(self.layout)
        self.assertIsNone(databases.drop(self.layout))
        self.assertIsNone(databases.place(self.layout))
