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

"""The VMs that run on a host which its cloud has removed.

Nova cannot be asked about them any more. Its servers are elsewhere or deleted,
so what another host may use meanwhile has to be protected from these VMs.
"""

import dataclasses
import enum

from nova_vmrun import exception
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.server import vm_process

# Seconds that the process of a VM has to end.
_END_SECONDS = 20
_ADOPTED = 'another host has its disks'
_UNKNOWN = 'it is unknown who uses its disks'
_ON_VOLUMES = 'it uses volumes'
_OF_THIS_HOST = 'only this host can write to its disks'
_OF_ANOTHER_NODE = ('it belongs to another compute node; stop it, unless that '
                    'runs on this machine, too')


class State(enum.StrEnum):
    """What has become of a VM."""

    STOPPED = 'stopped'
    #: left alone
    RUNS = 'runs'
    #: it may still run
    FAILED = 'failed'


@dataclasses.dataclass(frozen=True)
class Vm:
    """A VM that ran.

    :ivar uuid: of its server
    :ivar vmx: path
    :ivar reason: why it was stopped or left alone
    :ivar error: why it could not be stopped, or ''
    """

    uuid: str
    vmx: str
    state: State
    reason: str = ''
    error: str = ''


class LeftBehind:
    """Stops VMs without asking Nova."""

    def __init__(self, servers: parts.Servers,
                 power: power_module.Power) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._places = servers.storage.second.places
        self._power = power

    def stop(self, every: bool) -> list[Vm]:
        """Cut the power of the VMs of this compute node. Remove nothing.

        No program is run if no VM is alive.

        :param every: also those whose disks only this host can write to
        :returns: all that were alive
        """
        vmx_files = {self._layout.vmx(uuid): uuid
                     for uuid in self._layout.uuids()}
        return [self._stop(vmx_files[vmx], vmx, every)
                for vmx in sorted(vm_process.alive(vmx_files))]

    def _is_ours(self, uuid: str) -> bool:
        """Return whether a server is or was this node's.

        Another node may share the folder, or even the machine.
        """
        try:
            record = self._records.of_any_node(uuid)
        except exception.RecordUnreadable:
            return True
        return record is not None and (self._records.is_own(record) or
                                       self._records.was_own(record))

    def _stop(self, uuid: str, vmx: str, every: bool) -> Vm:
        if not self._is_ours(uuid):
            return Vm(uuid, vmx, State.RUNS, _OF_ANOTHER_NODE)
        reason = self._danger(uuid)
        if not (reason or every):
            return Vm(uuid, vmx, State.RUNS, _OF_THIS_HOST)
        process = vm_process.identity(vmx)
        try:
            self._power.cut(uuid)
        except exception.VmrunError as error:
            return Vm(uuid, vmx, State.FAILED, reason, str(error))
        if not vm_process.wait_until_ended(process, _END_SECONDS):
            return Vm(uuid, vmx, State.FAILED, reason,
                      'Its process does not end.')
        return Vm(uuid, vmx, State.STOPPED, reason)

    def _danger(self, uuid: str) -> str:
        """Return why another host may use what a VM writes to, or ''."""
        try:
            record = self._records.of_any_node(uuid)
            if record is None or not self._records.is_own(record) or not all(
                    map(self._places.may_write,
                        self._places.every_one(record))):
                return _ADOPTED
        except (exception.VmrunError, OSError, ValueError):
            return _UNKNOWN
        if (self._disk_lists.volumes(uuid) or
                self._layout.connected_volumes(uuid)):
            return _ON_VOLUMES
        return ''
