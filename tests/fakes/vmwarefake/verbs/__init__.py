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

"""The commands of vmrun: the function and the arguments of each.

Extra arguments are ignored, as vmrun mostly does: clients pass
``stop VMX nogui`` and the single word ``"hard nogui"``.
"""

from __future__ import annotations

#: name in lower case -> (module.function, minimum number of arguments,
#: whether the first names a VM)
TABLE = {
    'list': ('listing.list_running', 0, False),
    'start': ('power.start', 1, True),
    'stop': ('power.stop', 1, True),
    'reset': ('power.reset', 1, True),
    'suspend': ('power.suspend', 1, True),
    'pause': ('power.pause', 1, True),
    'unpause': ('power.unpause', 1, True),
    'listsnapshots': ('snapshot.list_snapshots', 1, True),
    'snapshot': ('snapshot.take', 2, True),
    'deletesnapshot': ('snapshot.delete', 2, True),
    'reverttosnapshot': ('snapshot.revert', 2, True),
    'clone': ('clone.clone', 3, True),
    'deletevm': ('clone.delete_vm', 1, True),
    'upgradevm': ('device.upgrade', 1, True),
    'connectnameddevice': ('device.connect', 2, True),
    'disconnectnameddevice': ('device.disconnect', 2, True),
    'installtools': ('guest_info.install_tools', 1, True),
    'checktoolsstate': ('guest_info.check_tools_state', 1, True),
    'getguestipaddress': ('guest_info.get_address', 1, True),
    'readvariable': ('guest_info.read_variable', 3, True),
    'writevariable': ('guest_info.write_variable', 4, True),
    'capturescreen': ('guest_info.capture_screen', 2, True),
    'addsharedfolder': ('shared_folders.add', 3, True),
    'removesharedfolder': ('shared_folders.remove', 2, True),
    'setsharedfolderstate': ('shared_folders.set_state', 4, True),
    'enablesharedfolders': ('shared_folders.enable', 1, True),
    'disablesharedfolders': ('shared_folders.disable', 1, True),
    'runprograminguest': ('guest_programs.run_program', 2, True),
    'runscriptinguest': ('guest_programs.run_script', 3, True),
    'listprocessesinguest': ('guest_programs.list_processes', 1, True),
    'killprocessinguest': ('guest_programs.kill_process', 2, True),
    'typekeystrokesinguest': ('guest_programs.type_keystrokes', 2, True),
    'fileexistsinguest': ('guest_files.file_exists', 2, True),
    'directoryexistsinguest': ('guest_files.directory_exists', 2, True),
    'listdirectoryinguest': ('guest_files.list_directory', 2, True),
    'createtempfileinguest': ('guest_files.create_tempfile', 1, True),
    'deletefileinguest': ('guest_files.delete_file', 2, True),
    'createdirectoryinguest': ('guest_files.create_directory', 2, True),
    'deletedirectoryinguest': ('guest_files.delete_directory', 2, True),
    'renamefileinguest': ('guest_files.rename', 3, True),
    'copyfilefromhosttoguest': ('guest_files.copy_to_guest', 3, True),
    'copyfilefromguesttohost': ('guest_files.copy_to_host', 3, True),
    'listhostnetworks': ('host_networks.list_networks', 0, False),
    'listportforwardings': ('host_networks.list_forwardings', 1, False),
    'setportforwarding': ('host_networks.set_forwarding', 5, False),
    'deleteportforwarding': ('host_networks.delete_forwarding', 3, False),
    'listnetworkadapters': ('host_networks.list_adapters', 1, True),
    'addnetworkadapter': ('host_networks.add_adapter', 2, True),
    'setnetworkadapter': ('host_networks.set_adapter', 3, True),
    'deletenetworkadapter': ('host_networks.delete_adapter', 2, True),
    'downloadphotonvm': ('host_networks.download_photon', 1, False),
}


def find(word: str) -> tuple[str, str, int, bool] | None:
    """Return the name in lower case and the entry in TABLE, or None."""
    name = word.lower()
    return (name,) + TABLE[name] if name in TABLE else None
