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

"""The compute hosts of a control plane, read from Nova's database.

Nova need not run, since settings change while everything is down.
"""

from nova_vmrun.aio import databases
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.formats import words

_OTHERS = """
SELECT services.host FROM services
WHERE services.binary = 'nova-compute' AND services.host != :host
AND services.deleted = 0 ORDER BY services.host
"""
#: How migrations end, in the words of Nova's
#: migration_get_in_progress_by_host_and_node. Until then, both hosts may be
#: needed.
ENDED = ('confirmed', 'reverted', 'error', 'failed', 'completed',
         'cancelled', 'done')
_SERVERS = """
SELECT uuid FROM instances WHERE deleted = 0 AND (host = :host OR uuid IN (
    SELECT instance_uuid FROM migrations
    WHERE (source_compute = :host OR dest_compute = :host)
    AND status NOT IN (%s))) ORDER BY uuid
""" % ', '.join("'%s'" % status for status in ENDED)


def require_no_others(layout: aio_layout.Layout,
                      settings: aio_settings.Settings) -> None:
    """Raise AioError if other machines are compute hosts.

    :raises AioError: there are some, or the database cannot be read
    """
    found = _select(layout, _OTHERS, settings.host)
    if found:
        raise errors.AioError(
            'The message bus cannot be turned off, because other machines '
            'need it.', 'Compute hosts: %s.' % words.listed(found),
            'Run "nova-vmrun aio up", then for each of them "nova-vmrun node '
            'drain NAME" and "nova-vmrun node leave NAME", and "nova-vmrun '
            'aio down" before you try again. If one did not join by '
            '"nova-vmrun node join", move or delete its servers, and use '
            '"openstack compute service delete" instead.')


def require_no_servers(layout: aio_layout.Layout,
                       settings: aio_settings.Settings) -> None:
    """Raise AioError if this machine has servers, or may get some back.

    :raises AioError: there are some, or the database cannot be read
    """
    found = _select(layout, _SERVERS, settings.host)
    if found:
        raise errors.AioError(
            'This machine cannot stop being a compute host, because it has '
            'servers, or servers may come back to it.',
            'They are %s.' % words.listed(found),
            'Run "nova-vmrun aio up --compute", move or delete them, confirm '
            'or revert their resizes, and run "nova-vmrun aio down" before '
            'you try again.')


def _select(layout: aio_layout.Layout, query: str, host: str) -> list[str]:
    """Return the first column of a query's rows.

    :returns: none if there is no complete database
    """
    if not layout.initialised('nova').exists():
        return []
    return [row[0] for row in databases.select(
        layout, 'nova_cell1', query, host=host)]
