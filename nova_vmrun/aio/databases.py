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

"""Makes the SQLite databases of a service once, and whole."""

import importlib.metadata
import logging

LOG = logging.getLogger(__name__)


def prepare(layout, service, names, distribution, make, tell):
    """Makes or upgrades the databases of a service.

    The marker is written at the end. Without it the files are leftovers of
    an interrupted start that nobody has used yet, and are made anew.

    :param layout: Layout of the state directory
    :param service: whose databases these are
    :param names: the databases
    :param distribution: the project; another version of it upgrades them
    :param make: function that makes the tables, or upgrades them
    :param tell: function that shows the phase
    """
    marker = layout.initialised(service)
    version = importlib.metadata.version(distribution)
    try:
        made_by = marker.read_text().strip()
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


def remove(layout, name):
    """Removes a database with the files that SQLite keeps beside it."""
    path = layout.database(name)
    for suffix in ('', '-wal', '-shm'):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
