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

"""The methods that Nova calls.

Each method passes its arguments to one operation. errors.translated turns our
errors into Nova's, and security_groups.warn_after_start warns that nothing
enforces security groups once a server has been started.

Signatures are those of nova.virt.driver.ComputeDriver; a test compares them.
Those about the host are in host_calls.py, and those that only ask about a
server in queries.py. Methods that are missing in all three are refused
by the base classes.
"""

from collections.abc import Callable
import contextlib
import functools
from typing import Any, TypeAlias

from nova.compute import task_states
from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun.ops.nova import disks_needed
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import security_groups
from nova_vmrun.ops.resize import moves
from nova_vmrun import queries

LOG = logging.getLogger(__name__)

Context: TypeAlias = nova_context.RequestContext
Instance: TypeAlias = nova_instance.Instance
ImageMeta: TypeAlias = nova_image.ImageMeta
NetworkInfo: TypeAlias = model.NetworkInfo | None
Json: TypeAlias = dict[str, Any] | None


class VmrunDriver(queries.ServerQueries):
    """Runs servers on VMware Workstation, Player or Fusion."""

    capabilities = dict(
        queries.ServerQueries.capabilities,
        has_imagecache=True,
        supports_image_type_raw=True,
        supports_image_type_qcow2=True,
        supports_image_type_vmdk=True,
        supports_image_type_vhd=True,
        supports_image_type_vhdx=True,
        supports_image_type_vdi=True,
        supports_image_type_iso=True,
        supports_device_tagging=True,
        supports_trusted_certs=True,
        supports_attach_interface=True,
        supports_tagged_attach_interface=True,
        supports_tagged_attach_volume=True,
        supports_bfv_rescue=True,
        supports_evacuate=True,
    )

    # Build and delete

    @errors.translated
    @security_groups.warn_after_start
    def spawn(self, context: Context, instance: Instance,
              image_meta: ImageMeta, injected_files: list[Any],
              admin_password: str | None, allocations: Json,
              network_info: NetworkInfo = None,
              block_device_info: Json = None, power_on: bool = True,
              accel_info: Any = None) -> None:
        if evacuations.is_elsewhere(instance, self._host):
            if self._hypervisor.evacuation.keeps_disks(instance.uuid):
                # Nova stops it afterwards if it was stopped before.
                self._hypervisor.evacuation.adopt(
                    context, instance, network_info, block_device_info)
                return
            self._hypervisor.evacuation.make_way(context, instance,
                                                 block_device_info)
        self._spawn(context, instance, image_meta, injected_files,
                    admin_password, network_info, block_device_info, power_on)

    @disks_needed.server_held
    def _spawn(self, context: Context, instance: Instance,
               image_meta: ImageMeta, injected_files: list[Any],
               admin_password: str | None, network_info: NetworkInfo,
               block_device_info: Json, power_on: bool) -> None:
        self._hypervisor.spawner.spawn(
            context, instance, image_meta, injected_files, admin_password,
            network_info, block_device_info, power_on)

    def rebuild(self, context: Context, instance: Instance,
                image_meta: ImageMeta, injected_files: list[Any],
                admin_password: str | None, allocations: Json, bdms: Any,
                detach_block_devices: Any, attach_block_devices: Any,
                network_info: NetworkInfo = None, evacuate: bool = False,
                block_device_info: Json = None,
                preserve_ephemeral: bool = False, accel_uuids: Any = None,
                reimage_boot_volume: bool = False) -> None:
        if not evacuate:
            self._hypervisor.rebuild.check(
                context, instance, image_meta, injected_files, admin_password,
                allocations, network_info, block_device_info,
                preserve_ephemeral)
        # Nova then calls power_off, destroy and spawn.
        raise NotImplementedError()

    def destroy(self, context: Context, instance: Instance,
                network_info: NetworkInfo, block_device_info: Json = None,
                destroy_disks: bool = True,
                destroy_secrets: bool = True) -> None:
        if instance.task_state == task_states.RESIZE_REVERTING:
            # Delete only what the resize made: the old server comes back.
            with (errors.as_nova(instance),
                  self._hypervisor.storage.held(instance.uuid)):
                self._hypervisor.resize.discard(instance.uuid)
            return
        if evacuations.is_evacuated(instance, self._host, self._is_starting):
            self._leave(context, instance)
            return
        self._stop_for_destroy(instance)
        if destroy_disks:
            self._remove(instance)

    @disks_needed.server_held
    def _leave(self, context: Context, instance: Instance) -> None:
        is_elsewhere = evacuations.is_elsewhere(instance, self._host)
        if is_elsewhere or evacuations.is_leaving(context, instance.uuid,
                                                  self._host):
            self._hypervisor.evacuation.leave(instance.uuid, is_elsewhere)
            return
        LOG.info('The server was evacuated from here, and has come back',
                 instance=instance)
        # Nova deletes them next.
        self._hypervisor.allocations.keep(context, instance)

    def cleanup(self, context: Context, instance: Instance,
                network_info: NetworkInfo, block_device_info: Json = None,
                destroy_disks: bool = True, migrate_data: Any = None,
                destroy_vifs: bool = True,
                destroy_secrets: bool = True) -> None:
        if destroy_disks:
            self._stop_for_destroy(instance)
            self._remove(instance)

    def delete_instance_files(self, instance: Instance) -> bool:
        # Nova calls this for servers that were deleted while this host was
        # down, and that may run again. It repeats the call after a failure.
        try:
            self._stop_for_destroy(instance)
            self._remove(instance)
        except (nova_exception.NovaException, OSError) as error:
            LOG.error('Cannot delete the remaining files of a deleted '
                      'server: %s', error, instance=instance)
            return False
        return not self._hypervisor.exists(instance.uuid)

    def _stop_for_destroy(self, instance: Instance) -> None:
        # Nova must not reuse the addresses of a server that may still run.
        with (errors.power_off_failed(),
              self._hypervisor.storage.held(instance.uuid)):
            self._hypervisor.destroy.stop(instance.uuid)

    @disks_needed.server_held
    def _remove(self, instance: Instance) -> None:
        self._hypervisor.destroy.remove(instance.uuid)

    # Power

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def power_on(self, context: Context, instance: Instance,
                 network_info: NetworkInfo, block_device_info: Json = None,
                 accel_info: Any = None, share_info: Any = None) -> None:
        self._start(context, instance, network_info, block_device_info)

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def resume_state_on_host_boot(
            self, context: Context, instance: Instance,
            network_info: NetworkInfo, share_info: Any,
            block_device_info: Json = None) -> None:
        self._start(context, instance, network_info, block_device_info)

    def _start(self, context: Context, instance: Instance,
               network_info: NetworkInfo, block_device_info: Json) -> None:
        self._require_here(context, instance)
        rewrite = self._hypervisor.reconciler.starter(
            context, instance, network_info, block_device_info)
        self._hypervisor.volume_updates.reconnect(instance, block_device_info)
        self._hypervisor.rescue.end_forgotten(instance)
        self._hypervisor.power.on(instance.uuid, rewrite,
                                  self._cable_puller(instance))

    @disks_needed.disks_needed
    def power_off(self, instance: Instance, timeout: int = 0,
                  retry_interval: int = 0) -> None:
        if (instance.task_state == task_states.REBUILDING and
                not self._hypervisor.exists(instance.uuid)):
            # An interrupted rebuild is repeated; the old VM is gone.
            return
        self._hypervisor.power.off(instance.uuid, timeout)

    def reboot(self, context: Context, instance: Instance,
               network_info: NetworkInfo, reboot_type: str,
               block_device_info: Json = None,
               bad_volumes_callback: Any = None, accel_info: Any = None,
               share_info: Any = None) -> None:
        try:
            self._take_back(context, instance)
            self._reboot(context, instance, network_info, reboot_type,
                         block_device_info)
        except Exception:
            if not self._is_starting:
                raise
            # Nova repeats a reboot that was interrupted when nova-compute
            # ended. An error would end nova-compute, for all its servers.
            LOG.exception('Cannot reboot the server', instance=instance)

    def _require_here(self, context: Context, instance: Instance) -> None:
        self._hypervisor.evacuation.require_here(context, instance,
                                                 self._host)

    @errors.translated
    def _take_back(self, context: Context, instance: Instance) -> None:
        self._hypervisor.evacuation.take_back(context, instance)

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def _reboot(self, context: Context, instance: Instance,
                network_info: NetworkInfo, reboot_type: str,
                block_device_info: Json) -> None:
        self._require_here(context, instance)
        prepare = functools.partial(
            self._hypervisor.reconciler.rebooter, context, instance,
            network_info, block_device_info)
        if reboot_type == 'SOFT':
            self._hypervisor.power.reboot_soft(instance.uuid, prepare)
            self._hypervisor.cables.pull_stale(instance)
            return
        self._hypervisor.resize.recover(instance)
        rewrite = prepare()
        self._hypervisor.rescue.end_forgotten(instance)
        self._hypervisor.power.reboot_hard(instance.uuid, rewrite)

    def poll_rebooting_instances(self, timeout: int,
                                 instances: list[Instance]) -> None:
        # Each step of a reboot has a time limit.
        for instance in instances:
            LOG.warning('The reboot has not ended for %d seconds', timeout,
                        instance=instance)

    @disks_needed.disks_needed
    def pause(self, instance: Instance) -> None:
        self._hypervisor.power.pause(instance.uuid)

    @disks_needed.disks_needed
    def unpause(self, instance: Instance) -> None:
        self._hypervisor.power.unpause(instance.uuid)
        self._hypervisor.cables.pull_stale(instance)

    def suspend(self, context: Context, instance: Instance) -> None:
        with (errors.rolled_back(instance),
              self._hypervisor.storage.in_use(instance.uuid)):
            self._hypervisor.power.suspend(instance.uuid)

    def resume(self, context: Context, instance: Instance,
               network_info: NetworkInfo, block_device_info: Json = None,
               share_info: Any = None) -> None:
        with contextlib.ExitStack() as stack:
            with errors.rolled_back(instance):
                stack.enter_context(
                    self._hypervisor.storage.in_use(instance.uuid))
                self._require_here(context, instance)
                rewrite = self._hypervisor.reconciler.resumer(
                    context, instance, network_info, block_device_info)
                self._hypervisor.volume_updates.reconnect(instance,
                                                          block_device_info)
            with errors.as_nova(instance):
                self._hypervisor.power.on(instance.uuid, rewrite,
                                          self._cable_puller(instance))

    def _cable_puller(self, instance: Instance) -> Callable[[], None]:
        return functools.partial(self._hypervisor.cables.pull_stale, instance)

    @errors.translated
    def set_admin_password(self, instance: Instance, new_pass: str) -> None:
        self._hypervisor.guest_passwords.set(instance, new_pass)

    # Rescue

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def rescue(self, context: Context, instance: Instance,
               network_info: NetworkInfo, image_meta: ImageMeta,
               rescue_password: str | None, block_device_info: Json,
               share_info: Any) -> None:
        self._hypervisor.rescue.begin(context, instance, network_info,
                                      image_meta, rescue_password,
                                      block_device_info)

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def unrescue(self, context: Context, instance: Instance) -> None:
        self._require_here(context, instance)
        # Nova has just read the ports from Neutron, and passes no volumes.
        rewrite = self._hypervisor.reconciler.starter(
            context, instance, instance.get_network_info(),
            mappings.of_server(context, instance))
        self._hypervisor.rescue.end(instance.uuid, rewrite)

    # Images

    def snapshot(self, context: Context, instance: Instance, image_id: str,
                 update_task_state: Any) -> None:
        try:
            with (errors.as_nova(instance),
                  self._hypervisor.events.held(instance.uuid),
                  self._hypervisor.storage.in_use(instance.uuid)):
                self._hypervisor.snapshots.take(context, instance, image_id,
                                                update_task_state)
        except nova_exception.InstanceNotFound:
            # The manager expects this class for a server without a VM.
            raise nova_exception.InstanceNotRunning(instance_id=instance.uuid)

    @disks_needed.disks_needed
    def quiesce(self, context: Context, instance: Instance,
                image_meta: ImageMeta) -> None:
        self._hypervisor.quiesce.quiesce(instance, image_meta)

    @disks_needed.disks_needed
    def unquiesce(self, context: Context, instance: Instance,
                  image_meta: ImageMeta) -> None:
        self._hypervisor.quiesce.unquiesce(instance.uuid)

    # Resize and cold migration

    @disks_needed.disks_needed
    def migrate_disk_and_power_off(
            self, context: Context, instance: Instance, dest: str,
            flavor: Any, network_info: NetworkInfo,
            block_device_info: Json = None, timeout: int = 0,
            retry_interval: int = 0) -> str:
        self._hypervisor.resize.migrate(
            context, instance, moves.destination(context, instance), flavor,
            timeout, block_device_info)
        # The other host would not trust a description from here.
        return ''

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def finish_migration(
            self, context: Context, migration: Any, instance: Instance,
            disk_info: str, network_info: NetworkInfo, image_meta: ImageMeta,
            resize_instance: bool, allocations: Json,
            block_device_info: Json = None, power_on: bool = True,
            share_info: Any = None) -> None:
        self._hypervisor.resize.finish(context, instance, network_info,
                                       migration, power_on, block_device_info)

    @disks_needed.server_held
    def confirm_migration(self, context: Context, migration: Any,
                          instance: Instance,
                          network_info: NetworkInfo) -> None:
        self._hypervisor.resize.confirm(instance.uuid)

    @disks_needed.disks_needed
    @security_groups.warn_after_start
    def finish_revert_migration(
            self, context: Context, instance: Instance,
            network_info: NetworkInfo, migration: Any,
            block_device_info: Json = None, power_on: bool = True,
            share_info: Any = None) -> None:
        self._hypervisor.resize.revert(context, instance, network_info,
                                       migration, power_on, block_device_info)

    # Network adapters

    @disks_needed.server_held
    def attach_interface(self, context: Context, instance: Instance,
                         image_meta: ImageMeta, vif: model.VIF) -> None:
        self._hypervisor.interfaces.attach(context, instance, vif)

    @disks_needed.server_held
    def detach_interface(self, context: Context, instance: Instance,
                         vif: model.VIF) -> None:
        self._hypervisor.interfaces.detach(context, instance, vif)

    def plug_vifs(self, instance: Instance, network_info: NetworkInfo) -> None:
        """Do nothing: the .vmx names the network of each adapter."""

    def unplug_vifs(self, instance: Instance,
                    network_info: NetworkInfo) -> None:
        """Do nothing: the adapters are deleted with the .vmx."""

    # Volumes

    @errors.translated
    def get_volume_connector(self, instance: Instance) -> dict[str, Any]:
        return {**self._hypervisor.volumes.host_connector(self._host)}

    @errors.translated
    def get_device_name_for_instance(self, instance: Instance, bdms: Any,
                                     block_device_obj: Any) -> str:
        # Nova calls this before it touches a volume, and shows the error.
        if block_device_obj.is_volume:
            self._hypervisor.volumes.refuse_running(instance.uuid)
            self._hypervisor.volumes.refuse_tag(instance,
                                                block_device_obj.tag)
        # Nova then takes the next letter.
        raise NotImplementedError()

    @disks_needed.server_held
    def attach_volume(self, context: Context, connection_info: Any,
                      instance: Instance, mountpoint: str,
                      disk_bus: str | None = None,
                      device_type: str | None = None,
                      encryption: Json = None) -> None:
        self._hypervisor.volumes.attach(context, instance, connection_info)

    def detach_volume(self, context: Context, connection_info: Any,
                      instance: Instance, mountpoint: str,
                      encryption: Json = None) -> None:
        with (errors.detach_failed(mountpoint),
              self._hypervisor.storage.held(instance.uuid)):
            self._hypervisor.volumes.detach(instance, connection_info)
