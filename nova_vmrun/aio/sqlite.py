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

"""Let many threads use SQLite through oslo.db.

oslo.db opens every SQLite transaction with a plain BEGIN. One that reads
first and writes later then fails with "database is locked" as soon as another
thread has written in between: at once, whatever the timeout, since waiting
could not help. Here a transaction that means to write says so when it begins
and waits for its turn, and WAL mode lets the readers go on meanwhile.

oslo.db also opens the file anew for each transaction, and SQLite then reads
the definitions of a hundred tables first. Here connections stay open.

oslo.db has options for neither, so this uses names that are private to it;
tests/unit/aio/test_sqlite.py fails if they have gone.
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

# Seconds which a writer waits for the writers before it.
BUSY_TIMEOUT = 60
# Connections that stay open for each database of a process.
_KEPT = 3
_OPTION = 'nova_vmrun_writer'
_Create = Callable[..., Any]


def install() -> None:
    """Patch oslo.db, once for the process, before it makes an engine."""
    factory = enginefacade._TransactionFactory
    if getattr(factory, _OPTION, False):
        return
    setattr(factory, _OPTION, True)
    factory._create_session = _session_for_writers(factory._create_session)
    factory._create_connection = _connection_for_writers(
        factory._create_connection)
    keep_connections()
    # Listeners of the class run before those of an engine, hence before
    # oslo.db's, which begins a transaction only where none was begun.
    event.listen(sqlalchemy.Engine, 'connect', _on_connect)
    event.listen(sqlalchemy.Engine, 'begin', _on_begin)
    exc_filters.filters('sqlite', sa_exc.OperationalError,
                        r'.*database is locked')(_locked)


def keep_connections() -> None:
    """Have oslo.db keep connections to SQLite files open.

    Call it once in a process, before oslo.db makes an engine.
    """
    engines._init_connection_args.dispatch_for('sqlite')(_pool_connections)


def _pool_connections(url: sqlalchemy.URL, engine_args: dict[str, Any],
                      options: dict[str, Any]) -> None:
    # oslo.db has just chosen NullPool for a file. A thread that finds all
    # connections in use opens one more instead of waiting.
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
    # Safe against a crash of the process; after a power cut the last
    # transactions may be gone, the database is whole.
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
    """Let the projects' own retries see that a lock was not granted."""
    raise db_exception.DBDeadlock(error)
