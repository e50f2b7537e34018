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

"""Evacuation: which servers of a host that is down can start on this one.

A server whose folder is on a file system that both hosts use keeps its disks:
this compute node adopts it. So does one whose disks are in a storage folder
that both use, with the record that is beside them. A server that boots from a
volume keeps the volume if Cinder can show it here. Any other server is built
from its image again, as Nova defines it.

Nothing may run twice on one disk. VMware's locks show whether the other host
may still write to it; iSCSI volumes have no such locks. Then the evacuation is
refused until an operator says that the other host is off. If files with such
locks change even then, the operator was wrong, and it is refused, too.
"""

from collections import abc
import dataclasses
import os

from nova import context as nova_context
from nova import exception as nova_exception
from nova.image import glance
from nova.objects import instance as nova_instance

from nova_vmrun import exception
from nova_vmrun.host import locks as host_locks
from nova_vmrun.host import responsive
from nova_vmrun.ops.evacuation import lone_disks
from nova_vmrun.ops import networks as networks_module
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops import parts
from nova_vmrun.server import activity
from nova_vmrun.server import foreign_locks
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vm_process
from nova_vmrun.storage import second_records
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors as volume_connectors

# Cinder's type of volumes in files of one host.
_LOCAL = 'local'


class Examination:
    """Decides whether a server can be evacuated to this host.

    Also whether it keeps its disks then.
    """

    def __init__(self, servers: parts.Servers,
                 connectors: volume_connectors.Connectors,
                 networks: networks_module.Networks) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._storage = servers.storage
        self._connectors = connectors
        self._networks = networks
        self._lone_disks = lone_disks.LoneDisks(servers.storage)

    def keeps_disks(self, context: nova_context.RequestContext,
                    instance: nova_instance.Instance) -> bool:
        """Return whether the disks of a server are on this host, too.

        :param instance: of another host
        :raises VmrunError: it cannot be evacuated to this host
        :raises OSError: its folder cannot be read
        """
        mapped = mappings.of_server(context, instance)
        volumes = mappings.volumes(mapped)
        self._check_volumes(instance, volumes)
        self._check_networks(instance)
        record = None
        if not self.has_remains(context, instance):
            record = self.adoptable(context, instance)
        found = self.locks(instance.uuid, record, volumes)
        self.require_fenced(context, instance, record,
                            self._unguarded(volumes), found)
        if found:
            self._require_still(instance, record, volumes)
            self._refuse_snapshots(instance, found)
        if record is None:
            self._require_instances(instance.uuid)
            if mappings.has_disks(instance, mapped):
                self._lone_disks.refuse(context, instance)
            _require_image(context, instance)
        return record is not None

    def _check_volumes(self, instance: nova_instance.Instance,
                       volumes: abc.Iterable[connection.Volume]) -> None:
        for volume in volumes:
            if volume.type == _LOCAL:
                raise exception.NotSupported(
                    'Server %s cannot be evacuated: its volume %s is in a '
                    'file of host %s.' % (instance.uuid, volume.id,
                                          instance.host),
                    resolution='Start that host again.')
            self._connectors.check(volume)

    def _check_networks(self, instance: nova_instance.Instance) -> None:
        """Refuse a server whose networks this host lacks.

        Its ports are still bound to the other host.
        """
        try:
            self._networks.check_addresses(instance.get_network_info())
        except exception.InvalidConfiguration as error:
            raise exception.InvalidConfiguration(
                'Server %s cannot be evacuated to this host: %s' % (
                    instance.uuid, error.brief),
                error.details, error.resolution) from error

    def has_remains(self, context: nova_context.RequestContext,
                    instance: nova_instance.Instance) -> bool:
        """Return whether an interrupted evacuation has built a server here.

        :raises InvalidConfiguration: this host has an old folder of it
        """
        uuid = instance.uuid
        record = self._records.get(uuid)
        if record is None or _was_of(context, record, instance.host):
            return False
        if not evacuations.was_interrupted(context, uuid,
                                           self._own_host(context)):
            raise _leftover(uuid, self._layout.folder(uuid))
        return True

    def _own_host(self, context: nova_context.RequestContext) -> str | None:
        return evacuations.host_of(context, self._records.compute_id)

    def adoptable(self, context: nova_context.RequestContext,
                  instance: nova_instance.Instance
                  ) -> records_module.Record | None:
        """Return the record of a server whose disks are on this host, too.

        :raises RecordUnreadable: it is unknown whose they are
        :raises NotSupported: they are in the folders of a resize
        :raises InvalidConfiguration: they are a third host's
        :raises StorageFolderMissing: this host does not have all of them
        :raises VmIncomplete: there is no .vmx in the server's folder
        """
        uuid = instance.uuid
        record, second = self._records.of_any_node(uuid), self.second_of(uuid)
        if record is None:
            self._refuse_halfway(context, instance, second is not None)
        if second is not None:
            # Another host wrote the record; the name comes from Nova.
            record = record or dataclasses.replace(second.record,
                                                   name=instance.name)
        elif record is None:
            if os.path.isdir(self._layout.folder(uuid)):
                raise exception.RecordUnreadable(
                    'Server %s cannot be evacuated: its folder has no record.'
                    % uuid, 'It is %s.' % self._layout.folder(uuid),
                    'Restore nova.json there, or move the folder away.')
            return None
        elif not os.path.exists(self._layout.vmx(uuid)):
            raise exception.VmIncomplete(
                'Server %s cannot be evacuated: its .vmx is missing.' % uuid,
                'There is no %s.' % self._layout.vmx(uuid),
                'Restore it, or move the folder away to build the server '
                'from its image.')
        owner = evacuations.host_of(context, record.compute_id)
        if owner != instance.host and not _was_of(context, record,
                                                  instance.host):
            raise exception.InvalidConfiguration(
                'Server %s cannot be evacuated: its disks belong to host '
                '%s.' % (uuid, owner or record.compute_id),
                'Nova has it on host %s.' % instance.host,
                'Find out which of the two hosts runs it.')
        return record

    def former(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               record: records_module.Record) -> str:
        """Return the id of the compute node that gets a server back.

        That is the one of the host that Nova has it on. Another one may have
        taken the disks from it, and failed.

        :param record: as adoptable has returned it
        """
        if record.adopted_from is not None and _was_of(context, record,
                                                       instance.host):
            return record.adopted_from
        return record.compute_id

    def _refuse_halfway(self, context: nova_context.RequestContext,
                        instance: nova_instance.Instance,
                        has_second: bool) -> None:
        """Refuse a server that has no folder between two renames.

        Those of a resize and of a deletion are meant. Nova evacuates servers
        whatever their task is.

        :param has_second: whether its disks are complete elsewhere
        :raises InvalidConfiguration: a folder is an old one of this host
        :raises NotSupported: another host has to end it
        """
        uuid = instance.uuid
        folders = [self._layout.kept(uuid), self._layout.prepared(uuid)]
        if not has_second:
            folders.append(self._layout.deleted(uuid))
        for folder in filter(os.path.isdir, folders):
            if self._records.in_folder(uuid, folder) is not None:
                raise _leftover(uuid, folder)
            owner = self._records.owner(uuid, folder)
            host = owner and evacuations.host_of(context, owner)
            raise exception.NotSupported(
                'Server %s cannot be evacuated: its resize or deletion has '
                'not ended on host %s.' % (uuid, host or instance.host),
                'Its files are in %s.' % folder,
                'Start that host again. To lose the files instead, move the '
                'folder away.')

    def second_of(self, uuid: str) -> second_records.Second | None:
        """Return the record beside the disks if nothing else is needed.

        That is so if this host shares only a storage folder with the other
        one, also if its adoption of the server was interrupted.

        :raises RecordUnreadable: no host writes what is there
        :raises StorageFolderMissing: this host does not have all disks
        """
        record = self._records.of_any_node(uuid)
        if record is None:
            if not self._records.is_new(uuid):
                return None
        elif (not self._records.is_own(record) or
              record.adopted_from is None or
              os.path.exists(self._layout.vmx(uuid))):
            return None
        return self._storage.second.find(uuid)

    def _refuse_snapshots(self, instance: nova_instance.Instance,
                          locks: abc.Iterable[str]) -> None:
        """Refuse a server of which a VMware snapshot is on the other host.

        A running VM locks the disk that it writes to exclusively, and shares
        those that lie under it.
        """
        if self.second_of(instance.uuid) is None:
            return
        shared = list(filter(host_locks.is_shared, locks))
        if shared:
            raise exception.HasSnapshots(
                'Server %s cannot be evacuated: it has a snapshot of VMware, '
                'and its newest data is on host %s.' % (
                    instance.uuid, instance.host),
                'It was only reading %s.' % ', '.join(names_of(shared)),
                'Start that host again.')

    def _require_instances(self, uuid: str) -> None:
        """Raise an error if instances_path is only an empty mount point.

        :raises FileSystemFailed: the server's folder may be in what is gone
        """
        if not self._records.are_there():
            raise exception.FileSystemFailed(
                'Server %s cannot be evacuated to this host: its [DEFAULT] '
                'instances_path is not the folder that nova-compute has '
                'started with.' % uuid, 'That is %s.' % self._layout.root,
                'Mount the folder there again.')

    def _unguarded(self, volumes: abc.Iterable[connection.Volume]
                   ) -> list[str]:
        """Return what other hosts may write to without leaving a lock."""
        return ['volume %s' % uuid for uuid in sorted(
            volume.id for volume in volumes
            if self._connectors.shared_descriptor(volume) is None)]

    def locks(self, uuid: str, record: records_module.Record | None,
              volumes: abc.Iterable[connection.Volume]) -> list[str]:
        """Return the locks of other hosts beside the disks of a server.

        :param record: None if its folder is not on this host
        :raises FileInUse: a VM on this host uses one of the disks
        """
        own = self.machine_ids()
        found: list[str] = []
        for volume in volumes:
            descriptor = self._connectors.shared_descriptor(volume)
            if descriptor is not None:
                responsive.require(os.path.dirname(descriptor))
                found += foreign_locks.beside(descriptor, own)
        for folder in self._folders_of_others(uuid, record):
            found += foreign_locks.in_folder(folder, own)
        return found

    def _folders_of_others(self, uuid: str,
                           record: records_module.Record | None) -> list[str]:
        """Return the folders of a server that another host may write to.

        An evacuation that was interrupted may have started it here.
        """
        if record is None or self._records.is_own(record):
            return []
        return [*filter(os.path.isdir, [self._layout.folder(uuid)]),
                *self.disk_folders(record)]

    def disk_folders(self, record: records_module.Record) -> list[str]:
        """Return the folders of a server in storage folders.

        :raises StorageFolderMissing: this host does not have one of them
        """
        return [place.now(self._storage.folders.require(place.storage))
                for place in self._storage.places_of(record)]

    def machine_ids(self) -> set[bytes]:
        """Return VMware's ids of this host, from the VMs that run here."""
        found: set[bytes] = set()
        for record in self._records.all():
            found |= vm_process.machines(self._layout.folder(record.uuid))
        return found

    def require_fenced(self, context: nova_context.RequestContext,
                       instance: nova_instance.Instance,
                       record: records_module.Record | None,
                       unguarded: abc.Sequence[str],
                       locks: abc.Sequence[str]) -> None:
        """Raise an error if another host may still write to the disks.

        :param record: None if the server's folder is not on this host
        :param unguarded: what hosts may write to without leaving a lock
        :param locks: of other hosts
        :raises FileInUse: no operator has said that the host is off
        """
        if not unguarded and not locks:
            return
        doubts = [*unguarded, *names_of(locks)]
        hosts = {instance.host}
        if record is not None and not self._records.is_own(record):
            hosts.add(evacuations.host_of(context, record.compute_id) or
                      instance.host)
        for host in sorted(hosts):
            if not evacuations.is_fenced(context, host):
                raise exception.FileInUse(
                    'Server %s cannot be evacuated: host %s may still write '
                    'to its disks.' % (instance.uuid, host),
                    'This shows it: %s.' % ', '.join(doubts),
                    'Switch that host off, then run "nova-vmrun node fenced '
                    '%s".' % host)
        self._require_ended(context, instance.uuid, instance.host,
                            self._own_host(context), doubts)

    def require_alone(self, context: nova_context.RequestContext, uuid: str,
                      own: str) -> None:
        """Raise an error if an evacuation from this host may have started it.

        :param uuid: of a server that is on volumes that others can use, too
        :param own: this host, in Nova
        :raises FileInUse: no operator has said that the other host is off
        """
        self._require_ended(context, uuid, own, own, ['volumes'])

    def _require_ended(self, context: nova_context.RequestContext, uuid: str,
                       current: str, own: str | None,
                       doubts: abc.Sequence[str]) -> None:
        """Raise an error if an unfinished evacuation may have started it.

        :param current: the host that Nova has it on
        :param own: this one
        """
        for host in sorted(evacuations.half_evacuated_to(
                context, uuid, current, own)):
            if not evacuations.is_fenced(context, host):
                raise exception.FileInUse(
                    'Server %s may be running on host %s.' % (uuid, host),
                    'Its evacuation to that host has failed or not ended. It '
                    'uses: %s.' % ', '.join(doubts),
                    'If nova-compute runs there, it stops the server within '
                    'a minute after the evacuation has failed, or when it is '
                    'restarted: try again then. Otherwise switch that host '
                    'off, and run "nova-vmrun node fenced %s".' % host)

    def _require_still(self, instance: nova_instance.Instance,
                       record: records_module.Record | None,
                       volumes: abc.Iterable[connection.Volume]) -> None:
        """Raise an error if a host that is said to be off still writes.

        A VM whose guest does nothing, or that hangs, is not seen.

        :param record: None if the server's folder is not on this host
        :raises FileInUse: a file has changed, which a VM there has open
        :raises OSError: a folder cannot be read
        """
        folders = self._folders_of_others(instance.uuid, record)
        descriptors = filter(None, map(self._connectors.shared_descriptor,
                                       volumes))
        changing = activity.changing(folders, [
            path.removesuffix('.vmdk') for path in descriptors])
        if changing:
            raise exception.FileInUse(
                'Server %s cannot be evacuated: its VM still runs on host %s, '
                'which is said to be off.' % (instance.uuid, instance.host),
                'These files have just been written to: %s.'
                % ', '.join(map(os.path.basename, changing)),
                'Cut the power of that host. Then evacuate the server again.')


def _leftover(uuid: str, folder: str) -> exception.InvalidConfiguration:
    return exception.InvalidConfiguration(
        'Server %s cannot be evacuated to this host, which has an old folder '
        'of it.' % uuid, 'It is %s.' % folder,
        'Move the folder away.')


def names_of(locks: abc.Iterable[str]) -> list[str]:
    """Return the names of the .lck folders that files are in."""
    return sorted({os.path.basename(os.path.dirname(path))
                   for path in locks})


def _was_of(context: nova_context.RequestContext,
            record: records_module.Record, host: str) -> bool:
    """Return whether a server was adopted from a host."""
    return record.adopted_from is not None and evacuations.host_of(
        context, record.adopted_from) == host


def _require_image(context: nova_context.RequestContext,
                   instance: nova_instance.Instance) -> None:
    """Refuse to build a server from an image that is gone.

    :raises NotSupported: it is gone
    :raises NovaException: Nova's; it is unknown whether it is there
    """
    if not instance.image_ref:
        return
    try:
        glance.API().get(context, instance.image_ref)
    except nova_exception.ImageNotFound as error:
        raise exception.NotSupported(
            'Server %s cannot be evacuated: its disks are on host %s, and its '
            'image is gone.' % (instance.uuid, instance.host), '%s' % error,
            'Start that host again.') from error
