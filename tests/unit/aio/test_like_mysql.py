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

import datetime

import fixtures
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import enginefacade
import sqlalchemy
from sqlalchemy.dialects.sqlite import base as dialect

from nova_vmrun.aio import like_mysql
from nova_vmrun.aio import sqlite
from tests.unit.aio import base

_METADATA = sqlalchemy.MetaData()
_SERVERS = sqlalchemy.Table(
    'servers', _METADATA,
    sqlalchemy.Column('name', sqlalchemy.String(255), unique=True),
    sqlalchemy.Column('updated', sqlalchemy.DateTime))
_EXACT = sqlalchemy.Table(
    'exact', _METADATA, sqlalchemy.Column('name', sqlalchemy.String(255)),
    mysql_collate='utf8_bin')


class LikeMysqlTestCase(base.TestCase):
    """Through oslo.db, as the services use it."""

    def setUp(self):
        super().setUp()
        self.patch(dialect.DATETIME, '_storage_format',
                   dialect.DATETIME._storage_format)
        sqlite.install()
        like_mysql.install()
        self.manager = enginefacade.transaction_context()
        self.manager.configure(
            connection='sqlite:///%s' % self.layout.database('test'))
        self.manager._factory._start(cfg.ConfigOpts())
        self.addCleanup(self.manager.dispose_pool)
        _METADATA.create_all(self.manager.writer.get_engine())

    def insert(self, table, **values):
        with self.manager.writer.using(self.Context()) as session:
            session.execute(table.insert().values(**values))

    def names(self, table, condition):
        with self.manager.reader.using(self.Context()) as session:
            return list(session.execute(sqlalchemy.select(
                table.c.name).where(condition)).scalars())

    class Context:
        """What oslo.db hangs a transaction on."""

    def test_time_has_whole_seconds(self):
        shown = datetime.datetime(2026, 11, 29, 5, 30, 12)
        self.insert(_SERVERS, name='web',
                    updated=shown.replace(microsecond=987654))
        self.assertEqual(['web'], self.names(
            _SERVERS, _SERVERS.c.updated <= shown))

    def test_name_is_found_in_any_case(self):
        self.insert(_SERVERS, name='Web')
        self.assertEqual(['Web'], self.names(_SERVERS,
                                             _SERVERS.c.name == 'wEB'))

    def test_regular_expression_ignores_case(self):
        self.insert(_SERVERS, name='Web-1')
        self.assertEqual(['Web-1'], self.names(
            _SERVERS, _SERVERS.c.name.op('REGEXP')('^web-[0-9]$')))

    def test_no_regular_expression_holds_the_process(self):
        self.useFixture(fixtures.Timeout(60, gentle=True))
        self.insert(_SERVERS, name='a' * 200 + '!')
        self.assertEqual([], self.names(
            _SERVERS, _SERVERS.c.name.op('REGEXP')('(a+)+$')))

    def test_unique_name_is_unique_in_any_case(self):
        self.insert(_SERVERS, name='Web')
        self.assertRaises(db_exception.DBDuplicateEntry, self.insert,
                          _SERVERS, name='wEB')

    def test_table_that_wants_exact_names_has_them(self):
        self.insert(_EXACT, name='Web')
        self.assertEqual([], self.names(_EXACT, _EXACT.c.name == 'web'))
