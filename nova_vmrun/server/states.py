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

"""The power states of VMs.

vmrun cannot report them, so this module infers them:

* running or paused: ``vmrun list`` shows the .vmx, which it does only for VMs
  of the same user;
* paused: VMware does not show it, so the driver keeps its own marker;
* suspended: not in the list, and the .vmx has ``checkpoint.vmState``;
* unknown: not in the list, but the process of a VM has its files open. The VM
  is starting, ending, or belongs to another user or session.

A state that cannot be read is UNKNOWN, never OFF: Nova would then stop a
server that a customer is using.
"""

from collections import abc
import copy
import enum
import os
import threading
import time

from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import process_identity
from nova_vmrun.server import vm_process
from nova_vmrun.tools import vmrun as vmrun_tool

LOG = logging.getLogger(__name__)

# Seconds since its last use, and in total, for which the result of ``vmrun
# list`` is reused. The many queries of Nova's power sync share one list.
_SHARED_SECONDS = 1.0
_LONGEST_SHARED_SECONDS = 60.0
# Seconds for which a failed list is not repeated, unless the driver has
# changed a VM since. It may have hung until its timeout, and each of many
# callers would wait for that in turn, as when nova-compute starts.
_SHARED_FAILURE_SECONDS = 1.0
# In the marker of a paused VM.
_FOR_COPY = 'for a copy'


class State(enum.Enum):
    RUNNING = 'running'
    PAUSED = 'paused'
    SUSPENDED = 'suspended'
    OFF = 'off'
    UNKNOWN = 'unknown'


NOT_ON = (State.OFF, State.SUSPENDED)
ON = (State.RUNNING, State.PAUSED)


class PowerStates:
    """The states of VMs, read with as few runs of ``vmrun list`` as possible.

    :param load: returns the .vmx of a server, by its id; waits if VMware is
        rewriting the file
    :param clock: returns monotonic seconds
    """

    def __init__(self, vmrun: vmrun_tool.Vmrun, layout: layout_module.Layout,
                 load: abc.Callable[[str], vmx.Vmx],
                 clock: abc.Callable[[], float] = time.monotonic) -> None:
        self._vmrun = vmrun
        self._layout = layout
        self._clock = clock
        self._load = load
        self._listing = threading.Lock()
        self._running: frozenset[str] = frozenset()
        self._processes: frozenset[str] = frozenset()
        self._listed_at = float('-inf')
        self._used_at = float('-inf')
        self._changed_at = float('-inf')
        self._failure: exception.VmrunError | None = None
        self._failed_at = float('-inf')
        # The processes of VMs that were on, by server.
        self._started: dict[str, vm_process.Identity] = {}

    def changed(self) -> None:
        """Invalidate earlier lists, because the driver changed a VM."""
        self._changed_at = self._clock()

    def started(self, uuid: str) -> None:
        """Record that vmrun has just started or listed a VM.

        While its process lives, the VM is on, and no list is needed to confirm
        it.
        """
        identity = vm_process.identity(self._layout.vmx(uuid))
        if identity is None:
            self._started.pop(uuid, None)
        else:
            self._started[uuid] = identity

    def _is_still_on(self, uuid: str) -> bool:
        """Return whether the process of a VM that was on is still alive."""
        started = self._started.get(uuid)
        if started is None:
            return False
        try:
            if process_identity.is_same(*started):
                return True
        except OSError as error:
            LOG.debug('Cannot look at the process of server %s: %s', uuid,
                      error)
            return False
        self._started.pop(uuid, None)
        return False

    def get(self, uuid: str, fresh: bool = True) -> State:
        """Return a server's state; never raise an error.

        :param uuid: of a server that has a .vmx
        :param fresh: False to accept a list that earlier queries have used,
            each of them within a second of the one before
        """
        try:
            if self.is_running(uuid, fresh):
                return State.PAUSED if self._is_paused(uuid) else State.RUNNING
            if self.is_unlisted(uuid):
                raise self.unlisted(uuid)
            return self._suspended_or_off(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.warning('The power state of server %s is unknown: %s',
                        uuid, error)
            return State.UNKNOWN

    def of_all(self, uuids: abc.Iterable[str]) -> dict[str, State]:
        """Return the states of the given servers; never raise an error.

        Run ``vmrun list`` once for all of them. If it fails, log that once.

        :param uuids: of servers that have a .vmx
        """
        uuids = list(uuids)
        if not uuids:
            return {}
        try:
            self.running()
        except exception.VmrunError as error:
            LOG.warning('Servers whose power state is unknown: %d: %s',
                        len(uuids), error)
            return dict.fromkeys(uuids, State.UNKNOWN)
        return {uuid: self.get(uuid, fresh=False) for uuid in uuids}

    def confirm(self, uuid: str) -> State:
        """Return a server's state as it is now; never raise an error.

        When Nova starts, it calls this twice for each server in turn. Reuse a
        list if it agrees with this VM's process, which may be alive or gone.
        For a VM that was on before, its process is enough.

        :param uuid: of a server that has a .vmx
        """
        try:
            if self._is_still_on(uuid):
                return State.PAUSED if self._is_paused(uuid) else State.RUNNING
        except OSError as error:
            LOG.debug('Cannot find out whether server %s is paused: %s', uuid,
                      error)
        state = self.get(uuid, fresh=not self._is_list_true_of(uuid))
        if state in ON:
            self.started(uuid)
        return state

    def is_running(self, uuid: str, fresh: bool = True) -> bool:
        """Return whether a server's VM is alive, running or paused.

        :raises VmrunError: vmrun list failed
        """
        return paths.canonical(self._layout.vmx(uuid)) in self.running(fresh)

    def listed(self, uuids: abc.Iterable[str]) -> set[str]:
        """Return those of some servers that VMware runs on this host.

        :returns: none if vmrun does not answer
        """
        try:
            running = self.running(fresh=False)
        except exception.VmrunError as error:
            LOG.warning('It is unknown which VMs run: %s', error)
            return set()
        return {uuid for uuid in uuids
                if paths.canonical(self._layout.vmx(uuid)) in running}

    def is_on(self, uuid: str) -> bool:
        """Return whether a server's VM is alive; run vmrun only if necessary.

        A VM that the driver has started or seen on is on while its process
        lives. Only the others need a new list.

        :raises VmrunError: vmrun list failed
        """
        return self._is_still_on(uuid) or self.is_running(uuid)

    def is_unlisted(self, uuid: str) -> bool:
        """Return whether a VM is alive but missing from the last list.

        Then it is starting, ending, or belongs to another user or session.
        """
        path = paths.canonical(self._layout.vmx(uuid))
        return path not in self._running and (
            path in self._processes or
            vm_process.is_held_by_vm(self._layout.folder(uuid)))

    def _is_list_true_of(self, uuid: str) -> bool:
        """Return whether the last list agrees with the process of a VM."""
        if paths.canonical(self._layout.vmx(uuid)) in self._running:
            return vm_process.is_alive(self._layout.vmx(uuid))
        return not self.is_unlisted(uuid)

    def unlisted(self, uuid: str) -> exception.VmUnlisted:
        """Return the error for a VM that is alive and not in the list."""
        return exception.VmUnlisted(
            'A VM of server %s is alive, but "vmrun list" does not show it.'
            % uuid, 'A vmware-vmx process uses the files in %s.'
            % self._layout.folder(uuid),
            'Wait if it is just starting or ending. Otherwise it belongs to '
            'another user or session: stop it there, or end its process.')

    def running(self, fresh: bool = True) -> frozenset[str]:
        """Return the canonical .vmx paths of all live VMs of this user.

        :raises VmrunError: vmrun list failed
        """
        called = self._clock()
        # Callers that waited here may use a list that began after their call.
        with self._listing:
            oldest = called if fresh else self._oldest_shared(called)
            if self._listed_at < max(oldest, self._changed_at):
                self._raise_shared_failure(called)
                self._list()
            self._used_at = self._clock()
            return self._running

    def _raise_shared_failure(self, called: float) -> None:
        """Raise the last list's error if the call began before the list ended.

        The error stays in effect for a second unless the driver changes a VM.
        """
        until = self._failed_at
        if self._changed_at <= self._failed_at:
            until += _SHARED_FAILURE_SECONDS
        if self._failure and called <= until:
            raise copy.copy(self._failure)

    def _list(self) -> None:
        began = self._clock()
        try:
            running = frozenset(map(paths.canonical, self._vmrun.list()))
        except exception.VmrunError as error:
            self._failure = copy.copy(error)
            self._failed_at = self._clock()
            raise
        # Keep this order: otherwise a VM that starts between the two would be
        # in neither.
        self._processes = frozenset(
            map(paths.canonical, vm_process.vmx_paths()))
        self._running = running
        self._listed_at = began
        self._failure = None

    def _oldest_shared(self, called: float) -> float:
        is_in_use = called - self._used_at <= _SHARED_SECONDS
        return called - (_LONGEST_SHARED_SECONDS if is_in_use
                         else _SHARED_SECONDS)

    def _suspended_or_off(self, uuid: str) -> State:
        # VMware takes a second or two to rewrite the .vmx after a suspend.
        keys = self._load(uuid)
        return State.SUSPENDED if keys.get(vmx.MEMORY) else State.OFF

    # VMware does not show that a VM is paused, so a marker records which
    # process was paused. It says nothing about any other process.

    def mark_paused(self, uuid: str, for_copy: bool = False) -> None:
        """Record that a server's VM is about to be paused.

        :param for_copy: whether it is paused only to copy its disks, without
            Nova's knowledge
        """
        identity = vm_process.identity(self._layout.vmx(uuid))
        mark = [*identity, _FOR_COPY] if identity and for_copy else identity
        files.write_atomically(self._layout.paused(uuid),
                               jsonutils.dumps(mark))

    def unmark_paused(self, uuid: str) -> None:
        """Record that a server's VM is no longer paused."""
        try:
            os.remove(self._layout.paused(uuid))
        except FileNotFoundError:
            LOG.debug('Server %s was not marked as paused', uuid)

    def marks_paused(self, uuid: str, process: vm_process.Identity) -> bool:
        """Return whether the driver paused a process, even one that ended."""
        return self._marked_process(uuid) == process

    def is_paused_for_copy(self, uuid: str) -> bool:
        """Return whether a VM is paused and was marked with for_copy."""
        return self._read_mark(uuid)[1] and self._is_paused(uuid)

    def _marked_process(self, uuid: str) -> vm_process.Identity | None:
        return self._read_mark(uuid)[0]

    def _read_mark(self, uuid: str) -> tuple[vm_process.Identity | None, bool]:
        """Return the marked process, and whether it is paused for a copy."""
        try:
            pid, birth, *reasons = jsonutils.loads(
                files.read(self._layout.paused(uuid)))
        except (FileNotFoundError, ValueError, TypeError):
            return None, False
        return (pid, birth), reasons == [_FOR_COPY]

    def _is_paused(self, uuid: str) -> bool:
        marked = self._marked_process(uuid)
        if not marked:
            return False
        now = vm_process.identity(self._layout.vmx(uuid))
        return (process_identity.is_same(*marked) and
                (now is None or now[0] == marked[0]))
