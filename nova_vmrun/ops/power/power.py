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

"""Power: on, off, reboot, pause and suspend.

Each method may be called in any state, and again after an interruption. After
a command fails or hangs, look up the state: a stop that failed because the VM
is off has done its job.
"""

from collections import abc
import functools
import os
import time
from typing import Any

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.ops import access as access_module
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import guest_requests
from nova_vmrun.ops.power import start
from nova_vmrun.ops.power import start_errors
from nova_vmrun.ops.power import time_limits
from nova_vmrun.server import states
from nova_vmrun.server import vm_log
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

_MEMORY_OF_SNAPSHOT = 'checkpoint.vmState.readOnly'

_RELEASE_SECONDS = 60
_END_SECONDS = 10
_POLL_SECONDS = 1.0


class Power:
    """The power operations on servers.

    :param events: reports changes of VMs by others to Nova, and must ignore
        the changes made here
    """

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 access: access_module.Access,
                 events: lifecycle_events.LifecycleEvents) -> None:
        self._vmrun = host.vmrun
        self._product = host.product
        self._conf = host.conf.vmrun
        self._states = servers.states
        self._layout = servers.layout
        self._vmx_files = servers.vmx_files
        self._second = servers.storage.second
        self._serial_consoles = access.serial_consoles
        self._consoles = access.consoles
        self._guest_agents = access.guest_agents
        self._guest = guest_requests.GuestRequests(
            access.guest_agents, servers.layout, servers.states)
        self._events = events
        self._limits = time_limits.TimeLimits(self._conf, self._vmx_files)
        self._starter = start.Starter(host, servers, self._limits,
                                      self._change)

    @lifecycle_events.by_us()
    def on(self, uuid: str, rewrite: vmx_file.Rewrite | None = None,
           goes_on: abc.Callable[[], None] | None = None) -> None:
        """Start a server, or resume it if it is suspended.

        Do nothing to a server that is running.

        :param rewrite: updates the .vmx of a VM that is off
        :param goes_on: called instead, once the VM runs, if it was not off
            and so has the hardware that it had
        :raises VmrunError: with the last messages of vmware.log
        :raises InvalidConfiguration: no VNC port is left
        """
        with self._vmx_files.opened(uuid) as file:
            was_rewritten, was_suspended = self._start(file, rewrite)
        if goes_on and not was_rewritten:
            goes_on()
        if was_suspended:
            self._guest.set_clock(uuid)

    def _start(self, file: vmx_file.OpenVmx,
               rewrite: vmx_file.Rewrite | None = None
               ) -> tuple[bool, bool]:
        """Start a server.

        :returns: whether the .vmx was updated, and whether it was suspended
        """
        uuid, keys, was_rewritten = file.uuid, vmx.Vmx(), False
        try:
            self._forget_lost_memory(file)
        except (exception.VmNotFound, exception.InvalidVmx) as error:
            LOG.debug('VMware will not start server %s: %s', uuid, error)
        else:
            if rewrite and self._is_off(file):
                rewrite(file)
                was_rewritten = True
            else:
                self._consoles.before_start(file)
            keys = file.keys
        # From now on the guest writes to these disks.
        self._second.write(uuid)
        self._serial_consoles.before_start(uuid)
        self._guest_agents.before_start(uuid)
        self._starter.start(uuid, self._consoles.has_window(uuid), keys)
        return was_rewritten, bool(keys.get(vmx.MEMORY))

    def _is_off(self, file: vmx_file.OpenVmx) -> bool:
        return not (file.keys.get(vmx.MEMORY) or
                    vm_process.is_in_use(self._layout.vmx(file.uuid)))

    def _forget_lost_memory(self, file: vmx_file.OpenVmx) -> None:
        """Let a server start although its memory file is missing.

        VMware deletes the file when a server resumes and writes the .vmx
        later. After a power cut in between, it would never start the server
        again.
        """
        checkpoint = file.keys.get(vmx.MEMORY)
        folder = self._layout.folder(file.uuid)
        if checkpoint and not (
                os.path.exists(os.path.join(folder, checkpoint)) or
                vm_process.is_locked(folder)):
            LOG.warning('Server %s boots from its disks, because its memory '
                        'file %s is missing', file.uuid, checkpoint)
            self._forget_memory(file)

    @lifecycle_events.by_us(ends=True)
    def off(self, uuid: str, timeout: float = 0) -> None:
        """Stop a server; a suspended server keeps its memory file.

        :param timeout: seconds for the guest to shut down, perhaps from a
            tenant; 0 powers the VM off immediately
        :raises VmUnlisted: a VM that vmrun does not list has its files open
        :raises VmrunError: it still runs, or VMware still writes to its files
        """
        timeout = self._bounded(uuid, timeout)
        process = vm_process.identity(self._layout.vmx(uuid))
        if not (timeout and self._shut_down(uuid, timeout)):
            self._change(uuid, states.NOT_ON, self._vmrun.stop)
        self._states.unmark_paused(uuid)
        folder = self._layout.folder(uuid)
        if not vm_process.wait_until_released(folder, _RELEASE_SECONDS):
            raise exception.FileInUse(
                'Server %s is stopped, but its files are still in use.'
                % uuid, 'After %d seconds, a process still has locks in %s.'
                % (_RELEASE_SECONDS, folder),
                'Try again when the disks of this host are less busy, or end '
                'the process.')
        # Until the process has ended, Nova would get an unknown state.
        vm_process.wait_until_ended(process, _END_SECONDS)

    def cut(self, uuid: str) -> None:
        """Cut the power of a VM whose folder may be another host's.

        :raises VmrunError: it may still run
        """
        self._vmrun.stop(self._layout.vmx(uuid))
        self._states.changed()

    def _bounded(self, uuid: str, timeout: float) -> float:
        """Return the seconds that a guest gets, whatever its image says."""
        longest: float = self._conf.max_shutdown_timeout
        if timeout > longest:
            LOG.info('Server %s gets %d seconds to shut down instead of %d, '
                     'because of [vmrun] max_shutdown_timeout',
                     uuid, longest, timeout)
        return max(0, min(timeout, longest))

    def _shut_down(self, uuid: str, timeout: float) -> bool:
        """Ask the guest to shut down, and return whether it has."""
        deadline = time.monotonic() + timeout
        if self._guest.shut_down(uuid):
            return self._is_off_by(uuid, deadline)
        timeout = deadline - time.monotonic()
        if timeout <= 0:
            return False
        try:
            self._vmrun.stop(self._layout.vmx(uuid), hard=False,
                             timeout=timeout)
        except exception.NotPoweredOn:
            return True
        except (exception.ToolsNotRunning, exception.VmPaused,
                exception.ToolNotFound) as error:
            LOG.info('Cannot ask the guest of server %s to shut down: %s',
                     uuid, error)
            return False
        except exception.VmrunError as error:
            LOG.info('The guest of server %s does not shut down: %s',
                     uuid, error)
        finally:
            self._states.changed()
        # vmrun may return before the guest is down.
        return self._is_off_by(uuid, deadline)

    def _is_off_by(self, uuid: str, deadline: float) -> bool:
        """Wait until a server is off, and return whether it is.

        :param deadline: monotonic seconds
        """
        while self._states.get(uuid) not in states.NOT_ON:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    @lifecycle_events.by_us()
    def reboot_soft(self, uuid: str,
                    prepare: abc.Callable[[], vmx_file.Rewrite]) -> None:
        """Ask the guest to restart; fall back to a hard reboot.

        :param prepare: returns the rewrite for on and reboot_hard; called
            only if the VM has to be started
        """
        timeout = self._conf.wait_soft_reboot_seconds
        if not timeout:
            self.reboot_hard(uuid, prepare())
            return
        deadline = time.monotonic() + timeout
        if self._guest.shut_down(uuid):
            # A guest that shuts itself down loses nothing, and its next start
            # applies what Nova has changed since the last one.
            if not self._is_off_by(uuid, deadline):
                LOG.info('The guest of server %s does not shut down, '
                         'rebooting hard', uuid)
            self.reboot_hard(uuid, prepare())
            return
        try:
            self._vmrun.reset(self._layout.vmx(uuid), hard=False,
                              timeout=timeout)
        except exception.VmrunError as error:
            LOG.info('The guest of server %s does not restart, rebooting '
                     'hard: %s', uuid, error)
            self.reboot_hard(uuid, prepare())
            return
        finally:
            self._states.changed()
        # Some guests are off after a reset.
        if self._states.get(uuid) not in states.ON:
            self.on(uuid, prepare())

    @lifecycle_events.by_us()
    def reboot_hard(self, uuid: str,
                    rewrite: vmx_file.Rewrite | None = None) -> None:
        """Restart a server from its disks, whatever its state.

        :param rewrite: updates the .vmx while the VM is off, and restores a
            missing one
        """
        is_lost = not self._vmx_files.exists(uuid)
        if not is_lost or self._states.is_running(uuid):
            if is_lost and rewrite:
                # vmrun needs the .vmx to find a running VM.
                with self._vmx_files.opened(uuid) as file:
                    rewrite(file)
            self.off(uuid)
        with self._vmx_files.opened(uuid) as file:
            if file.exists():
                self._forget_memory(file)
            if rewrite:
                rewrite(file)
            self._start(file)

    @lifecycle_events.holding
    def pause(self, uuid: str, for_copy: bool = False) -> None:
        """Stop a server's CPUs.

        :param for_copy: whether it is only for a copy of the server's disks,
            not on the user's request; see ops.quiesce
        :raises NotSupported: the product cannot do it
        :raises VmPaused: it was paused in VMware, and for_copy is True
        """
        self._require(self._product.can_pause, 'pause')
        # Write the marker first: nothing else shows that a VM is paused.
        self._states.mark_paused(uuid, for_copy)
        try:
            self._vmrun.pause(self._layout.vmx(uuid))
        except exception.VmPaused:
            LOG.info('Server %s is already paused', uuid)
            if for_copy:
                self._states.unmark_paused(uuid)
                raise
        except exception.ToolTimeout:
            # The VM may be paused or not. Unpausing it is right either way.
            raise
        except exception.VmrunError:
            self._states.unmark_paused(uuid)
            raise
        finally:
            self._states.changed()

    @lifecycle_events.holding
    def unpause(self, uuid: str) -> None:
        """Let a paused server continue.

        :raises NotSupported: the product cannot do it
        """
        self._require(self._product.can_pause, 'unpause')
        try:
            self._vmrun.unpause(self._layout.vmx(uuid))
        except (exception.ToolTimeout, exception.ToolNotFound):
            raise
        except exception.VmrunError as error:
            # Somebody unpaused it in the VMware window. vmrun has no other
            # reason to refuse while a VM is on.
            if not self._states.is_running(uuid):
                raise
            LOG.warning('Assuming that server %s is running after: %s',
                        uuid, error)
        self._states.unmark_paused(uuid)
        self._states.changed()
        self._guest.set_clock(uuid)

    @lifecycle_events.by_us(ends=True)
    def suspend(self, uuid: str) -> None:
        """Write a server's memory to its folder and stop its VM."""
        process = vm_process.identity(self._layout.vmx(uuid))
        self._change(uuid, (states.State.SUSPENDED,), self._vmrun.suspend,
                     timeout=self._limits.suspend(uuid))
        self._states.unmark_paused(uuid)
        vm_process.wait_until_released(self._layout.folder(uuid),
                                       _RELEASE_SECONDS)
        vm_process.wait_until_ended(process, _END_SECONDS)

    def forget_memory(self, uuid: str) -> None:
        """Delete the memory file of a suspended server, which is then off.

        A file that belongs to a snapshot is kept, but no longer used.
        """
        with self._vmx_files.opened(uuid) as file:
            if file.exists():
                self._forget_memory(file)

    def _forget_memory(self, file: vmx_file.OpenVmx) -> None:
        checkpoint = file.keys.get(vmx.MEMORY)
        if not checkpoint:
            return
        is_ours = (checkpoint.endswith('.vmss') and
                   not file.keys.get_bool(_MEMORY_OF_SNAPSHOT))
        file.edit(_drop_memory)
        if is_ours:
            memory = os.path.splitext(checkpoint)[0] + '.vmem'
            for name in (checkpoint, memory):
                self._remove_from_folder(file.uuid, name)

    def _remove_from_folder(self, uuid: str, name: str) -> None:
        path = os.path.join(self._layout.folder(uuid), os.path.basename(name))
        if os.path.exists(path):
            os.remove(path)

    def _require(self, capability: bool, verb: str) -> None:
        if not capability:
            raise exception.NotSupported(
                '%s cannot %s a server.' % (self._product.name, verb),
                resolution='Use VMware Workstation Pro or Fusion, or suspend '
                           'the server instead.')

    def _change(self, uuid: str, wanted: abc.Container[states.State],
                verb: abc.Callable[..., None], **options: Any) -> None:
        """Run a verb of vmrun, and check that the state is as wanted."""
        log = self._layout.vmware_log(uuid)
        before = vm_log.mark(log)
        try:
            verb(self._layout.vmx(uuid), **options)
        except exception.VmrunError as error:
            if self._state_after(uuid, error) not in wanted:
                if isinstance(error, exception.NotPoweredOn) and (
                        self._states.is_unlisted(uuid)):
                    raise self._states.unlisted(uuid) from error
                start_errors.explain(
                    error, vm_log.read(log, before),
                    functools.partial(self._vmx_files.load, uuid))
                raise
            LOG.info('Server %s is in the right state after: %s',
                     uuid, error)
        else:
            if wanted == states.ON:
                self._states.started(uuid)
        finally:
            self._states.changed()

    def _state_after(self, uuid: str,
                     error: exception.VmrunError) -> states.State:
        """Return a server's state after a verb has failed."""
        self._states.changed()
        state: states.State = self._states.get(uuid)
        if not isinstance(error, (exception.ToolTimeout,
                                  exception.NotPoweredOn)):
            return state
        # vmrun lists a VM late in its start and drops it early in its stop.
        deadline = time.monotonic() + _RELEASE_SECONDS
        while (state is states.State.UNKNOWN and
               self._states.is_unlisted(uuid) and
               time.monotonic() < deadline):
            time.sleep(_POLL_SECONDS)
            state = self._states.get(uuid)
        return state


def _drop_memory(keys: vmx.Vmx) -> None:
    for key in (vmx.MEMORY, _MEMORY_OF_SNAPSHOT):
        keys.pop(key, None)
