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

"""The databases of the services: SQLite files, or those of a server."""

from collections.abc import Callable, Sequence
import contextlib
import importlib.metadata
import logging
import secrets
import sqlite3
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from nova_vmrun.aio.database import server

# The databases of each service, and the marker that says that one is complete.
NAMES = {
    'keystone': {'keystone': 'keystone'},
    'glance': {'glance': 'glance'},
    'neutron': {'neutron': 'neutron'},
    'nova': {'placement': 'placement', 'nova_api': 'nova',
             'nova_cell0': 'nova', 'nova_cell1': 'nova'},
    'cinder': {'cinder': 'cinder'},
}

LOG = logging.getLogger(__name__)


def prepare(layout: aio_layout.Layout, settings: aio_settings.Settings,
            service: str, names: Sequence[str], distribution: str,
            make: Callable[[], object], tell: Callable[[str], None]) -> None:
    """Create or upgrade the databases of a service.

    The marker is written last. If it is missing, a start was interrupted and
    they have never been used, so they are created again.

    :param service: name of the service
    :param names: names of its databases
    :param distribution: the project's package; a new version upgrades them
    :param make: creates or upgrades the tables
    :param tell: is called with the phase to show
    """
    marker = layout.initialised(service)
    version = importlib.metadata.version(distribution)
    try:
        made_by: str | None = marker.read_text().strip()
    except FileNotFoundError:
        made_by = None
    if made_by == version:
        return
    if made_by is None:
        tell('making its database')
        for name in names:
            if settings.database:
                _server(layout, settings.database).empty(name)
            else:
                remove(layout, name)
    else:
        tell('upgrading its database')
        LOG.info('Upgrading the databases of %s from %s to %s.',
                 service, made_by, version)
    make()
    marker.write_text(version + '\n')


def remove(layout: aio_layout.Layout, name: str) -> None:
    """Remove a database and the files that SQLite keeps beside it."""
    path = layout.database(name)
    for suffix in ('', '-wal', '-shm'):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def claim(layout: aio_layout.Layout, settings: aio_settings.Settings) -> None:
    """Make the databases of all services on the server, if there is one.

    :raises AioError: it does not answer, they cannot be made, or they are not
        those of this control plane
    """
    if not settings.database:
        return
    server = _server(layout, settings.database)
    server.require()
    for service in settings.services:
        for name, marker in NAMES.get(service, {}).items():
            server.claim(name, layout.initialised(marker).exists())


def require_same_kind(layout: aio_layout.Layout, old: str, new: str) -> None:
    """Raise an error if existing databases would be left behind.

    :param old: the value of Settings.database with which they were made
    :param new: the one that is wanted
    :raises AioError: one is SQLite, and the other is a server
    """
    if bool(old) == bool(new) or not any(
            layout.initialised(marker).exists()
            for service in NAMES.values() for marker in service.values()):
        return
    kinds = 'SQLite', 'a database server'
    raise errors.AioError(
        'This control plane cannot change from %s to %s.'
        % (kinds[bool(old)], kinds[bool(new)]),
        'Its databases exist, and are not copied: it would forget its '
        'servers.',
        'Make another control plane with --state-dir, or delete this one with '
        '"nova-vmrun aio wipe" first.')


def drop(layout: aio_layout.Layout) -> str | None:
    """Drop the databases that this control plane made on a server.

    :returns: what was done, or why nothing could be; None without a server
    """
    try:
        url = remembered(layout)
        if not url:
            return None
        dropped = _server(layout, url).drop(
            name for service in NAMES.values() for name in service)
    except errors.AioError as error:
        return 'databases on the server are left: %s %s' % (
            error.brief, error.details)
    return 'dropped the databases %s' % (', '.join(dropped) or '(none)')


def place(layout: aio_layout.Layout) -> str | None:
    """Return where the database server is, or None without one."""
    try:
        url = remembered(layout)
        return address.place(address.read(url)) if url else None
    except errors.AioError:
        return None


def remembered(layout: aio_layout.Layout) -> str:
    """Return the Settings.database of an existing control plane.

    :raises AioError: its settings are damaged
    """
    return (aio_settings.load(layout).database if layout.exists
            else address.SQLITE)


def select(layout: aio_layout.Layout, name: str, query: str, **values: Any
           ) -> list[tuple[Any, ...]]:
    """Return the rows of a query, also while the services do not run.

    :param name: of the database
    :param values: by the names that the query has after colons
    :raises AioError: the database cannot be read
    """
    url = remembered(layout)
    if url:
        return [tuple(row) for row in _server(layout, url).select(
            name, query, **values)]
    path = layout.database(name)
    try:
        # After a crash, the last changes are in SQLite's write-ahead log,
        # which it applies only if it may write. So this is not read-only.
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise errors.AioError(
            'A database cannot be read.', '%s: %s.' % (path, error),
            'Restore it from a copy, or remove everything with "nova-vmrun '
            'aio wipe".') from error


def _server(layout: aio_layout.Layout, url: str) -> 'server.Server':
    # Commands that need no server must not wait for SQLAlchemy.
    from nova_vmrun.aio.database import server

    return server.Server(url, _owner(layout))


def _owner(layout: aio_layout.Layout) -> str:
    """Return the text by which this control plane knows its databases."""
    path = layout.databases / 'owner'
    try:
        return path.read_text()
    except FileNotFoundError:
        owner = secrets.token_urlsafe(24)
        aio_settings.write_private(path, owner)
        return owner


def copy(layout: aio_layout.Layout, source: str, target: str) -> None:
    """Make a new database with the same tables and rows as another."""
    with (contextlib.closing(sqlite3.connect(layout.database(source))) as old,
          contextlib.closing(sqlite3.connect(layout.database(target))) as new):
        old.backup(new)
