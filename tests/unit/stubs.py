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


"""Things that the unit tests of the tools share."""

import types

from nova_vmrun.formats import vmnets
from nova_vmrun.tools import process


def conf(**changes):
    """Returns [vmrun] options with small numbers."""
    options = dict(
        retry_count=2, retry_interval=0.5, max_concurrent_operations=4,
        list_timeout=30, start_timeout=300, stop_timeout=60,
        suspend_timeout=310, guest_address_timeout=10, pause_timeout=61,
        snapshot_timeout=600, memory_timeout_per_gib=100,
        disk_timeout=3600, wait_soft_reboot_seconds=60,
        max_shutdown_timeout=300,
        vmrun_path=None, vdiskmanager_path=None, product='auto',
        show_gui=False, vlan_interface=None, use_guestinfo=False,
        use_machine_id=False, install_guest_agent=True, remote_display=True,
        console_delay_seconds=None, serial_port_service_uri=None,
        serial_port_proxy_uri=None, volume_folders=[], nfs_mounts=[],
        qemu_storage_daemon_path='qemu-storage-daemon', iscsi_timeout=30,
        os_brick_volume_types=[], storage_folders=[],
        storage_folder_regex=None, default_storage_tag=None,
        metrics_file=None, ssh_path='ssh', ssh_config=None, ssh_timeout=120,
        transfer_timeout=14400, migration_address=None)
    options.update(changes)
    return types.SimpleNamespace(**options)


def serial_conf(enabled=False, port_range='10000:20000', **own):
    """Returns what the serial ports of servers depend on.

    :param own: [vmrun] options
    """
    return types.SimpleNamespace(
        vmrun=conf(**own),
        serial_console=types.SimpleNamespace(
            enabled=enabled, port_range=port_range,
            proxyclient_address='127.0.0.1'),
        consoleauth=types.SimpleNamespace(token_ttl=600))


class HostNetworks:
    """Virtual networks of a host; VLANs are as they must be.

    :param names: of the networks; with none, the host does not tell
    """

    def __init__(self, *names):
        self._names = names

    def find(self, name):
        name = vmnets.BY_CONNECTION.get(name, name)
        return vmnets.Vmnet(name, 'nat') if name in self._names else None

    def names(self):
        return list(self._names)


class ScriptedRunner:
    """A Runner that prints the given answers, one for each call.

    :param answers: (exit code, stdout) or (exit code, stdout, stderr), or
        exceptions; the last one is given again and again
    """

    def __init__(self, *answers):
        self._answers = list(answers) or [(0, '')]
        self.calls = []
        self.options = []

    def run(self, *argv, **options):
        self.calls.append(argv)
        self.options.append(options)
        answer = (self._answers.pop(0) if len(self._answers) > 1
                  else self._answers[0])
        if isinstance(answer, Exception):
            raise answer
        exit_code, stdout, stderr = (*answer, '')[:3]
        return process.Result(argv, exit_code, stdout, stderr)
