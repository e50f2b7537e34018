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

"""The VMs that run on a host which its cloud does not let in any more.

Nova cannot be asked about them. If the host was removed, its servers are
elsewhere or deleted. If a key was lost, they are still here. So without an
operator's word only local evidence counts that another host has the disks.
"""

from collections.abc import Iterator
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
    #: left alone; its server may be on this node
    RUNS = 'runs'
    #: left alone, though another host has its disks
    ADOPTED = 'adopted'
    #: left alone; it is another compute node's
    FOREIGN = 'foreign'
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

    def running(self) -> list[Vm]:
        """Return all VMs that are alive, and change nothing.

        No program is run.
        """
        return list(self._alive())

    def stop(self, every: bool) -> list[Vm]:
        """Cut the power of the VMs of this compute node. Remove nothing.

        No program is run if no VM is alive.

        :param every: an operator says that Nova has no servers here; otherwise
            only the VMs whose disks another host has
        :returns: all that were alive
        """
        return [self._stop(vm) if vm.state is State.ADOPTED or (
            every and vm.state is State.RUNS) else vm
            for vm in self._alive()]

    def _alive(self) -> Iterator[Vm]:
        vmx_files = {self._layout.vmx(uuid): uuid
                     for uuid in self._layout.uuids()}
        for vmx in sorted(vm_process.alive(vmx_files)):
            uuid = vmx_files[vmx]
            if self._is_ours(uuid):
                reason = self._reason(uuid)
                yield Vm(uuid, vmx, State.ADOPTED if reason == _ADOPTED
                         else State.RUNS, reason)
            else:
                yield Vm(uuid, vmx, State.FOREIGN, _OF_ANOTHER_NODE)

    def _is_ours(self, uuid: str) -> bool:
        """Return whether a server is or was this node's, or may be.

        Another node may share the folder, or even the machine.
        """
        try:
            record = self._records.of_any_node(uuid)
        except exception.RecordUnreadable:
            return True
        return record is not None and (self._records.is_own(record) or
                                       self._records.was_own(record))

    def _stop(self, vm: Vm) -> Vm:
        process = vm_process.identity(vm.vmx)
        try:
            self._power.cut(vm.uuid)
        except exception.VmrunError as error:
            return dataclasses.replace(vm, state=State.FAILED,
                                       error=str(error))
        if not vm_process.wait_until_ended(process, _END_SECONDS):
            return dataclasses.replace(vm, state=State.FAILED,
                                       error='Its process does not end.')
        return dataclasses.replace(vm, state=State.STOPPED)

    def _reason(self, uuid: str) -> str:
        """Return what is known about who uses the disks of a VM."""
        try:
            record = self._records.of_any_node(uuid)
            if record is None:
                return _UNKNOWN
            if not self._records.is_own(record) or not all(
                    map(self._places.may_write,
                        self._places.every_one(record))):
                return _ADOPTED
            if (self._disk_lists.volumes(uuid) or
                    self._layout.connected_volumes(uuid)):
                return _ON_VOLUMES
        except (exception.VmrunError, OSError, ValueError):
            return _UNKNOWN
        return _OF_THIS_HOST
