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

"""A control plane's volumes, read from Cinder's database.

Cinder need not run, since settings change while everything is down.
"""

import dataclasses
import importlib.util
from typing import Any

from nova_vmrun.aio import databases
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.formats import words

_ATTACHED = """
SELECT volumes.id, volume_attachment.instance_uuid
FROM volumes JOIN volume_attachment
ON volume_attachment.volume_id = volumes.id
WHERE NOT volumes.deleted AND NOT volume_attachment.deleted
ORDER BY volumes.created_at, volumes.id
"""


@dataclasses.dataclass(frozen=True)
class Counts:
    """The numbers of volumes, snapshots and backups."""

    volumes: int = 0
    snapshots: int = 0
    backups: int = 0


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A volume attached to a server, which need not run.

    :ivar server: UUID, or None if the volume was attached to a host
    """

    volume: str
    server: str | None

    def __str__(self) -> str:
        return '%s (%s)' % (self.volume, 'server %s' % self.server
                            if self.server else 'no server')


def require_installed() -> None:
    """Raise AioError if Cinder or our driver for it cannot be imported."""
    if importlib.util.find_spec('cinder') is None:
        raise errors.AioError(
            'Cinder, which --volumes needs, is not installed.', '',
            'Install it with: pip install "nova-vmrun[volumes]", or turn '
            'volumes off with --no-volumes.')


def require_none_attached(layout: aio_layout.Layout) -> None:
    """Raise AioError if a volume is attached: volumes cannot be turned off.

    :raises AioError: a volume is attached, or the database cannot be read
    """
    found = attachments(layout)
    if not found:
        return
    raise errors.AioError(
        'Volumes cannot be turned off, because servers use them.',
        'Attached: %s.' % words.listed(list(map(str, found))),
        'Run "nova-vmrun aio up", detach them or delete the servers, and run '
        '"nova-vmrun aio down" before you try again.')


def attachments(layout: aio_layout.Layout) -> list[Attachment]:
    """Return all of Cinder's attachments, including unfinished ones.

    :raises AioError: the database cannot be read
    """
    return [Attachment(*row) for row in _select(layout, _ATTACHED)]


def counts(layout: aio_layout.Layout) -> Counts:
    """Return how many volumes, snapshots and backups there are.

    :raises AioError: the database cannot be read
    """
    found = {}
    for table in dataclasses.fields(Counts):
        for (count,) in _select(
                layout, 'SELECT count(*) FROM %s WHERE NOT deleted'
                % table.name):
            found[table.name] = count
    return Counts(**found)


def _select(layout: aio_layout.Layout, query: str) -> list[tuple[Any, ...]]:
    """Return a query's rows, or none if there is no complete database."""
    if not layout.initialised('cinder').exists():
        return []
    return databases.select(layout, 'cinder', query)
