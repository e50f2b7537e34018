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

"""The databases of a control plane on a server, and whether they are its own.

Each has a small table beside those of its service, which says which control
plane made it. Others are never touched.
"""

from collections.abc import Iterable, Iterator
import contextlib
from typing import TYPE_CHECKING

import sqlalchemy
from sqlalchemy import exc
from sqlalchemy import pool

from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# Seconds for a connection, for its login, and for one statement.
_CONNECT_TIMEOUT = 5
_LOGIN_TIMEOUT = 10
_TIMEOUT = 120
_OWNER = 'nova_vmrun_owner'


class Server:
    """A server, with the rights of the URL's user.

    :param url: that address.read accepts
    :param owner: a text by which this control plane knows its databases
    """

    def __init__(self, url: str, owner: str) -> None:
        self._url = url
        self._parts = address.read(url)
        self._owner = owner
        self._timeout = _TIMEOUT
        self._engines: dict[str, sqlalchemy.Engine] = {}
        self.place = address.place(self._parts)

    def require(self) -> None:
        """Raise AioError if the server does not let the user in soon."""
        impatient = Server(self._url, self._owner)
        impatient._timeout = _LOGIN_TIMEOUT
        with impatient._connect():
            pass

    def claim(self, name: str, is_filled: bool) -> None:
        """Make a database, if it is missing.

        :param is_filled: whether it must be there, with tables
        :raises AioError: it is missing but must not be, is someone else's, or
            the user may not make it
        """
        full = address.full_name(self._parts, name)
        if not self._exists(name):
            if is_filled:
                raise errors.AioError(
                    'The database %s is missing.' % full,
                    '%s has none of this name, but it was made before.'
                    % self.place,
                    'Restore it there, or correct the URL with --database.')
            self._create(name)
            return
        owner = self._read_owner(name)
        if owner == self._owner:
            return
        # Power may have been cut before the first row was written.
        if is_filled or owner or self._tables(name) - {_OWNER}:
            raise errors.AioError(
                'The database %s belongs to something else.' % full,
                'It was not made by this control plane on %s.' % self.place,
                'Let the URL of --database end with a name that precedes '
                'those of the databases, such as /lab.')
        self._sign(name)

    def empty(self, name: str) -> None:
        """Make a database without tables, in place of an unfinished one.

        :raises AioError: it is someone else's, or cannot be made
        """
        self.claim(name, is_filled=False)
        if self._tables(name) - {_OWNER}:
            self._drop(name)
            self._create(name)

    def drop(self, names: Iterable[str]) -> list[str]:
        """Drop those of some databases that this control plane made.

        :returns: their names on the server
        :raises AioError: one cannot be dropped
        """
        dropped = []
        for name in names:
            if self._exists(name) and self._read_owner(name) == self._owner:
                self._drop(name)
                dropped.append(address.full_name(self._parts, name))
        return dropped

    def select(self, name: str, query: str, /, **values: 'Any'
               ) -> 'Sequence[Any]':
        """Return the rows of a query.

        :raises AioError: the database cannot be read
        """
        with self._connect(name) as connection:
            return connection.execute(sqlalchemy.text(query),
                                      values).fetchall()

    def _exists(self, name: str) -> bool:
        query = ('SELECT 1 FROM information_schema.schemata '
                 'WHERE schema_name = :name'
                 if address.is_mysql(self._parts) else
                 'SELECT 1 FROM pg_database WHERE datname = :name')
        with self._connect() as connection:
            return connection.execute(sqlalchemy.text(query), {
                'name': address.full_name(self._parts, name)}
            ).first() is not None

    def _tables(self, name: str) -> set[str]:
        with self._connect(name) as connection:
            return set(sqlalchemy.inspect(connection).get_table_names())

    def _read_owner(self, name: str) -> str | None:
        if _OWNER not in self._tables(name):
            return None
        with self._connect(name) as connection:
            row = connection.exec_driver_sql(
                'SELECT token FROM %s' % _OWNER).first()
            return str(row[0]) if row else None

    def _create(self, name: str) -> None:
        # OpenStack's own tests use this character set with MySQL.
        options = (' CHARACTER SET utf8' if address.is_mysql(self._parts)
                   else " ENCODING 'UTF8' TEMPLATE template0")
        with self._connect() as connection:
            connection.exec_driver_sql('CREATE DATABASE %s%s' % (
                address.full_name(self._parts, name), options))
        self._sign(name)

    def _sign(self, name: str) -> None:
        """Write into an empty database who made it."""
        with self._connect(name) as connection:
            connection.exec_driver_sql(
                'CREATE TABLE IF NOT EXISTS %s (token VARCHAR(64))' % _OWNER)
            connection.execute(sqlalchemy.text(
                'INSERT INTO %s VALUES (:token)' % _OWNER),
                {'token': self._owner})

    def _drop(self, name: str) -> None:
        # A service that was killed may have left connections.
        options = '' if address.is_mysql(self._parts) else ' WITH (FORCE)'
        with self._connect() as connection:
            connection.exec_driver_sql('DROP DATABASE %s%s' % (
                address.full_name(self._parts, name), options))

    @contextlib.contextmanager
    def _connect(self, name: str = '') -> Iterator[sqlalchemy.Connection]:
        """Connect to a database, or to the server.

        :raises AioError: that, or what is done with it, fails
        """
        try:
            with self._engine(name).connect() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            cause = error.orig if isinstance(error, exc.DBAPIError) else error
            raise errors.AioError(
                'The database server on %s refuses what is needed.'
                % self.place, '%s.' % _short(cause),
                'Start it, correct its URL with --database, or let its user '
                'create databases.') from None

    def _engine(self, name: str) -> sqlalchemy.Engine:
        """Return an engine that keeps no connections open."""
        if name not in self._engines:
            self._engines[name] = sqlalchemy.create_engine(
                self._address(name), poolclass=pool.NullPool,
                isolation_level='AUTOCOMMIT', connect_args=self._limits())
        return self._engines[name]

    def _address(self, name: str) -> sqlalchemy.URL:
        if name:
            return sqlalchemy.make_url(address.database(self._url, name))
        # PostgreSQL has no connections without a database.
        return self._parts.set(
            database='' if address.is_mysql(self._parts) else 'postgres')

    def _limits(self) -> dict[str, object]:
        """Return how long connections and statements may take."""
        if address.is_mysql(self._parts):
            return {'connect_timeout': _CONNECT_TIMEOUT,
                    'read_timeout': self._timeout,
                    'write_timeout': self._timeout}
        return {'connect_timeout': _CONNECT_TIMEOUT,
                'options': '-c statement_timeout=%d' % (
                    1000 * self._timeout)}


def _short(error: object) -> str:
    """Return the message of a driver's error in one line."""
    arguments = getattr(error, 'args', ())
    # PyMySQL's errors have a number first.
    text = str(arguments[-1]) if arguments else str(error)
    return ' '.join(text.split()).rstrip('.')[:500]
