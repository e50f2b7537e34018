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

"""Creation and upgrade of a service's SQLite databases."""

from collections.abc import Callable, Sequence
import contextlib
import importlib.metadata
import logging
import sqlite3

from nova_vmrun.aio import layout as aio_layout

LOG = logging.getLogger(__name__)


def prepare(layout: aio_layout.Layout, service: str, names: Sequence[str],
            distribution: str, make: Callable[[], object],
            tell: Callable[[str], None]) -> None:
    """Create or upgrade the databases of a service.

    The marker is written last. If it is missing, a start was interrupted and
    the files have never been used, so they are created again.

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


def copy(layout: aio_layout.Layout, source: str, target: str) -> None:
    """Make a new database with the same tables and rows as another."""
    with (contextlib.closing(sqlite3.connect(layout.database(source))) as old,
          contextlib.closing(sqlite3.connect(layout.database(target))) as new):
        old.backup(new)
