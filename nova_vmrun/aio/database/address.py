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

"""The URL of a database server: what may be used."""

import importlib.util
import re
from typing import TYPE_CHECKING

from nova_vmrun.aio import errors
from nova_vmrun.formats import hostnames

if TYPE_CHECKING:
    import sqlalchemy

# Value of Settings.database that is no URL.
SQLITE = ''
_EXAMPLE = 'mysql://user:password@host/'
_MYSQL, _POSTGRESQL = 'mysql+pymysql', 'postgresql+psycopg2'
_DRIVERS = {'mysql': _MYSQL, 'mariadb': _MYSQL, _MYSQL: _MYSQL,
            'postgresql': _POSTGRESQL, _POSTGRESQL: _POSTGRESQL}
# The module of each driver, and the package that has it.
_PACKAGES = {_MYSQL: ('pymysql', 'PyMySQL'),
             _POSTGRESQL: ('psycopg2', 'psycopg2-binary')}
# Options of the drivers that would replace the host.
_HOSTS = {'host', 'hostaddr', 'unix_socket'}
# Safe in SQL without quotes, and the same on servers that ignore case.
_PREFIX = re.compile('[a-z][a-z0-9_]{0,30}')
# What SQLAlchemy makes TLS of MySQL from. Other options of the driver switch
# it off, or replace what these say, also if their value is "false".
_MYSQL_TLS = {'ssl_ca', 'ssl_capath', 'ssl_cert', 'ssl_key', 'ssl_cipher'}
# Options that are read from elsewhere.
_ELSEWHERE = {'read_default_file', 'read_default_group', 'service'}


def read(url: str) -> 'sqlalchemy.URL':
    """Return the parts of the URL of a server, with the driver that is used.

    What would be the name of a database precedes the names of all of them.

    :raises AioError: it is not one, or not MySQL's, MariaDB's or PostgreSQL's
    """
    import sqlalchemy
    from sqlalchemy import exc

    try:
        parts = sqlalchemy.make_url(url)
    except (exc.ArgumentError, ValueError):
        # Their messages have the password.
        raise _unusable('It is no URL.') from None
    if parts.drivername not in _DRIVERS:
        raise _unusable('Its URL does not begin with mysql:// or '
                        'postgresql://.')
    parts = parts.set(drivername=_DRIVERS[parts.drivername])
    if bool(parts.host) == bool(_HOSTS.intersection(parts.query)):
        raise _unusable('Its URL must name one host, or the path of a socket '
                        'instead.')
    if not (parts.host or _socket(parts)):
        raise _unusable('Its URL has no host.')
    if not parts.username:
        raise _unusable('Its URL has no user.')
    if parts.database and not _PREFIX.fullmatch(parts.database):
        raise _unusable(
            'The path of its URL precedes the names of the databases, and '
            'can have small letters, digits and _ only.')
    return parts


def _unusable(details: str) -> errors.AioError:
    return errors.AioError(
        'The database server cannot be used.', details,
        'Give --database a URL such as %s.' % _EXAMPLE)


def is_mysql(parts: 'sqlalchemy.URL') -> bool:
    """Return whether a server is MySQL or MariaDB, not PostgreSQL."""
    return parts.drivername == _MYSQL


def _socket(parts: 'sqlalchemy.URL') -> str:
    """Return the path of the socket that a URL names, or an empty string."""
    value = parts.query.get('unix_socket' if is_mysql(parts) else 'host', '')
    path = value if isinstance(value, str) else value[0]
    return path if path.startswith('/') else ''


def place(parts: 'sqlalchemy.URL') -> str:
    """Return where a server is, in words without a password."""
    if _socket(parts):
        return _socket(parts)
    return '%s:%d' % (parts.host,
                      parts.port or (3306 if is_mysql(parts) else 5432))


def database(url: str, name: str) -> str:
    """Return the URL of one database on a server, as SQLAlchemy needs it.

    :param name: of the database
    :raises AioError: the URL cannot be used
    """
    parts = read(url)
    if is_mysql(parts):
        # What OpenStack is tested with.
        parts = parts.update_query_dict({'charset': 'utf8'})
    return parts.set(database=full_name(parts, name)).render_as_string(
        hide_password=False)


def full_name(parts: 'sqlalchemy.URL', name: str) -> str:
    """Return what a database is called on the server."""
    return '%s_%s' % (parts.database, name) if parts.database else name


def check(url: str, insecure: bool) -> None:
    """Raise an error if a server cannot be used, without asking it.

    :param insecure: whether plain text may go over a network
    :raises AioError:
    """
    parts = read(url)
    if insecure or _is_here(parts) or _is_verified(parts):
        return
    raise errors.AioError(
        'The database server on %s would be used without TLS that checks who '
        'answers.' % place(parts),
        'The databases hold passwords, and could be read and changed on the '
        'network.',
        'Add ?%s to its URL, or --database-insecure on a network that nobody '
        'else can use.' % ('ssl_ca=<path>' if is_mysql(parts) else
                           'sslmode=verify-full&sslrootcert=<path>'))


def _is_here(parts: 'sqlalchemy.URL') -> bool:
    if not parts.host:
        return bool(_socket(parts))
    return hostnames.is_loopback(parts.host)


def _is_verified(parts: 'sqlalchemy.URL') -> bool:
    """Return whether only the right server gets what is sent, encrypted."""
    if _ELSEWHERE.intersection(parts.query):
        return False
    if is_mysql(parts):
        authorities = parts.query.get('ssl_ca', parts.query.get('ssl_capath'))
        return bool(authorities) and _MYSQL_TLS.issuperset(
            option for option in parts.query if option.startswith('ssl'))
    # With verify-ca, any server of that authority could answer.
    return parts.query.get('sslmode') == 'verify-full'


def require_driver(url: str) -> None:
    """Raise an error if the Python package for a server is missing.

    :raises AioError:
    """
    parts = read(url)
    module, package = _PACKAGES[parts.drivername]
    if importlib.util.find_spec(module) is None:
        raise errors.AioError(
            'The database server cannot be used, because a package is '
            'missing.', 'Python finds no module %s.' % module,
            'Install it with: pip install %s.' % package)
