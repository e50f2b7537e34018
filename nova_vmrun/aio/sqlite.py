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

"""Patches that let many threads use SQLite through oslo.db.

oslo.db begins every SQLite transaction with a plain BEGIN. A transaction that
reads first and writes later then fails with "database is locked" if another
thread has written in between. It fails at once, whatever the timeout, since
waiting would not help. Here, a transaction that will write says so when it
begins and waits for its turn. WAL mode lets readers continue in the meantime.

oslo.db also opens the file again for each transaction, and SQLite first reads
the definitions of a hundred tables each time. Here, connections stay open.

oslo.db has options for neither, so this uses its private names;
tests/unit/aio/test_sqlite.py fails if they disappear.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import enginefacade
from oslo_db.sqlalchemy import engines
from oslo_db.sqlalchemy import exc_filters
import sqlalchemy
from sqlalchemy import event
from sqlalchemy import exc as sa_exc
from sqlalchemy import pool

# Seconds that a writer waits for other writers.
BUSY_TIMEOUT = 60
# The number of connections per database that a process keeps open.
_KEPT = 3
_OPTION = 'nova_vmrun_writer'
_Create = Callable[..., Any]


def install() -> None:
    """Patch oslo.db, once per process, before it creates an engine."""
    factory = enginefacade._TransactionFactory
    if getattr(factory, _OPTION, False):
        return
    setattr(factory, _OPTION, True)
    factory._create_session = _session_for_writers(factory._create_session)
    factory._create_connection = _connection_for_writers(
        factory._create_connection)
    keep_connections()
    # Listeners of the class run before those of an engine, so these run before
    # oslo.db's, which begins a transaction only if there is none yet.
    event.listen(sqlalchemy.Engine, 'connect', _on_connect)
    event.listen(sqlalchemy.Engine, 'begin', _on_begin)
    exc_filters.filters('sqlite', sa_exc.OperationalError,
                        r'.*database is locked')(_locked)


def keep_connections() -> None:
    """Make oslo.db keep connections to SQLite files open.

    Call this once per process, before oslo.db creates an engine.
    """
    engines._init_connection_args.dispatch_for('sqlite')(_pool_connections)


def _pool_connections(url: sqlalchemy.URL, engine_args: dict[str, Any],
                      options: dict[str, Any]) -> None:
    # oslo.db has just chosen NullPool for a file. With this pool, a thread
    # that finds all connections in use opens another instead of waiting.
    if engine_args.get('poolclass') is pool.NullPool:
        engine_args.update(poolclass=pool.QueuePool, pool_size=_KEPT,
                           max_overflow=-1, pool_use_lifo=True)


def _writer_engine(factory: Any) -> sqlalchemy.Engine:
    engine: sqlalchemy.Engine = factory.get_writer_engine()
    return engine.execution_options(**{_OPTION: True})


def _session_for_writers(create_session: _Create) -> _Create:
    def wrapper(self: Any, mode: Any,
                bind: sqlalchemy.Engine | None = None) -> Any:
        if mode is enginefacade._WRITER and bind is None:
            bind = _writer_engine(self)
        return create_session(self, mode, bind=bind)
    return wrapper


def _connection_for_writers(create_connection: _Create) -> _Create:
    def wrapper(self: Any, mode: Any) -> Any:
        if mode is enginefacade._WRITER:
            return _writer_engine(self).connect()
        return create_connection(self, mode)
    return wrapper


def _on_connect(dbapi_connection: Any, record: Any) -> None:
    if not hasattr(dbapi_connection, 'execute'):
        return
    dbapi_connection.execute('PRAGMA busy_timeout = %d'
                             % (BUSY_TIMEOUT * 1000))
    dbapi_connection.execute('PRAGMA journal_mode = WAL')
    # Safe if the process crashes. A power cut may lose the last transactions,
    # but the database stays intact.
    dbapi_connection.execute('PRAGMA synchronous = NORMAL')


def _on_begin(connection: sqlalchemy.Connection) -> None:
    if connection.dialect.name != 'sqlite':
        return
    if (connection.get_execution_options().get(_OPTION)
            and 'in_transaction' not in connection.info):
        connection.exec_driver_sql('BEGIN IMMEDIATE')
        connection.info['in_transaction'] = True


def _locked(error: Exception, match: Any, engine_name: str,
            is_disconnect: bool) -> NoReturn:
    """Raise DBDeadlock for a lock that was not granted: projects retry it."""
    raise db_exception.DBDeadlock(error)
