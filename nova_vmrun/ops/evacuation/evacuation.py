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

"""Evacuation on both hosts: adopt a server, and give way when one returns."""

from collections import abc
import os

from nova import context as nova_context
from nova.network import model as network_model
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun import exception
from nova_vmrun.ops import consoles as consoles_module
from nova_vmrun.ops import destroy as destroy_module
from nova_vmrun.ops.evacuation import examination as examination_module
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue as rescue_module
from nova_vmrun.server import activity
from nova_vmrun.server import disks
from nova_vmrun.server import foreign_locks
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vm_process
from nova_vmrun.storage import linked
from nova_vmrun.volumes import connection

LOG = logging.getLogger(__name__)


class Evacuation:
    """Takes over servers of hosts that are down.

    It also gives way to hosts that took servers from this one.
    """

    def __init__(self, servers: parts.Servers,
                 examination: examination_module.Examination,
                 reconciler: reconcile.Reconciler,
                 consoles: consoles_module.Consoles,
                 power: power_module.Power, rescue: rescue_module.Rescue,
                 destroyer: destroy_module.Destroyer) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._storage = servers.storage
        self._places = servers.storage.second.places
        self._states = servers.states
        self._examination = examination
        self._reconciler = reconciler
        self._consoles = consoles
        self._power = power
        self._rescue = rescue
        self._destroyer = destroyer
        # Servers to adopt, between two calls of Nova.
        self._kept: set[str] = set()

    # On the host that a server goes to

    def examine(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance) -> bool:
        """Return whether the disks of a server are here, and remember it.

        :raises VmrunError: it cannot be evacuated to this host
        :raises OSError: its folder cannot be read
        """
        self._kept.discard(instance.uuid)
        keeps_disks = self._examination.keeps_disks(context, instance)
        if keeps_disks:
            self._kept.add(instance.uuid)
        return keeps_disks

    def keeps_disks(self, uuid: str) -> bool:
        """Return whether examine has found the disks of a server here."""
        return uuid in self._kept

    def adopt(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              network_info: network_model.NetworkInfo | None,
              block_device_info: mappings.BlockDeviceInfo) -> None:
        """Start a server with the disks that it has.

        Its record changes hands in one step. If the server cannot be started,
        it is given back.

        :raises VmrunError: it cannot be started, or not be reached here
        :raises OSError: in the same way
        """
        uuid = instance.uuid
        self._kept.discard(uuid)
        self._reconciler.check_addresses(network_info)
        self._take(context, instance, mappings.volumes(block_device_info))
        try:
            with self._storage.in_use(uuid):
                self._start(context, instance, network_info,
                            block_device_info)
        except Exception:
            with excutils.save_and_reraise_exception():
                self._give_back(uuid)

    def _take(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              volumes: abc.Sequence[connection.Volume]) -> None:
        """Make a server this compute node's, unless that was done before.

        :raises VmrunError: since examine, the other host has come back
        """
        uuid = instance.uuid
        with self._storage.locks.alone(uuid):
            record = self._examination.adoptable(context, instance)
            if record is None:
                raise exception.VmNotFound(
                    'The folder of server %s is gone.' % uuid,
                    'There is no %s.' % self._layout.folder(uuid),
                    'Mount the shared file system on this host again.')
            self._unlock(context, instance, record, volumes)
            former = self._examination.former(context, instance, record)
            second = self._examination.second_of(uuid)
            if second is not None:
                with self._consoles.port_for_new_server() as port:
                    self._storage.second.take_over(second, instance.name,
                                                   port, former)
            elif not self._records.is_own(record):
                with self._consoles.port_for_new_server() as port:
                    self._records.take_over(record, former, vnc_port=port)
            for folder in self._examination.disk_folders(record):
                # It names its owner, too.
                self._storage.create(folder)
        LOG.info('Adopted the server of host %s with its disks',
                 instance.host, instance=instance)

    def make_way(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 block_device_info: mappings.BlockDeviceInfo) -> None:
        """Prepare this host for a server that will be built on it.

        Remove what an interrupted evacuation has built, and locks of a host
        that is fenced.

        :raises VmrunError: since examine, the other host has come back
        :raises OSError: a file cannot be removed
        """
        uuid = instance.uuid
        if self._examination.has_remains(context, instance):
            LOG.warning('Removing what an interrupted evacuation has built',
                        instance=instance)
            with self._storage.held(uuid):
                self._destroyer.stop(uuid)
                self._destroyer.remove(uuid)
        self._unlock(context, instance, None,
                     mappings.volumes(block_device_info))

    def _unlock(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance,
                record: records_module.Record | None,
                volumes: abc.Sequence[connection.Volume]) -> None:
        found = self._examination.locks(instance.uuid, record, volumes)
        self._examination.require_fenced(context, instance, record, [], found)
        if found:
            LOG.warning('Removing locks of host %s, which is fenced: %s',
                        instance.host, ', '.join(found), instance=instance)
            foreign_locks.remove(found)

    def _start(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               network_info: network_model.NetworkInfo | None,
               block_device_info: mappings.BlockDeviceInfo) -> None:
        uuid = instance.uuid
        if self._states.is_on(uuid):
            # An evacuation that was interrupted has started it.
            self._power.off(uuid)
        # The other host may have died before Nova knew of a rescue.
        self._rescue.end_forgotten(instance)
        self._states.unmark_paused(uuid)
        self._power.forget_memory(uuid)
        self._relink(uuid)
        rewrite = self._reconciler.rebooter(context, instance, network_info,
                                            block_device_info)
        if os.path.exists(self._layout.vmx(uuid)):
            self._power.on(uuid, rewrite)
        else:
            # Only the record was beside the disks.
            self._power.reboot_hard(uuid, rewrite)

    def _relink(self, uuid: str) -> None:
        """Let linked disks name their base disks at this host's path."""
        folder = self._layout.folder(uuid)
        names = sorted(os.listdir(folder))
        for disk in self._disk_lists.get(uuid):
            if disk.device is disks.Device.DISK and not disk.is_outside:
                for name in filter(disk.has_name, names):
                    linked.relink(os.path.join(folder, name),
                                  self._layout.root)

    def _give_back(self, uuid: str) -> None:
        try:
            self._destroyer.stop(uuid)
            self._destroyer.disconnect_volumes(uuid)
            record = self._records.get(uuid)
            self._records.give_back(uuid)
            if record is not None and record.is_copy:
                self._storage.second.give_back(record)
        except (exception.VmrunError, OSError) as error:
            LOG.error('Server %s stays on this host after its evacuation has '
                      'failed. Evacuate it to this host again. %s', uuid,
                      error)

    # On the host that comes back

    def take_back(self, context: nova_context.RequestContext,
                  instance: nova_instance.Instance) -> None:
        """Recover a server whose evacuation was never completed.

        Nova has it on this host, but the other host has its record, or its
        disks.

        :param instance: of this host
        :raises VmrunError: the other host may run it
        :raises OSError: its folder cannot be read
        """
        uuid = instance.uuid
        record = self._records.of_any_node(uuid)
        if record is None:
            return
        is_own = self._records.is_own(record)
        if is_own and not self._places.is_foreign(record) or not (
                is_own or self._records.was_own(record)):
            return
        with self._storage.locks.alone(uuid):
            folders = self._examination.disk_folders(record)
            if not is_own:
                folders.append(self._layout.folder(uuid))
            self._unlock_taken(context, record, folders)
            if is_own:
                self._storage.second.take_back(record)
                return
            with self._consoles.port_for_new_server() as port:
                self._records.take_over(record, vnc_port=port)

    def _unlock_taken(self, context: nova_context.RequestContext,
                      record: records_module.Record,
                      folders: abc.Sequence[str]) -> None:
        """Remove the locks of a host that has taken a server, if it is fenced.

        :raises FileInUse: that host may run the server
        """
        own = self._examination.machine_ids()
        found = [lock for folder in folders
                 for lock in foreign_locks.in_folder(folder, own)]
        if not found:
            return
        owner = (self._places.owner(record) if self._records.is_own(record)
                 else record.compute_id)
        host = evacuations.host_of(context, owner)
        if host is None or not evacuations.is_fenced(context, host):
            raise exception.FileInUse(
                'Server %s may be running on host %s.' % (
                    record.uuid, host or owner),
                'VMware has these locks: %s.' % ', '.join(found),
                'If that host is off, run "nova-vmrun node fenced %s". Then '
                'reboot the server hard again.' % (host or 'NAME'))
        changing = activity.changing(folders)
        if changing:
            raise exception.FileInUse(
                'Server %s still runs on host %s, which is said to be off.'
                % (record.uuid, host),
                'These files have just been written to: %s.' % ', '.join(
                    map(os.path.basename, changing)),
                'Cut the power of that host. Then reboot the server hard '
                'again.')
        LOG.warning('Removing locks of host %s, which is fenced: %s', host,
                    ', '.join(found))
        foreign_locks.remove(found)

    def require_here(self, context: nova_context.RequestContext,
                     instance: nova_instance.Instance, host: str) -> None:
        """Raise an error if another host may have a server that starts here.

        The request may be old: the queue of a host that was cut off keeps it.
        What only this host has needs no question.

        :param host: this one, in Nova
        :raises FileInUse: another host has the server, or may run it
        """
        uuid = instance.uuid
        record = self._records.of_any_node(uuid)
        if record is None:
            return
        if not self._records.is_own(record):
            owner = evacuations.host_of(context, record.compute_id)
            raise exception.FileInUse(
                'Server %s cannot start on this host.' % uuid,
                'Its files belong to host %s.' % (owner or record.compute_id),
                'If Nova has the server on this host, reboot it hard. '
                'Otherwise start it on the host that has it.')
        if not self._disk_lists.volumes(uuid):
            return
        if uuid in evacuations.gone_from(context, host, {uuid}):
            raise exception.FileInUse(
                'Server %s cannot start on this host.' % uuid,
                'It was evacuated from here, and its volumes are used '
                'elsewhere.', 'Start it on the host that has it.')
        self._examination.require_alone(context, uuid, host)

    def stop_adopted(self, context: nova_context.RequestContext,
                     host: str, is_starting: bool) -> None:
        """Stop the VMs that run here, but that another host has.

        It has adopted their disks, or Nova has given the servers to it.
        Nothing is removed: that is done when nova-compute starts. Other hosts
        may start servers whose evacuations to here failed once this host has
        told Nova that it does not run them.

        :param host: this one, in Nova
        :param is_starting: whether its nova-compute is starting
        """
        if is_starting:
            evacuations.end_interrupted(context, host)
        moves = evacuations.involving(context, host)
        moved = {move.instance_uuid for move in moves}
        if not moved:
            return
        foreign = {uuid for uuid in self._layout.uuids()
                   if uuid in moved and self._is_anothers(uuid)}
        adopted = self._states.listed(foreign) if foreign else set()
        alive = self._alive(moved)
        gone = evacuations.gone_from(context, host, alive - foreign,
                                     is_starting)
        for uuid in sorted(adopted | gone):
            # A reboot may have taken it back meanwhile.
            if uuid in gone or self._is_anothers(uuid):
                self._cut(uuid)
        if adopted or gone:
            alive = self._alive(moved)
        if self._records.are_there():
            evacuations.acknowledge(context, host, moves, alive, is_starting)

    def _alive(self, uuids: abc.Set[str]) -> set[str]:
        """Return those servers whose VMs run here. This runs no program."""
        # The folder of a VM may be away.
        vmx_files = {self._layout.vmx(uuid): uuid for uuid in uuids}
        return {vmx_files[path] for path in vm_process.alive(vmx_files)}

    def _cut(self, uuid: str) -> None:
        LOG.warning('Stopping the VM of server %s, which another host has '
                    'since an evacuation', uuid)
        try:
            self._power.cut(uuid)
        except exception.VmrunError as error:
            LOG.error('Server %s may still run here, although another host '
                      'has it since an evacuation: %s', uuid, error)

    def _is_anothers(self, uuid: str) -> bool:
        """Return whether another host has one of the disks of a server.

        One is enough to stop it. Storage folders that are away are left out.
        """
        try:
            record = self._records.of_any_node(uuid)
            return record is not None and not (
                self._records.is_own(record) and all(map(
                    self._places.may_write, self._places.there(record))))
        except (exception.VmrunError, OSError, ValueError) as error:
            # The next look is in a minute.
            LOG.debug('It is unknown whose the disks of server %s are: %s',
                      uuid, error)
            return False

    def leave(self, uuid: str, is_done: bool) -> None:
        """Stop a server that was evacuated from this host, and remove it.

        :param is_done: whether the other host has it. Otherwise its files
            stay, because the other host may be about to adopt them.
        :raises VmrunError: it may still run here
        :raises OSError: a file cannot be removed
        """
        if self._records.get(uuid) is None:
            return
        if self._states.is_on(uuid):
            self._power.off(uuid)
        elif self._states.is_unlisted(uuid):
            raise self._states.unlisted(uuid)
        if not is_done:
            LOG.warning('Server %s is being evacuated from this host. It is '
                        'stopped, and its files stay.', uuid)
            return
        try:
            self._destroyer.remove(uuid)
        except exception.StorageFolderMissing as error:
            LOG.error('The files of server %s, which was evacuated from this '
                      'host, stay: %s', uuid, error)
