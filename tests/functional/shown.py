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

"""The functional tests for each feature in the README.

Keys are entries of Nova's support matrix and other features in the README.
Each "yes" and "partly" there needs at least one test here, named by its path
below tests/functional, class and method; a unit test checks that.
"""

TESTS = {
    'operation.attach-volume': [
        'api.test_volumes.AttachTestCase.test_a_volume_comes_and_goes',
        'api.test_volumes.AttachTestCase.test_a_running_server_gets_none',
        'api.test_volumes.AttachTestCase.test_a_volume_that_cannot_be_used',
    ],
    'storage.block': [
        'api.test_volumes.AttachTestCase.test_a_volume_comes_and_goes',
        'api.test_boot_from_volume.BootTestCase.test_an_existing_volume',
        'api.test_boot_from_volume.BootTestCase'
        '.test_an_image_in_a_new_volume',
        'api.test_boot_from_volume.BootTestCase'
        '.test_an_image_with_volumes_beside_it',
    ],
    'storage.block.backend.iscsi': [
        'api.test_iscsi.AttachTestCase.test_a_volume_comes_and_goes',
    ],
    'storage.block.backend.iscsi.auth.chap': [
        'api.test_iscsi.AttachTestCase.test_a_volume_comes_and_goes',
        'api.test_iscsi.ChapTestCase.test_a_wrong_password',
    ],
    'operation.evacuate': [
        'api.test_evacuation.SharedFolderTestCase'
        '.test_a_running_server_keeps_its_disk',
        'api.test_evacuation.SharedFolderTestCase'
        '.test_a_host_that_may_still_write_is_not_replaced',
        'api.test_evacuation.OwnFolderTestCase'
        '.test_a_server_is_built_from_its_image_again',
    ],
    'operation.detach-volume': [
        'api.test_volumes.AttachTestCase.test_a_volume_comes_and_goes',
        'api.test_volumes.AttachTestCase.test_a_running_server_loses_none',
    ],
    'operation.attach-interface': [
        'api.test_networks.AttachTestCase.test_an_adapter_comes_and_goes',
        'api.test_networks.AttachTestCase.test_a_running_server_gets_none',
    ],
    'operation.attach-tagged-volume': [
        'api.test_tagged.VolumeTestCase'
        '.test_a_volume_with_a_tag_comes_and_goes',
        'api.test_tagged.VolumeTestCase.test_a_server_without_a_config_drive',
    ],
    'operation.attach-tagged-interface': [
        'api.test_tagged.ConfigDriveTestCase'
        '.test_an_adapter_with_a_tag_comes_and_goes',
        'api.test_tagged.GuestInfoTestCase'
        '.test_guestinfo_has_the_same_tags',
        'api.test_tagged.WithoutConfigDriveTestCase.test_a_tag_is_refused',
    ],
    'operation.detach-interface': [
        'api.test_networks.AttachTestCase.test_an_adapter_comes_and_goes',
        'api.test_networks.RefusedDetachTestCase'
        '.test_a_running_server_loses_none',
    ],
    'operation.set-admin-password': [
        'api.test_guest_agent.AgentTestCase.test_life',
        'api.test_guest_agent.AgentTestCase.test_other_passwords',
        'api.test_guest_agent.SilentTestCase.test_what_works_without_it',
    ],
    'operation.quiesce': [
        'api.test_guest_agent.AgentTestCase.test_life',
        'api.test_guest_agent.VolumesTestCase'
        '.test_a_freeze_replaces_the_pause',
        'api.test_guest_agent.RefusingTestCase.test_it_is_thawed',
        'api.test_volume_images.BootVolumeTestCase'
        '.test_it_is_paused_while_cinder_makes_snapshots',
    ],
    'operation.unquiesce': [
        'api.test_guest_agent.AgentTestCase.test_life',
        'api.test_volume_images.BootVolumeTestCase'
        '.test_it_is_paused_while_cinder_makes_snapshots',
    ],
    'operation.rebuild': [
        'api.test_rebuild.RebuildTestCase.test_a_running_server',
        'api.test_rebuild.RebuildTestCase.test_a_stopped_server_stays_stopped',
    ],
    'operation.rebuild-volume-backed': [
        'api.test_boot_volumes.RebuildTestCase.test_with_a_new_image',
        'api.test_boot_volumes.RebuildTestCase'
        '.test_what_cannot_be_built_is_refused_first',
    ],
    'operation.get-guest-info': [
        'api.test_life.PowerTestCase.test_stop_and_start',
        'api.test_life.CrashTestCase'
        '.test_a_crashed_vm_is_seen_and_starts_again',
        'api.test_events.OutsideTestCase'
        '.test_a_guest_that_shuts_itself_down',
        'api.test_states.WindowStatesTestCase.test_stop_and_start',
        'api.test_states.WindowStatesTestCase.test_start_of_one_that_runs',
        'api.test_bad_input.UnhelpfulToolTestCase'
        '.test_list_fails_and_nova_does_not_stop_the_server',
    ],
    'operation.get-host-uptime': [
        'api.test_host.HypervisorTestCase.test_hypervisor',
    ],
    'operation.get-host-ip': [
        'api.test_host.HypervisorTestCase.test_hypervisor',
    ],
    'operation.launch': [
        'api.test_life.BootTestCase.test_boot_and_delete',
        'api.test_life.BootTestCase.test_what_the_vmx_says',
        'api.test_hosts.PlacementTestCase'
        '.test_a_server_group_and_an_availability_zone',
        'split.test_split.SplitControlPlaneTestCase.test_life_of_a_server',
    ],
    'operation.pause': [
        'api.test_life.PowerTestCase.test_pause_and_unpause',
    ],
    'operation.reboot': [
        'api.test_reboot.RebootTestCase.test_soft',
        'api.test_reboot.RebootTestCase.test_hard',
        'api.test_reboot.RewriteTestCase.test_a_lost_vmx_is_written_anew',
        'api.test_states.ApiStatesTestCase'
        '.test_stop_in_each_and_a_hard_reboot_out_of_each',
    ],
    'operation.rescue': [
        'api.test_rescue.RescueTestCase.test_from_a_disk',
        'api.test_rescue.RescueTestCase.test_from_a_cd',
        'api.test_rescue.RescueTestCase'
        '.test_on_the_bus_that_the_image_asks_for',
    ],
    'operation.resize': [
        'api.test_resize.ResizeTestCase.test_memory_and_processors',
        'api.test_resize.ResizeTestCase'
        '.test_disks_grow_and_a_revert_takes_them_back',
        'api.test_resize.MoveTestCase.test_there_and_back',
    ],
    'operation.resume': [
        'api.test_life.PowerTestCase.test_suspend_and_resume',
    ],
    'operation.snapshot': [
        'api.test_snapshot.SnapshotTestCase.test_running_and_linked',
        'api.test_snapshot.SnapshotTestCase'
        '.test_at_rest_and_linked',
        'api.test_snapshot.SnapshotTestCase.test_shelve_and_unshelve',
        'api.test_hosts.ShelvedTestCase'
        '.test_it_comes_back_on_another_host',
        'api.test_snapshot.PlayerTestCase'
        '.test_a_running_server_must_be_stopped_first',
    ],
    'operation.suspend': [
        'api.test_life.PowerTestCase.test_suspend_and_resume',
    ],
    'operation.terminate': [
        'api.test_life.BootTestCase.test_boot_and_delete',
        'api.test_life.PowerTestCase.test_delete_in_each_state',
        'api.test_states.SoftDeleteTestCase'
        '.test_restore_and_delete_at_last',
    ],
    'operation.unpause': [
        'api.test_life.PowerTestCase.test_pause_and_unpause',
    ],
    'guest.setup.configdrive': [
        'api.test_life.ConfigDriveTestCase.test_config_drive',
        'api.test_guest_setup.ConfigDriveTestCase'
        '.test_all_that_the_user_asked_for_arrives',
        'api.test_guest_setup.ConfigDriveTestCase'
        '.test_addresses_are_fixed_though_the_subnet_has_dhcp',
        'api.test_cloud_init.CloudInitTestCase.test_config_drive',
    ],
    'console.serial.interactive': [
        'api.test_consoles.SerialConsoleTestCase'
        '.test_console_and_log_of_one_port',
        'api.test_consoles.SerialConsoleTestCase'
        '.test_console_after_a_restart_of_nova_compute',
    ],
    'console.serial.log': [
        'api.test_life.ConsoleTestCase.test_log',
        'api.test_life.ConsoleTestCase'
        '.test_long_log_is_cut_at_its_beginning',
    ],
    'console.vnc': [
        'api.test_life.ConsoleTestCase.test_vnc',
    ],
    'storage.image': [
        'api.test_disks.FormatTestCase.test_qcow2',
        'api.test_disks.FormatTestCase.test_raw',
        'api.test_disks.FormatTestCase.test_stream_optimized',
        'api.test_disks.CacheTestCase.test_full_copy',
    ],
    'operation.uefi-boot': [
        'api.test_host.BootTestCase.test_uefi',
    ],
    'operation.device-tags': [
        'api.test_guest_setup.DeviceTagsTestCase'
        '.test_tags_of_adapters_and_disks',
    ],
    'operation.trusted-certs': [
        'api.test_host.BootTestCase'
        '.test_trusted_certificates_come_to_the_download',
        'api.test_cache.CertificatesTestCase'
        '.test_what_was_fetched_without_is_checked_once_and_kept',
    ],
    'operation.report-cpu-traits': [
        'api.test_host.HypervisorTestCase.test_traits_of_the_processor',
    ],
    'operation.cache-images': [
        'api.test_cache.PrecacheTestCase'
        '.test_an_aggregate_is_told_to_cache_an_image',
        'api.test_cache.AgeingTestCase'
        '.test_an_image_goes_after_its_last_server',
    ],
    'Diagnostics': [
        'api.test_diagnostics.DiagnosticsTestCase.test_typed',
        'api.test_diagnostics.DiagnosticsTestCase.test_free',
    ],
    'Guest variables of VMware': [
        'api.test_cloud_init.CloudInitTestCase.test_guestinfo',
        'api.test_cloud_init.CloudInitTestCase'
        '.test_guestinfo_outlives_a_hard_reboot',
    ],
    'Ephemeral and swap disks': [
        'api.test_life.BootTestCase.test_what_the_vmx_says',
    ],
    'CD and floppy drives': [
        'api.test_attachments.DrivesTestCase'
        '.test_the_example_of_nova_vix_driver',
    ],
    'Several storage folders': [
        'api.test_storage_folders.PlacementTestCase'
        '.test_most_free_space_or_a_tag',
        'api.test_storage_folders.EvictTestCase'
        '.test_a_server_goes_on_in_another_folder',
    ],
    'Flat and VLAN networks': [
        'api.test_networks.BootTestCase.test_two_networks_and_a_vlan',
        'api.test_life.BootTestCase.test_what_the_vmx_says',
        'ml2.port_binding.VmrunTestCase.test_flat',
        'ml2.port_binding.VmrunTestCase.test_vlan',
    ],
}
