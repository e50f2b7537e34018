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

"""The databases of a control plane on a MariaDB server."""

import unittest

from nova_vmrun.aio.database import server
from nova_vmrun.aio import errors
import sqlalchemy
import testtools

from tests.functional.database import mariadb
from tests.functional.split import base as split


@unittest.skipIf(mariadb.missing(), mariadb.missing())
class ServerTestCase(testtools.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port, = split.free_ports(1)
        cls.mariadb = mariadb.MariaDb(cls.port)
        cls.mariadb.setUp()
        cls.addClassCleanup(cls.mariadb.cleanUp)

    def setUp(self):
        super().setUp()
        self.server = self.login('mine')
        self.addCleanup(self.server.drop, ['glance', 'nova_api'])

    def login(self, owner, **options):
        return server.Server(self.mariadb.url(**options), owner)

    def run_sql(self, *statements):
        engine = sqlalchemy.create_engine(self.mariadb.url().replace(
            'mysql', 'mysql+pymysql', 1))
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def tables(self, name='glance'):
        return {row[0] for row in self.server.select(
            'glance', 'SELECT table_name FROM information_schema.tables '
            'WHERE table_schema = :name', name=name)}

    def test_it_lets_the_user_in(self):
        self.server.require()

    def test_wrong_password_is_one_clear_line(self):
        error = self.assertRaises(
            errors.AioError, server.Server(
                'mysql://nova:wrong@127.0.0.1:%d/' % self.port,
                'mine').require)
        self.assertIn('Access denied for user', error.details)

    def test_silence_is_one_clear_line(self):
        port, = split.free_ports(1)
        error = self.assertRaises(errors.AioError, server.Server(
            'mysql://nova:a@127.0.0.1:%d/' % port, 'mine').require)
        self.assertIn('127.0.0.1:%d' % port, error.brief)
        self.assertIn('Connection refused', error.details)

    def test_user_who_may_not_create_is_one_clear_line(self):
        error = self.assertRaises(
            errors.AioError, self.login('mine', user='guest').claim,
            'glance', False)
        self.assertIn('Access denied', error.details)

    def test_claim_is_repeated_without_effect(self):
        self.server.claim('glance', False)
        self.run_sql('CREATE TABLE glance.images (id INT)')
        self.server.claim('glance', True)
        self.assertEqual({'images', 'nova_vmrun_owner'}, self.tables())

    def test_missing_database_with_data_is_not_made_again(self):
        error = self.assertRaises(errors.AioError, self.server.claim,
                                  'glance', True)
        self.assertIn('missing', error.brief)

    def test_database_of_another_control_plane_is_refused(self):
        self.server.claim('glance', False)
        other = self.login('other')
        for is_filled in (False, True):
            self.assertRaises(errors.AioError, other.claim, 'glance',
                              is_filled)
        self.assertRaises(errors.AioError, other.empty, 'glance')
        self.assertEqual([], other.drop(['glance', 'nova_api']))
        self.assertEqual(['glance'], self.server.drop(['glance', 'nova_api']))

    def test_database_of_something_else_is_refused(self):
        self.run_sql('CREATE DATABASE glance',
                     'CREATE TABLE glance.images (id INT)')
        self.addCleanup(self.run_sql, 'DROP DATABASE glance')
        self.assertRaises(errors.AioError, self.server.claim, 'glance', False)
        self.assertRaises(errors.AioError, self.server.empty, 'glance')
        self.assertEqual([], self.server.drop(['glance']))
        self.assertEqual({'images'}, self.tables())

    def test_database_without_tables_was_not_finished(self):
        self.run_sql('CREATE DATABASE glance')
        self.server.claim('glance', False)
        self.assertEqual({'nova_vmrun_owner'}, self.tables())

    def test_database_that_was_not_signed_was_not_finished(self):
        self.run_sql('CREATE DATABASE glance', 'CREATE TABLE '
                     'glance.nova_vmrun_owner (token VARCHAR(64))')
        self.server.claim('glance', False)
        self.assertEqual(['glance'], self.server.drop(['glance']))

    def test_half_made_tables_are_removed(self):
        self.server.claim('glance', False)
        self.run_sql('CREATE TABLE glance.images (id INT)')
        self.server.empty('glance')
        self.assertEqual({'nova_vmrun_owner'}, self.tables())

    def test_path_of_the_url_precedes_the_names(self):
        lab = self.login('mine', path='lab')
        lab.claim('glance', False)
        self.assertEqual([], self.server.drop(['glance']))
        self.assertEqual(['lab_glance'], lab.drop(['glance']))
