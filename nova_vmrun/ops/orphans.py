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

"""What no server owns: found, told to the operator, removed when asked.

nova-compute only warns. What is removed is what a person has asked for with
``nova-vmrun orphans --delete``, each thing after another look at it.
"""

import os

from nova.compute import vm_states
from nova import objects
from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import report
from nova_vmrun.host import files
from nova_vmrun.server import orphans

LOG = logging.getLogger(__name__)

# A build or a deletion that is under way changes a folder within that time.
_MIN_AGE = 3600
# A warning is for reading; the command tells the rest.
_MAX_NAMED = 5


class Orphans:
    """Works on what the finder finds.

    :param finder: a nova_vmrun.server.orphans.Finder
    :param destroy: a nova_vmrun.ops.destroy.Destroy
    :param snapshots: a nova_vmrun.ops.snapshot.Snapshots
    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    :param users: a nova_vmrun.storage.base_disk_usage.BaseDiskUsage
    :param boots: a nova_vmrun.storage.builds.Builds
    """

    def __init__(self, finder, destroy, snapshots, cache, users, boots):
        self.finder = finder
        self._destroy = destroy
        self._snapshots = snapshots
        self._cache = cache
        self._users = users
        self._boots = boots

    def warn(self, context, host, instances):
        """Warns of what no server owns, the image cache apart: that ages.

        Nova is asked once more only about servers that are here and not
        among the instances: those that were moved, and others.

        :param context: nova.context.RequestContext of an administrator
        :param host: name of this compute node's service
        :param instances: nova.objects.InstanceList of all servers of it
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
            LOG.warning('Whether something belongs to no server cannot be '
                        'told: %s', error)
            return
        settled = [each for each in found
                   if each.kept != orphans.too_young(_MIN_AGE)]
        if settled:
            LOG.warning(
                '%d things on this host belong to no server; "nova-vmrun '
                'orphans" shows and removes them: %s', len(settled),
                '; '.join('%s %s (%s)' % (
                    each.kind, report.printable(each.path), each.reason)
                    for each in settled[:_MAX_NAMED]))

    def remove(self, orphan, min_age):
        """Removes an orphan, after another look at it.

        :param orphan: a nova_vmrun.server.orphans.Orphan
        :param min_age: seconds for which its folder must not have changed
        :returns: a sentence that says why it stays; empty if it is gone
        :raises OSError: a file could not be removed
        :raises VmrunError: it is not known what runs
        """
        if orphan.kept:
            return orphan.kept
        if orphan.kind == orphans.SNAPSHOT:
            self._snapshots.clear(orphan.owner)
        elif orphan.kind == orphans.BASE:
            return self._remove_base(orphan)
        elif orphan.kind == orphans.FOLDER:
            return self._remove_folder(orphan, min_age)
        elif os.path.isdir(orphan.path):
            files.remove_tree(orphan.path)
        elif os.path.exists(orphan.path):
            os.remove(orphan.path)
        return ''

    def _remove_folder(self, orphan, min_age):
        kept = self.finder.why_kept(orphan.owner, orphan.path, min_age)
        if not kept:
            self._destroy.remove_folder(orphan.owner, orphan.path)
        return kept

    def _remove_base(self, orphan):
        name = os.path.basename(orphan.path)
        try:
            with self._cache.locked(orphan.owner, blocking=False) as entry:
                # In this order: a boot that has just ended has its disk.
                boot = self._boots.oldest_start()
                if self._users.find(orphan.owner, name) or (
                        boot is not None and entry.last_use(name) >= boot):
                    return 'A server uses it.'
                entry.remove(name)
        except lockutils.AcquireLockFailedException:
            return 'A server is being made of the image.'
        return ''


def _servers(host, instances):
    return {instance.uuid: orphans.Server(
        is_here=instance.host == host,
        is_busy=(instance.task_state is not None or
                 instance.vm_state in (vm_states.BUILDING,
                                       vm_states.RESIZED)),
        image_id=instance.image_ref) for instance in instances}
