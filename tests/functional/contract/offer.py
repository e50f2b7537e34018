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

"""Which methods of nova.virt.driver.ComputeDriver are not overridden.

A method that is in neither list must be in our driver. So a new release of
Nova, and each method that is added here, makes somebody decide.
"""

_MIGRATION = 'Live migration needs shared memory transport; vmrun has none.'
_SHARES = 'Manila shares need virtiofs.'
_AGENT = 'vmrun has no such command.'
# Nova asks when it removes servers that were evacuated from this host.
_SHARED_STORAGE = ('The record beside the disks says whose they are; the '
                   'driver looks there itself.')

# The base class refuses these by NotImplementedError.
REFUSED = {
    'block_stats': 'VMware keeps no counters that vmrun could tell.',
    'check_instance_shared_storage_local': _SHARED_STORAGE,
    'check_instance_shared_storage_remote': _SHARED_STORAGE,
    'cleanup_live_migration_destination_check': _MIGRATION,
    'default_device_names_for_instance': "Nova's own names are right.",
    'default_root_device_name': "Nova's own names are right.",
    'extend_volume': 'VMware has the disk open when Cinder extends it.',
    'get_all_volume_usage': 'VMware keeps no counters that vmrun could tell.',
    'get_host_cpu_stats': 'Only [DEFAULT] compute_monitors asks for them.',
    'get_instance_disk_info': _MIGRATION,
    'get_mks_console': 'WebMKS is a service of vSphere.',
    'get_spice_console': 'VMware does not speak SPICE.',
    'host_maintenance_mode': 'Nova removed it from its API in 2.43.',
    'host_power_action': 'Nova removed it from its API in 2.43.',
    'is_share_mounted': _SHARES,
    'live_migration': _MIGRATION,
    'live_migration_abort': _MIGRATION,
    'live_migration_force_complete': _MIGRATION,
    'mount_share': _SHARES,
    'post_live_migration_at_destination': _MIGRATION,
    'post_live_migration_at_source': _MIGRATION,
    'power_update_event': 'It is for machines that others switch.',
    'pre_live_migration': _MIGRATION,
    'restore': 'Nova powers the server on instead.',
    'rollback_live_migration_at_destination': _MIGRATION,
    'set_host_enabled': 'Nova keeps it by itself.',
    'soft_delete': 'Nova powers the server off instead.',
    'swap_volume': 'Nova swaps volumes of running servers only.',
    'trigger_crash_dump': _AGENT,
    'umount_share': _SHARES,
    'volume_snapshot_create': 'It is for volumes of network file systems.',
    'volume_snapshot_delete': 'It is for volumes of network file systems.',
}

# What the base class does is right.
INHERITED = frozenset([
    'capabilities_as_traits', 'check_instance_shared_storage_cleanup',
    'check_source_migrate_data_at_dest', 'clean_networks_preparation',
    'cleanup_lingering_instance_resources', 'emit_event',
    'failed_spawn_cleanup', 'get_instance_driver_metadata',
    'get_nodenames_by_uuid', 'get_num_instances', 'inject_network_info',
    'is_node_deleted', 'is_supported_fs_format',
    'manages_network_binding_host_id',
    'network_binding_host_id', 'node_is_available',
    'post_claim_migrate_data', 'post_live_migration', 'prepare_for_spawn',
    'prepare_networks_before_block_device_mapping',
    'register_event_listener',
    'rollback_live_migration_at_source',
])
