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
import threading

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import enginefacade
import sqlalchemy

from nova_vmrun.aio import sqlite
from tests.unit.aio import base


class SqliteTestCase(base.TestCase):
    """The patch of oslo.db, with real databases."""

    def setUp(self):
        super().setUp()
        sqlite.install()
        self.path = self.layout.database('test')
        self.manager = enginefacade.transaction_context()
        self.manager.configure(connection='sqlite:///%s' % self.path)
        self.manager._factory._start(cfg.ConfigOpts())
        self.addCleanup(self.manager.dispose_pool)
        with self.writer() as session:
            session.execute(sqlalchemy.text('CREATE TABLE t (n INTEGER)'))
            session.execute(sqlalchemy.text('INSERT INTO t VALUES (0)'))

    def writer(self):
        return self.manager.writer.using(self.Context())

    def reader(self):
        return self.manager.reader.using(self.Context())

    class Context:
        """What oslo.db hangs a transaction on."""

    def number(self, session):
        return session.execute(sqlalchemy.text('SELECT n FROM t')).scalar()

    def other(self):
        """A connection that gives up at once."""
        connection = sqlite3.connect(self.path, timeout=0)
        self.addCleanup(connection.close)
        return connection

    def test_oslo_db_still_has_what_is_wrapped(self):
        factory = enginefacade._TransactionFactory
        self.assertTrue(callable(factory._create_session))
        self.assertTrue(callable(factory._create_connection))
        self.assertTrue(enginefacade._WRITER)

    def test_installing_again_is_harmless(self):
        create = enginefacade._TransactionFactory._create_session
        sqlite.install()
        self.assertIs(create, enginefacade._TransactionFactory._create_session)

    def test_database_is_in_wal_mode(self):
        with self.reader() as session:
            mode = session.execute(sqlalchemy.text('PRAGMA journal_mode'))
            self.assertEqual('wal', mode.scalar())

    def connection(self):
        """Return SQLite's connection of a transaction that has ended."""
        with self.reader() as session:
            return session.connection().connection.dbapi_connection

    def test_connections_stay_open(self):
        self.assertIs(self.connection(), self.connection())

    def test_more_transactions_than_kept_connections(self):
        with contextlib.ExitStack() as stack:
            numbers = [self.number(stack.enter_context(self.reader()))
                       for _ in range(sqlite._KEPT + 2)]
        self.assertEqual([0] * (sqlite._KEPT + 2), numbers)

    def test_reader_that_failed_leaves_no_transaction(self):
        def read():
            with self.reader() as session:
                self.number(session)
                raise ValueError()

        self.assertRaises(ValueError, read)
        with self.writer() as session:
            session.execute(sqlalchemy.text('UPDATE t SET n = 7'))
        with self.reader() as session:
            self.assertEqual(7, self.number(session))

    def test_writer_has_the_lock_from_its_beginning(self):
        with self.writer() as session:
            self.number(session)
            self.assertRaises(sqlite3.OperationalError, self.other().execute,
                              'UPDATE t SET n = 7')

    def test_writer_connection_has_it_too(self):
        with self.manager.writer.connection.using(self.Context()) as conn:
            self.number(conn)
            self.assertRaises(sqlite3.OperationalError, self.other().execute,
                              'UPDATE t SET n = 7')

    def test_reader_keeps_nobody_from_writing(self):
        with self.reader() as session:
            self.number(session)
            with self.other() as other:
                other.execute('UPDATE t SET n = 7')

    def test_reader_sees_its_own_time_while_another_writes(self):
        with self.reader() as before:
            self.assertEqual(0, self.number(before))
            with self.writer() as session:
                session.execute(sqlalchemy.text('UPDATE t SET n = 7'))
            self.assertEqual(0, self.number(before))
        with self.reader() as after:
            self.assertEqual(7, self.number(after))

    def test_threads_that_read_and_then_write_lose_nothing(self):
        failures = []

        def count():
            try:
                for _ in range(10):
                    with self.writer() as session:
                        number = self.number(session)
                        session.execute(sqlalchemy.text(
                            'UPDATE t SET n = %d' % (number + 1)))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        with self.reader() as session:
            self.assertEqual(40, self.number(session))

    def test_lock_that_was_not_had_is_what_projects_retry(self):
        self.patch(sqlite, 'BUSY_TIMEOUT', 0)
        # A new connection has the new timeout.
        self.manager.dispose_pool()
        holder = self.other()
        holder.isolation_level = None
        holder.execute('BEGIN IMMEDIATE')

        def write():
            with self.writer() as session:
                self.number(session)

        self.assertRaises(db_exception.DBDeadlock, write)
