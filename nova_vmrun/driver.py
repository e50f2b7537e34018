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

"""What Nova calls: arguments in, one operation called, our errors mapped.

Signatures are those of nova.virt.driver.ComputeDriver; a test compares them.
Methods that are not here are not offered: the base class refuses them.
"""

import functools

from nova.compute import task_states
from nova import conf as nova_conf
from nova import exception as nova_exception
from nova.virt import driver
from nova.virt import hardware
from nova.virt import node
from oslo_log import log as logging

from nova_vmrun import conf
from nova_vmrun import hypervisor
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import inventory
from nova_vmrun.ops.nova import security_groups
from nova_vmrun.ops.power import power_states
from nova_vmrun.ops.resize import moves
from nova_vmrun.server.serial import utf8_log

LOG = logging.getLogger(__name__)
CONF = nova_conf.CONF
conf.register_opts(CONF)


class VmrunDriver(driver.ComputeDriver):
    """Runs servers on VMware Workstation, Player or Fusion."""

    capabilities = dict(
        driver.ComputeDriver.capabilities,
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
        # Without it Nova sets the server to ERROR; instance_on_disk refuses.
        supports_evacuate=True,
    )

    def __init__(self, virtapi):
        super().__init__(virtapi)
        self._host = None
        self._compute_id = None
        self._hypervisor = None
        self._is_starting = False

    # The host

    def init_host(self, host):
        self._is_starting = True
        self._host = host
        self._compute_id = node.get_local_node_uuid()
        conf.set_defaults(CONF)
        with errors.as_nova():
            self._hypervisor = hypervisor.Hypervisor(CONF, self._compute_id)
            self._hypervisor.begin(self.emit_event)
            self._hypervisor.finish_interrupted()
        # Nova asks after init_host what this node's product can.
        self.capabilities = dict(
            self.capabilities,
            supports_secure_boot=self._hypervisor.has_secure_boot)

    def cleanup_host(self, host):
        if self._hypervisor:
            self._hypervisor.close()

    def get_available_nodes(self, refresh=False):
        return [self._host]

    def get_host_ip_addr(self):
        return self._hypervisor.address

    def get_host_uptime(self):
        return self._hypervisor.resources.uptime()

    def get_available_resource(self, nodename):
        # Nova asks when it has started, and then once a minute.
        self._is_starting = False
        self._hypervisor.serials.trim_logs()
        return inventory.described(
            nodename, self._compute_id, self._hypervisor.product,
            self._hypervisor.resources)

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        self._hypervisor.allocations.put_back()
        resources = self._hypervisor.resources
        own, foreign = inventory.traits(resources, self._hypervisor.product)
        # An operator's own traits stay.
        provider_tree.remove_traits(nodename, *foreign)
        provider_tree.add_traits(nodename, *own)
        ratios = self._get_allocation_ratios(
            provider_tree.data(nodename).inventory)
        provider_tree.update_inventory(nodename, inventory.of_host(
            CONF, resources, self._hypervisor.max_vcpus,
            self._get_reserved_host_disk_gb_from_config(), ratios))

    # Which servers exist, and how they are

    def list_instances(self):
        return [record.name for record in self._hypervisor.records.all()]

    def list_instance_uuids(self):
        return [record.uuid for record in self._hypervisor.records.all()]

    def get_info(self, instance, use_cache=True):
        record = self._hypervisor.record(instance.uuid)
        if record is None:
            raise nova_exception.InstanceNotFound(instance_id=instance.uuid)
        if record.image_ref is None:
            self._hypervisor.source_images.remember(instance)
        state = self._hypervisor.state(instance.uuid, use_cache)
        return hardware.InstanceInfo(
            state=power_states.shown(instance, state))

    def instance_exists(self, instance):
        return self._hypervisor.exists(instance.uuid)

    def instance_on_disk(self, instance):
        """Refuses an evacuation: Nova asks for nothing else, and early.

        :raises InstanceFaultRollback: the server stays in its state
        """
        raise nova_exception.InstanceFaultRollback(errors.OperationFailed(
            reason='Server %s cannot be evacuated: its disks are on the host '
                   'that is down. Start that host again.' % instance.uuid))

    def get_diagnostics(self, instance):
        with errors.as_nova(instance):
            return self._hypervisor.diagnostics.free(instance)

    def get_instance_diagnostics(self, instance):
        with errors.as_nova(instance):
            return self._hypervisor.diagnostics.typed(instance)

    # Build and remove

    def spawn(self, context, instance, image_meta, injected_files,
              admin_password, allocations, network_info=None,
              block_device_info=None, power_on=True, accel_info=None):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info,
                                     power_on)):
            self._hypervisor.spawn(
                context, instance, image_meta, injected_files,
                admin_password, network_info, block_device_info, power_on)

    def rebuild(self, context, instance, image_meta, injected_files,
                admin_password, allocations, bdms, detach_block_devices,
                attach_block_devices, network_info=None, evacuate=False,
                block_device_info=None, preserve_ephemeral=False,
                accel_uuids=None, reimage_boot_volume=False):
        if not evacuate:
            self._hypervisor.rebuild.check(
                context, instance, image_meta, injected_files, admin_password,
                allocations, network_info, block_device_info,
                preserve_ephemeral)
        # Nova then does it by itself: power_off, destroy, spawn.
        raise NotImplementedError()

    def destroy(self, context, instance, network_info, block_device_info=None,
                destroy_disks=True, destroy_secrets=True):
        if instance.task_state == task_states.RESIZE_REVERTING:
            # Only what the resize has made: the old server comes back.
            with errors.as_nova(instance):
                self._hypervisor.resize.discard(instance.uuid)
            return
        self._stop_for_destroy(instance)
        if destroy_disks:
            self._remove(instance)

    def cleanup(self, context, instance, network_info, block_device_info=None,
                destroy_disks=True, migrate_data=None, destroy_vifs=True,
                destroy_secrets=True):
        if destroy_disks:
            self._stop_for_destroy(instance)
            self._remove(instance)

    def delete_instance_files(self, instance):
        # Nova asks for servers that were deleted while it could not reach
        # this host, where they run on. It asks again, and for others.
        try:
            self._stop_for_destroy(instance)
            self._remove(instance)
        except (nova_exception.NovaException, OSError) as error:
            LOG.error('What is left of a deleted server cannot be removed: '
                      '%s', error, instance=instance)
            return False
        return not self._hypervisor.exists(instance.uuid)

    def _stop_for_destroy(self, instance):
        # Nova keeps the addresses of a server that may be running still.
        with errors.power_off_failed():
            self._hypervisor.destroy.stop(instance.uuid)

    def _remove(self, instance):
        with errors.as_nova(instance):
            self._hypervisor.destroy.remove(instance.uuid)

    # Power

    def power_on(self, context, instance, network_info,
                 block_device_info=None, accel_info=None, share_info=None):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info)):
            self._start(context, instance, network_info)

    def _start(self, context, instance, network_info) -> None:
        rewrite = self._hypervisor.reconciler.starter(context, instance,
                                                      network_info)
        self._hypervisor.rescue.end_forgotten(instance)
        self._hypervisor.power.on(instance.uuid, rewrite)

    def power_off(self, instance, timeout=0, retry_interval=0):
        with errors.as_nova(instance):
            self._hypervisor.power.off(instance.uuid, timeout)

    def reboot(self, context, instance, network_info, reboot_type,
               block_device_info=None, bad_volumes_callback=None,
               accel_info=None, share_info=None):
        try:
            with (errors.as_nova(instance),
                  security_groups.warned(context, instance, network_info)):
                self._reboot(context, instance, network_info, reboot_type)
        except Exception:
            if not self._is_starting:
                raise
            # Nova goes on with a reboot that its end has cut short, and an
            # error would end it anew, for all servers of this host.
            LOG.exception('The server cannot be rebooted', instance=instance)

    def _reboot(self, context, instance, network_info, reboot_type) -> None:
        prepare = functools.partial(self._hypervisor.reconciler.rebooter,
                                    context, instance, network_info)
        if reboot_type == 'SOFT':
            self._hypervisor.power.reboot_soft(instance.uuid, prepare)
            return
        self._hypervisor.resize.recover(instance)
        rewrite = prepare()
        self._hypervisor.rescue.end_forgotten(instance)
        self._hypervisor.power.reboot_hard(instance.uuid, rewrite)

    def poll_rebooting_instances(self, timeout, instances):
        """Tells of reboots that take long, and leaves them alone.

        Each step of a reboot has a time limit here, and a soft one that does
        not end becomes a hard one; what a crash has cut short is repeated by
        Nova when nova-compute starts.
        """
        for instance in instances:
            LOG.warning('The reboot has not ended for %d seconds', timeout,
                        instance=instance)

    def pause(self, instance):
        with errors.as_nova(instance):
            self._hypervisor.power.pause(instance.uuid)

    def unpause(self, instance):
        with errors.as_nova(instance):
            self._hypervisor.power.unpause(instance.uuid)

    def suspend(self, context, instance):
        with errors.rolled_back(instance):
            self._hypervisor.power.suspend(instance.uuid)

    def resume(self, context, instance, network_info, block_device_info=None,
               share_info=None):
        with errors.rolled_back(instance):
            rewrite = self._hypervisor.reconciler.resumer(context, instance,
                                                          network_info)
        with errors.as_nova(instance):
            self._hypervisor.power.on(instance.uuid, rewrite)

    def resume_state_on_host_boot(self, context, instance, network_info,
                                  share_info, block_device_info=None):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info)):
            self._start(context, instance, network_info)

    # Rescue

    def rescue(self, context, instance, network_info, image_meta,
               rescue_password, block_device_info, share_info):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info)):
            self._hypervisor.rescue.begin(context, instance, network_info,
                                          image_meta, rescue_password)

    def unrescue(self, context, instance):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance)):
            # Nova has just read it from Neutron.
            rewrite = self._hypervisor.reconciler.starter(
                context, instance, instance.get_network_info())
            self._hypervisor.rescue.end(instance.uuid, rewrite)

    # Images

    def snapshot(self, context, instance, image_id, update_task_state):
        try:
            with (errors.as_nova(instance),
                  self._hypervisor.events.held(instance.uuid)):
                self._hypervisor.snapshot(context, instance, image_id,
                                          update_task_state)
        except nova_exception.InstanceNotFound:
            # So Nova's drivers call a server without a VM here.
            raise nova_exception.InstanceNotRunning(instance_id=instance.uuid)

    def cache_image(self, context, image_id):
        with errors.as_nova():
            return self._hypervisor.cache_image(context, image_id)

    def manage_image_cache(self, context, all_instances):
        with errors.as_nova():
            self._hypervisor.age_images(all_instances)
            # Of Nova's periodic calls, this alone brings all servers.
            self._hypervisor.orphans.warn(context, self._host, all_instances)

    # Resize and cold migration

    def migrate_disk_and_power_off(self, context, instance, dest,
                                   flavor, network_info,
                                   block_device_info=None,
                                   timeout=0, retry_interval=0):
        with errors.as_nova(instance):
            self._hypervisor.resize.migrate(
                context, instance, moves.destination(context, instance),
                flavor, timeout)
        # The other host needs to be told nothing, and would not believe it.
        return ''

    def finish_migration(self, context, migration, instance, disk_info,
                         network_info, image_meta, resize_instance,
                         allocations, block_device_info=None, power_on=True,
                         share_info=None):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info,
                                     power_on)):
            self._hypervisor.resize.finish(context, instance, network_info,
                                           migration, power_on)

    def confirm_migration(self, context, migration, instance, network_info):
        with errors.as_nova(instance):
            self._hypervisor.resize.confirm(instance.uuid)

    def finish_revert_migration(self, context, instance, network_info,
                                migration, block_device_info=None,
                                power_on=True, share_info=None):
        with (errors.as_nova(instance),
              security_groups.warned(context, instance, network_info,
                                     power_on)):
            self._hypervisor.resize.revert(context, instance, network_info,
                                           migration, power_on)

    # Network adapters

    def attach_interface(self, context, instance, image_meta, vif):
        with errors.as_nova(instance):
            self._hypervisor.interfaces.attach(context, instance, vif)

    def detach_interface(self, context, instance, vif):
        with errors.as_nova(instance):
            self._hypervisor.interfaces.detach(context, instance, vif)

    # Consoles

    def get_console_output(self, context, instance):
        return utf8_log.Utf8Log(self._hypervisor.serials.log(instance.uuid))

    def get_serial_console(self, context, instance):
        return self._console(instance, self._hypervisor.serials.console,
                             'serial')

    def get_vnc_console(self, context, instance):
        return self._console(instance, self._hypervisor.consoles.vnc, 'vnc')

    def _console(self, instance, find, kind):
        if not self._hypervisor.exists(instance.uuid):
            raise nova_exception.InstanceNotFound(instance_id=instance.uuid)
        console = find(instance.uuid)
        if console is None:
            raise nova_exception.ConsoleTypeUnavailable(console_type=kind)
        return console

    # What is refused in words. An error that Nova does not expect would put
    # the server into ERROR, or would be seen by nobody.

    def check_can_live_migrate_destination(self, context, instance,
                                           src_compute_info, dst_compute_info,
                                           block_migration=False,
                                           disk_over_commit=False):
        raise nova_exception.MigrationPreCheckError(
            reason=_NO_LIVE_MIGRATION)

    def check_can_live_migrate_source(self, context, instance,
                                      dest_check_data, block_device_info=None):
        raise nova_exception.MigrationPreCheckError(
            reason=_NO_LIVE_MIGRATION)

    def get_device_name_for_instance(self, instance, bdms, block_device_obj):
        # Nova asks for the name of a volume before it touches that.
        if block_device_obj.is_volume:
            raise nova_exception.InvalidInput(reason=_NO_VOLUMES)
        return super().get_device_name_for_instance(instance, bdms,
                                                    block_device_obj)

    def get_volume_connector(self, instance):
        raise nova_exception.InvalidInput(reason=_NO_VOLUMES)

    # What VMware does by itself, so that nothing is left to do. The base
    # class would take it for unsupported.

    def plug_vifs(self, instance, network_info):
        """Does nothing: the .vmx names the network of each NIC."""

    def unplug_vifs(self, instance, network_info):
        """Does nothing: a NIC ends with its .vmx."""


_NO_LIVE_MIGRATION = (
    "VMware's desktop products cannot move a running server. A migration that "
    'is not live stops it and starts it again.')
_NO_VOLUMES = 'Servers on this host cannot have volumes.'
