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

"""The one reader of VMs' power states.

vmrun has no verb for it. What can be known:

* running or paused: the .vmx is in ``vmrun list``, of the same user only;
* paused: nothing tells, so we keep a marker of our own;
* suspended: not in the list, and ``checkpoint.vmState`` in the .vmx is set;
* starting, ending, or of another user or session: not in the list, and a
  process of a VM has its files open all the same. That is UNKNOWN.

Whatever cannot be read is UNKNOWN. It must never pass for OFF: Nova would
then stop a server that a customer is using.
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
from nova_vmrun.server import process_identity
from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

# How long one ``vmrun list`` answers for all VMs, in seconds: for so long
# after the last answer, so that the many questions of Nova's power sync share
# one list, and for no longer than this in all.
_SHARED_SECONDS = 1.0
_LONGEST_SHARED_SECONDS = 60.0
# How long a list that failed answers for who asks later, unless we changed a
# VM since. It may have hung for its whole timeout, which many who ask in turn
# would each wait, nova-compute at its start among them.
_SHARED_FAILURE_SECONDS = 1.0


class State(enum.Enum):
    RUNNING = 'running'
    PAUSED = 'paused'
    SUSPENDED = 'suspended'
    OFF = 'off'
    UNKNOWN = 'unknown'


NOT_ON = (State.OFF, State.SUSPENDED)
ON = (State.RUNNING, State.PAUSED)


class PowerStates:
    """Reads states, with as few ``vmrun list`` as can be.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param layout: a nova_vmrun.server.layout.Layout
    :param load: returns the Vmx of a server, by its uuid; waits for VMware
        if that is rewriting it
    :param clock: a monotonic clock in seconds
    """

    def __init__(self, vmrun, layout, load: abc.Callable[[str], vmx.Vmx],
                 clock=time.monotonic):
        self._vmrun = vmrun
        self._layout = layout
        self._clock = clock
        self._load = load
        self._listing = threading.Lock()
        self._running = frozenset()
        self._processes = frozenset()
        self._listed_at = float('-inf')
        self._answered_at = float('-inf')
        self._changed_at = float('-inf')
        self._failure = None
        self._failed_at = float('-inf')
        # The processes of VMs that were on: ids and times of birth, by server.
        self._started: dict[str, vm_process.Identity] = {}

    def changed(self):
        """Says that we changed a VM: what was listed before is void."""
        self._changed_at = self._clock()

    def started(self, uuid: str) -> None:
        """Says that vmrun has just started a VM, or listed it.

        As long as its process lives, the VM is on: no list is needed to
        confirm that.
        """
        identity = vm_process.identity(self._layout.vmx(uuid))
        if identity is None:
            self._started.pop(uuid, None)
        else:
            self._started[uuid] = identity

    def _is_still_on(self, uuid: str) -> bool:
        """Tells whether the process of a VM that was on is alive."""
        started = self._started.get(uuid)
        if started is None:
            return False
        try:
            if process_identity.is_same(*started):
                return True
        except OSError as error:
            LOG.debug('The process of server %s tells nothing: %s', uuid,
                      error)
            return False
        self._started.pop(uuid, None)
        return False

    def get(self, uuid, fresh=True):
        """Returns a server's State; never raises.

        :param uuid: of the instance; its .vmx exists
        :param fresh: False accepts what was true when the first of many who
            ask one after the other, without a pause of a second, was answered
        """
        try:
            if self.is_running(uuid, fresh):
                return State.PAUSED if self._is_paused(uuid) else State.RUNNING
            if self.is_unlisted(uuid):
                raise self.unlisted(uuid)
            return self._state_at_rest(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.warning('The power state of server %s is unknown: %s',
                        uuid, error)
            return State.UNKNOWN

    def of_all(self, uuids: abc.Iterable[str]) -> dict[str, State]:
        """Returns the State of each of some servers; never raises.

        One new ``vmrun list`` answers for all of them. If it fails, that is
        logged once.

        :param uuids: of instances; their .vmx exist
        """
        uuids = list(uuids)
        if not uuids:
            return {}
        try:
            self.running()
        except exception.VmrunError as error:
            LOG.warning('The power states of %d servers are unknown: %s',
                        len(uuids), error)
            return dict.fromkeys(uuids, State.UNKNOWN)
        return {uuid: self.get(uuid, fresh=False) for uuid in uuids}

    def confirm(self, uuid):
        """Returns a server's State as it is now; never raises.

        Nova asks so for each server in turn, twice, when it starts. What was
        listed for others serves as long as the process of this VM, alive or
        gone, says the same now. Of a VM that was on before, its process says
        enough.

        :param uuid: of the instance; its .vmx exists
        """
        try:
            if self._is_still_on(uuid):
                return State.PAUSED if self._is_paused(uuid) else State.RUNNING
        except OSError as error:
            LOG.debug('Whether server %s is paused is not known: %s', uuid,
                      error)
        state = self.get(uuid, fresh=not self._holds(uuid))
        if state in ON:
            self.started(uuid)
        return state

    def is_running(self, uuid, fresh=True):
        """Tells whether a server has a live VM, running or paused.

        :raises VmrunError: vmrun list failed
        """
        return paths.canonical(self._layout.vmx(uuid)) in self.running(fresh)

    def is_on(self, uuid: str) -> bool:
        """Tells whether a server has a live VM, at the least expense.

        A VM that we have started, or have seen on, is on while its process
        lives; only of others a new list is asked for.

        :raises VmrunError: vmrun list failed
        """
        return self._is_still_on(uuid) or self.is_running(uuid)

    def is_unlisted(self, uuid):
        """Tells whether a VM is alive that the last list did not have.

        It is about to start or to end, or of another user or session.
        """
        path = paths.canonical(self._layout.vmx(uuid))
        return path not in self._running and (
            path in self._processes or
            vm_process.is_held_by_vm(self._layout.folder(uuid)))

    def _holds(self, uuid):
        """Tells by its process whether the last list is still true of a VM."""
        if paths.canonical(self._layout.vmx(uuid)) in self._running:
            return vm_process.is_alive(self._layout.vmx(uuid))
        return not self.is_unlisted(uuid)

    def unlisted(self, uuid):
        """Returns the error for a VM that is alive and not in the list."""
        return exception.VmUnlisted(
            'A VM of server %s is alive and vmrun does not list it.' % uuid,
            'A vmware-vmx process uses the files in %s.'
            % self._layout.folder(uuid),
            'Wait if it is just starting or ending. Else it is of another '
            'user or session: stop it there, or end its process.')

    def running(self, fresh=True):
        """Returns the canonical .vmx paths of all live VMs of this user.

        :raises VmrunError: vmrun list failed
        """
        asked = self._clock()
        # Whoever waits here may use a list that began after it asked.
        with self._listing:
            oldest = asked if fresh else self._oldest_shared(asked)
            if self._listed_at < max(oldest, self._changed_at):
                self._pass_on_failure(asked)
                self._list()
            self._answered_at = self._clock()
            return self._running

    def _pass_on_failure(self, asked):
        """Fails as the last list did, for who asked before that ended."""
        until = self._failed_at
        if self._changed_at <= self._failed_at:
            until += _SHARED_FAILURE_SECONDS
        if self._failure and asked <= until:
            raise copy.copy(self._failure)

    def _list(self):
        began = self._clock()
        try:
            running = frozenset(map(paths.canonical, self._vmrun.list()))
        except exception.VmrunError as error:
            self._failure = copy.copy(error)
            self._failed_at = self._clock()
            raise
        # Looked for after the list: what has just been started would be in
        # neither else.
        self._processes = frozenset(
            map(paths.canonical, vm_process.vmx_paths()))
        self._running = running
        self._listed_at = began
        self._failure = None

    def _oldest_shared(self, asked):
        goes_on = asked - self._answered_at <= _SHARED_SECONDS
        return asked - (_LONGEST_SHARED_SECONDS if goes_on
                        else _SHARED_SECONDS)

    def _state_at_rest(self, uuid):
        # VMware takes a second or two to rewrite it after a suspend.
        keys = self._load(uuid)
        return (State.SUSPENDED if keys.get('checkpoint.vmState')
                else State.OFF)

    # A pause leaves no trace that could be read, so a marker records which
    # process was paused. It is void for any other process.

    def mark_paused(self, uuid):
        """Records that a server's VM is about to be paused."""
        identity = vm_process.identity(self._layout.vmx(uuid))
        files.write_atomically(self._layout.paused(uuid),
                               jsonutils.dumps(identity))

    def unmark_paused(self, uuid):
        """Records that a server's VM is not paused any more."""
        try:
            os.remove(self._layout.paused(uuid))
        except FileNotFoundError:
            LOG.debug('Server %s was not marked as paused', uuid)

    def marks_paused(self, uuid: str,
                     process: tuple[int, str | float]) -> bool:
        """Tells whether a process, which may have ended, was paused by us.

        :param process: pid and birth, as vm_process.identity returns them
        """
        return self._marked(uuid) == list(process)

    def _marked(self, uuid: str) -> list | None:
        try:
            with open(self._layout.paused(uuid), 'rb') as file:
                return jsonutils.load(file)
        except (FileNotFoundError, ValueError):
            return None

    def _is_paused(self, uuid):
        marked = self._marked(uuid)
        if not marked:
            return False
        pid, birth = marked
        now = vm_process.identity(self._layout.vmx(uuid))
        return (process_identity.is_same(pid, birth) and
                (now is None or now[0] == pid))
