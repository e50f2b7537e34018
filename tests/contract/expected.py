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

"""Tests that real products may fail, and why.

The sources disagree on these facts, or say nothing, and the fakes follow the
stricter reading. A test named here may fail on a real product, or differ from
a transcript, without failing the run: it is reported as an expected
difference. Remove the entry when the fact is settled.
"""

_TEXT = 'no source has the text that the product prints'
_PLAYER = 'Player may print "parameters was invalid" instead'

#: {test: why the product may differ}
DIFFERENCES = {
    # States
    'test_start_when_paused_stays_paused': 'no source tried it',
    'test_stop_soft_when_paused_refused': 'it may block instead',
    'test_reset_when_paused_refused': 'some products may reset it',
    'test_pause_when_paused_refused': 'it may be a silent success',
    'test_unpause_when_running': 'it may be refused',
    'test_snapshot_when_paused_refused': 'no source tried it',
    'test_delete_snapshot_when_paused': 'no source tried it',
    'test_devices_when_paused_refused': 'no source tried it',
    'test_delete_vm_when_suspended': 'no source tried it',
    'test_clone_when_suspended_refused': 'clients avoid it',
    'test_guest_commands_when_suspended_refused': _TEXT,
    'test_upgrade_when_running_refused': _TEXT,
    'test_upgrade_when_suspended_refused': _TEXT,
    'test_stop_soft_without_tools_fails': 'it may block instead',

    # Snapshots and clones
    'test_revert_when_running_refused':
        'the manual of 2012 says that the VM is powered off first',
    'test_delete_snapshot_that_has_clones': _TEXT,
    'test_clone_onto_an_existing_vm': _TEXT,
    'test_full_clone_of_off_snapshot_while_running_refused':
        'only linked clones were tried',
    'test_delete_linked_clone_may_leave_the_count':
        'some versions correct the count',

    # Devices and networks
    'test_slot_that_another_device_has': 'no source tried it',
    'test_defragment_of_links': 'inferred: a client would fail otherwise',
    'test_device_that_is_not_there': _TEXT,
    'test_forwardings_of_nat_networks_only': _TEXT,
    'test_mac_of_neutron_without_the_flag_refused':
        'Workstation 17.6.3 started such a VM',
    'test_disk_unit_out_of_range_refused':
        'products were seen to drop such a disk without a word',
    'test_disk_on_the_scsi_host_unit_refused':
        'products were seen to drop such a disk without a word',
    'test_serial_over_the_network_is_not_offered':
        'the code is in the product, undocumented',
    'test_guest_os_newer_than_the_product_refused':
        'for some ids the sources do not say since when they are known',
    'test_vmx_carriage_returns_are_malformed':
        'of two readers in the product one takes them',

    # Programs
    'test_expand_a_disk_with_children_refused': _TEXT,
    'test_convert_disk_of_a_running_vm': 'two texts were seen',
    'test_expand_of_a_running_vm_refused': 'two texts were seen',
    'test_encrypted_without_password': 'some saw "Cannot open VM" before it',
    'test_encrypted_without_password_cannot_list_snapshots':
        'some saw "Cannot open VM" before it',
    'test_ws_asked_of_player': 'some versions print it without the comma',
    'test_player_has_no_pause': _PLAYER,
    'test_player_has_no_snapshots': _PLAYER,
    'test_player_has_no_clone': _PLAYER,
    'test_player_has_no_upgrade': _PLAYER,
    'test_player_suspends': 'libvirt believes that it cannot',

    # What needs a guest, should a real run ever have one
    'test_file_does_not_exist_exit_code': 'sources disagree on 0 and 1',
    'test_program_exit_code_passes_through': 'some saw 1 for any code',
    'test_type_keystrokes_refused': 'it may work with a logged-in user',
}
