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

"""Orphans: files and folders that belong to no server.

nova-compute only logs a warning. ``nova-vmrun orphans --delete`` checks each
one again and deletes it.
"""

from collections import abc
import os

from nova.compute import vm_states
from nova import context as nova_context
from nova import objects
from nova.objects import instance as nova_instance
from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import report
from nova_vmrun.host import files
from nova_vmrun.ops import destroy
from nova_vmrun.ops import parts
from nova_vmrun.ops import snapshot
from nova_vmrun.server import orphans

LOG = logging.getLogger(__name__)

# A build or deletion in progress changes a folder within so many seconds.
_MIN_AGE = 3600
# How many orphans the warning names; the command lists all.
_MAX_NAMED = 5


class Orphans:
    """Warns about orphans and deletes them."""

    def __init__(self, finder: orphans.Finder, images: parts.Images,
                 destroyer: destroy.Destroyer,
                 snapshots: snapshot.Snapshots) -> None:
        self.finder = finder
        self._destroyer = destroyer
        self._snapshots = snapshots
        self._cache = images.cache
        self._users = images.users
        self._builds = images.builds

    def warn(self, context: nova_context.RequestContext, host: str,
             instances: abc.Iterable[nova_instance.Instance]) -> None:
        """Log a warning about orphans outside of the image cache, which ages.

        Ask Nova only about servers that are on this host but not among the
        instances, for example because they were moved.

        :param context: of an administrator
        :param host: name of this compute service
        :param instances: all servers of this compute service
        """
        try:
            servers = _servers(host, instances)
            missing = self.finder.server_ids() - set(servers)
            if missing:
                servers.update(_servers(
                    host, objects.InstanceList.get_by_filters(
                        context, {'uuid': sorted(missing), 'deleted': False,
                                  'soft_deleted': True}, expected_attrs=[])))
            found = self.finder.of_servers(servers, _MIN_AGE)
        except (exception.VmrunError, OSError) as error:
            LOG.warning('Cannot look for files that belong to no server: %s',
                        error)
            return
        settled = [each for each in found
                   if each.kept != orphans.too_young(_MIN_AGE)]
        if settled:
            LOG.warning(
                'Files or folders on this host that belong to no server: %d. '
                '"nova-vmrun orphans" lists and deletes them: %s',
                len(settled),
                '; '.join('%s %s (%s)' % (
                    each.kind, report.printable(each.path), each.reason)
                    for each in settled[:_MAX_NAMED]))

    def remove(self, orphan: orphans.Orphan, min_age: float) -> str:
        """Check an orphan again and delete it.

        :param min_age: seconds for which its folder must not have changed
        :returns: a sentence that says why it was kept; empty if it is deleted
        :raises OSError: a file could not be deleted
        :raises VmrunError: it is not known which VMs are running
        """
        if orphan.kept:
            return orphan.kept
        if orphan.kind == orphans.SNAPSHOT:
            self._snapshots.clear(orphan.owner)
        elif orphan.kind == orphans.BASE:
            return self._remove_base(orphan)
        elif orphan.kind == orphans.FOLDER:
            return self._remove_folder(orphan, min_age)
        elif orphan.kind == orphans.VOLUMES:
            self._destroyer.disconnect_volumes(orphan.owner)
        elif os.path.isdir(orphan.path):
            files.remove_tree(orphan.path)
        elif os.path.exists(orphan.path):
            os.remove(orphan.path)
        return ''

    def _remove_folder(self, orphan: orphans.Orphan, min_age: float) -> str:
        kept: str = self.finder.why_kept(orphan.owner, orphan.path, min_age)
        if not kept:
            self._destroyer.remove_folder(orphan.owner, orphan.path)
        return kept

    def _remove_base(self, orphan: orphans.Orphan) -> str:
        name = os.path.basename(orphan.path)
        try:
            with self._cache.locked(orphan.owner, blocking=False) as entry:
                # In this order: a build that has just ended has its disk.
                build = self._builds.oldest_start()
                if self._users.find(orphan.owner, name) or (
                        build is not None and entry.last_use(name) >= build):
                    return 'A server uses it.'
                entry.remove(name)
        except lockutils.AcquireLockFailedException:
            return 'A server is being built from the image.'
        return ''


def _servers(host: str, instances: abc.Iterable[nova_instance.Instance]
             ) -> dict[str, orphans.Server]:
    return {instance.uuid: orphans.Server(
        is_here=instance.host == host,
        is_busy=(instance.task_state is not None or
                 instance.vm_state in (vm_states.BUILDING,
                                       vm_states.RESIZED)),
        image_id=instance.image_ref) for instance in instances}
