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

"""Resize and cold migration.

A server whose files lie in ``<uuid>`` is resized in steps, each of which ends
with a rename::

    migrate   <uuid>_preparing -> <uuid>_prepared, which does all work on
              disks; on another host, the copy has the same two names;
              <uuid> -> <uuid>_resize
    finish    <uuid>_prepared -> <uuid>, then the .vmx is rewritten
    confirm   <uuid>_resize is removed
    revert    <uuid> -> <uuid>_prepared, <uuid>_resize -> <uuid>, then
              <uuid>_prepared is removed

So the old disk is always complete, in ``<uuid>`` or in ``<uuid>_resize``. A
file in the new folder names the migration that made it. Only the revert of
that migration may remove the folder, so that leftovers never replace what a
server has written since.
"""

from collections import abc
import contextlib
import glob
import os

from nova.compute import vm_states
from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model as network_model
from nova.objects import flavor as nova_flavor
from nova.objects import instance as nova_instance
from nova.objects import migration as nova_migration
from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.ops import consoles as consoles_module
from nova_vmrun.ops import definition
from nova_vmrun.ops import destroy as destroy_module
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.ops import reconcile
from nova_vmrun.ops.resize import migration_files as migration_files_module
from nova_vmrun.ops.resize import moves
from nova_vmrun.ops.resize import other_host as other_host_module
from nova_vmrun.ops.resize import project_networks
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.ops import volume_updates
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_storage

LOG = logging.getLogger(__name__)


class Resize:
    """Gives servers another flavor, or another host.

    :param can_make_disks: whether vmware-vdiskmanager is installed
    """

    def __init__(self, layout: layout_module.Layout,
                 records: records_module.Records,
                 disk_lists: disk_lists_module.DiskLists,
                 storage: server_storage.ServerStorage,
                 definitions: definition.Definitions,
                 reconciler: reconcile.Reconciler,
                 migration_files: migration_files_module.MigrationFiles,
                 other_host: other_host_module.OtherHost,
                 consoles: consoles_module.Consoles,
                 power: power_module.Power, destroy: destroy_module.Destroyer,
                 volumes: volume_updates.VolumeUpdates,
                 ports: ports_module.Ports,
                 can_make_disks: bool) -> None:
        self._layout = layout
        self._records = records
        self._disk_lists = disk_lists
        self._storage = storage
        self._definitions = definitions
        self._reconciler = reconciler
        self._vmx_files = vmx_file.VmxFiles(layout)
        self._files = migration_files
        self._other_host = other_host
        self._consoles = consoles
        self._power = power
        self._destroy = destroy
        self._volumes = volumes
        self._ports = ports
        self._can_make_disks = can_make_disks

    # On the host that the server leaves

    def migrate(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance,
                destination: moves.Destination | None,
                flavor: nova_flavor.Flavor, timeout: int,
                block_device_info: mappings.BlockDeviceInfo = None) -> None:
        """Stop a server and prepare its files for another flavor or host.

        :param instance: with its present flavor
        :param destination: None if it stays on this host
        :param flavor: the new one
        :param timeout: seconds that the guest has to shut down by itself
        :raises InstanceFaultRollback: (Nova's) the server is as it was
        """
        uuid = instance.uuid
        try:
            plan = self._plan(instance, destination, flavor,
                              block_device_info)
        except (exception.VmrunError, OSError) as error:
            raise _rolled_back(uuid, error) from error
        try:
            self._settle(uuid)
            self._power.off(uuid, timeout)
            self._power.forget_memory(uuid)
            # Nova attaches them anew, also on this host.
            self._volumes.disconnect(uuid)
            with self._unwritten(uuid):
                self._files.prepare(plan, destination is not None)
                if destination:
                    self._other_host.send(destination, uuid)
            if destination:
                self._files.discard(uuid)
            self._rename(self._layout.folder(uuid), self._layout.kept(uuid))
        except Exception as error:
            LOG.exception('The resize is rolled back', instance=instance)
            self._roll_back(context, instance, destination,
                            block_device_info)
            raise _rolled_back(uuid, error) from error

    def _plan(self, instance: nova_instance.Instance,
              destination: moves.Destination | None,
              flavor: nova_flavor.Flavor,
              block_device_info: mappings.BlockDeviceInfo
              ) -> resize_plan.Plan:
        """Refuse what can be refused, before the server is touched."""
        if self._records.get(instance.uuid) is None:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % instance.uuid, '',
                'Reboot it hard, which looks for leftovers of a resize.')
        self._definitions.check(instance, flavor)
        if destination:
            resize_plan.refuse_volumes(
                instance.uuid, [volume.id for volume in
                                mappings.volumes(block_device_info)])
        plan = resize_plan.make(self._layout, self._disk_lists,
                                self._storage, instance, flavor,
                                destination is not None,
                                self._can_make_disks)
        self._files.require_space(plan, destination is not None)
        if destination:
            project_networks.require_movable(instance, destination.host,
                                             self._ports)
            self._other_host.examine(destination, instance.uuid,
                                     self._files.needed_elsewhere(plan),
                                     instance.get_network_info() or ())
        return plan

    @contextlib.contextmanager
    def _unwritten(self, uuid: str) -> abc.Iterator[None]:
        """Raise an error if a disk was written to while it was copied."""
        folder = self._layout.folder(uuid)
        paths = [path for each in (folder, *(
            place.path for place in self._storage.places(uuid, folder)))
            for path in glob.glob(os.path.join(glob.escape(each), '*.vmdk'))]
        before = files.fingerprints(paths)
        yield
        if files.fingerprints(paths) != before:
            raise exception.DiskChanged(
                'A disk of server %s was written to while it was copied.'
                % uuid, 'It was started outside of Nova, or had not ended.',
                'Stop it, and try again.')

    def _settle(self, uuid: str) -> None:
        """End earlier resizes: the server stays as it is now."""
        self._unmark(uuid)
        for folder in self._layout.beside(uuid):
            self._destroy.remove_folder(uuid, folder)

    def _roll_back(self, context: nova_context.RequestContext,
                   instance: nova_instance.Instance,
                   destination: moves.Destination | None,
                   block_device_info: mappings.BlockDeviceInfo) -> None:
        uuid = instance.uuid
        if destination:
            self._discard_there(destination.address, uuid)
        self._bring_back(uuid, None)
        self._files.discard(uuid)
        if instance.vm_state == vm_states.ACTIVE:
            self._power.on(uuid, self._starter(context, instance,
                                               block_device_info))

    def _starter(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 block_device_info: mappings.BlockDeviceInfo
                 ) -> vmx_file.Rewrite | None:
        """Prepare the start of a server that is as it was before."""
        try:
            return self._reconciler.starter(
                context, instance, instance.get_network_info(),
                block_device_info)
        except (exception.VmrunError, nova_exception.NovaException) as error:
            LOG.warning('Starting the server with its .vmx as it is: %s',
                        error, instance=instance)
            return None

    def _discard_there(self, host: str, uuid: str) -> None:
        try:
            self._other_host.discard(host, uuid)
        except exception.VmrunError as error:
            LOG.warning('Files of server %s may be left on host %s: %s',
                        uuid, host, error)

    def confirm(self, uuid: str) -> None:
        """Remove a server as it was before its resize.

        :raises OSError: a file could not be removed
        """
        self._unmark(uuid)
        for folder in self._layout.beside(uuid):
            self._destroy.remove_folder(uuid, folder)

    def revert(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               network_info: network_model.NetworkInfo,
               migration: nova_migration.Migration, power_on: bool,
               block_device_info: mappings.BlockDeviceInfo = None) -> None:
        """Bring a server back as it was before its resize.

        Nova also calls this at its start after a crash at any point of
        migrate.

        :param instance: with its old flavor
        :param power_on: whether it was running before
        :raises VmrunError: it cannot be started
        """
        uuid = instance.uuid
        self._bring_back(uuid, migration.uuid)
        rewrite = (self._reconciler.rebooter(context, instance, network_info,
                                             block_device_info)
                   if power_on else None)
        self._files.discard(uuid)
        if moves.leaves(migration):
            self._discard_there(migration.dest_host, uuid)
        if power_on:
            self._power.on(uuid, rewrite)

    def _bring_back(self, uuid: str, migration: str | None) -> bool:
        """Give the old folder its name again, if there is an old folder.

        :param migration: id of the migration whose folder it may replace
        :returns: whether it was renamed
        """
        if self._records.kept(uuid) is None:
            return False
        folder = self._layout.folder(uuid)
        if os.path.isdir(folder):
            if migration is None or self._mark(uuid) != migration:
                LOG.warning('Leaving %s alone, which is older than the '
                            'server', self._layout.kept(uuid))
                return False
            self._destroy.stop(uuid)
            self._destroy.remove_folder(uuid, folder)
        self._rename(self._layout.kept(uuid), folder)
        return True

    # On the host that the server goes to, which may be the same

    def finish(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               network_info: network_model.NetworkInfo,
               migration: nova_migration.Migration, power_on: bool,
               block_device_info: mappings.BlockDeviceInfo = None) -> None:
        """Turn the prepared folder into the server.

        :param instance: with its new flavor
        :param power_on: whether it was running before
        :raises VmrunError: it cannot be made or started
        """
        prepared = self._layout.prepared(instance.uuid)
        if os.path.isdir(prepared):
            files.write_atomically(self._layout.migration(prepared),
                                   jsonutils.dumps(migration.uuid))
            self._rename(prepared, self._layout.folder(instance.uuid))
        self._adopt(instance)
        rewrite = self._reconciler.rebooter(context, instance, network_info,
                                            block_device_info)
        if power_on:
            self._power.on(instance.uuid, rewrite)
        else:
            with self._vmx_files.opened(instance.uuid) as file:
                rewrite(file)

    def _adopt(self, instance: nova_instance.Instance) -> None:
        """Write the record of a server that was copied to this host."""
        uuid = instance.uuid
        if self._records.get(uuid) is not None:
            return
        if not os.path.exists(self._layout.vmx(uuid)) or (
                self._records.is_foreign(uuid, self._layout.folder(uuid))):
            raise exception.VmIncomplete(
                'The files of server %s are not on this host.' % uuid,
                'Neither %s nor %s is there.' % (
                    self._layout.prepared(uuid), self._layout.folder(uuid)),
                'Look for %s on its former host.'
                % self._layout.kept(uuid))
        # The disk names the controller that its guest supports.
        listed = self._disk_lists.from_other_host(uuid)
        adapter = self._named_adapter(uuid, listed)
        draft = self._definitions.draft(
            instance, properties.remembered(instance), adapter,
            chosen_now=frozenset())
        with self._consoles.port_for_new_server() as port:
            self._records.create(
                uuid, instance.name, port,
                show_gui=draft.hardware.show_gui is not False,
                image_adapter=adapter, disks=disks.dump(listed),
                **source_images.facts(instance))
        self._disk_lists.remove_sent(uuid)

    def _named_adapter(self, uuid: str,
                       listed: disk_lists_module.Disks) -> str | None:
        root = disks.first(listed, disks.Origin.ROOT)
        if root is None:
            return None
        descriptor = linked.read_descriptor(
            self._layout.file(uuid, root.path))
        adapter = descriptor.ddb.get('ddb.adaptertype')
        return adapter if adapter in vmdk.NAMED_ADAPTERS else None

    def discard(self, uuid: str) -> None:
        """Set aside the folder that a resize has made, before its revert.

        The revert removes it. Until then the server is on this host for Nova:
        if the old folder is on another host and Nova is killed here before it
        has called that host, a hard reboot brings this folder back. A server
        that was not made by a resize stays.

        :raises VmrunError: its VM may still be running
        :raises OSError: a file could not be removed
        """
        folder = self._layout.folder(uuid)
        if self._mark(uuid) is None or self._records.is_foreign(uuid, folder):
            LOG.info('Keeping server %s, which was not made by a resize',
                     uuid)
            return
        self._destroy.stop(uuid)
        self._files.discard(uuid)
        self._rename(folder, self._layout.prepared(uuid))

    def recover(self, instance: nova_instance.Instance) -> None:
        """Find a server whose resize was neither finished nor reverted.

        :raises VmNotFound: none of its files are on this host
        """
        uuid = instance.uuid
        folder = self._layout.folder(uuid)
        if self._bring_back(uuid, None):
            self._files.discard(uuid)
        elif os.path.isdir(folder):
            LOG.debug('Server %s is in its folder', uuid)
        elif os.path.isdir(self._layout.prepared(uuid)):
            self._rename(self._layout.prepared(uuid), folder)
        else:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % uuid,
                'There is no %s.' % folder)
        self._adopt(instance)

    def _mark(self, uuid: str) -> str | None:
        """Return the id of the migration that made a server's folder."""
        try:
            return str(jsonutils.loads(files.read(
                self._layout.migration(self._layout.folder(uuid)))))
        except FileNotFoundError:
            return None

    def _unmark(self, uuid: str) -> None:
        path = self._layout.migration(self._layout.folder(uuid))
        if os.path.exists(path):
            os.remove(path)
            files.sync_folder(os.path.dirname(path))

    def _rename(self, source: str, target: str) -> None:
        os.rename(source, target)
        files.sync_folder(self._layout.root)


def _rolled_back(uuid: str, error: Exception
                 ) -> nova_exception.InstanceFaultRollback:
    """Return the error that tells Nova that a server is as it was before."""
    if isinstance(error, OSError):
        error = exception.FileSystemFailed(
            'Cannot resize server %s: %s.' % (uuid, error.strerror),
            'The system says: %s.' % error,
            'Make sure that the file system of the instances is writable and '
            'has free space.')
    return nova_exception.InstanceFaultRollback(
        inner_exception=nova_exception.ResizeError(
            reason=errors.shown(error) if isinstance(
                error, exception.VmrunError) else str(error)))
