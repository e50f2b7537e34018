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

"""Power: on, off, reboot, pause, suspend.

Each method may be called in any state, and again after it was interrupted.
When a command fails or hangs the state is looked up: a stop that failed on a
VM that is off has done what it should.
"""

from collections import abc
import functools
import os
import time

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.ops.power import start
from nova_vmrun.ops.power import start_errors
from nova_vmrun.ops.power import time_limits
from nova_vmrun.server import states
from nova_vmrun.server import vm_log
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

_MEMORY = 'checkpoint.vmState'
_MEMORY_OF_SNAPSHOT = 'checkpoint.vmState.readOnly'

_RELEASE_SECONDS = 60
_END_SECONDS = 10
_POLL_SECONDS = 1.0


class Power:
    """Changes the power state of servers.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param product: a nova_vmrun.host.product.Product
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    :param serials: a nova_vmrun.ops.serial_consoles.SerialConsoles
    :param consoles: a nova_vmrun.ops.consoles.Consoles
    :param conf: the [vmrun] options
    :param events: a nova_vmrun.ops.lifecycle_events.LifecycleEvents, which
        must not take what we do here for what others do
    """

    def __init__(self, vmrun, product, power_states, layout, records,
                 serials, consoles, conf, events):
        self._vmrun = vmrun
        self._product = product
        self._states = power_states
        self._layout = layout
        self._records = records
        self._serials = serials
        self._consoles = consoles
        self._conf = conf
        self._vmx_files = vmx_file.VmxFiles(layout)
        self._events = events
        self._limits = time_limits.TimeLimits(conf, self._vmx_files)
        self._starter = start.Starter(
            vmrun, power_states, layout, self._limits, conf, self._change)

    @lifecycle_events.by_us()
    def on(self, uuid: str,
           rewrite: vmx_file.Rewrite | None = None) -> None:
        """Starts a server, or resumes it with its memory if it is suspended.

        A server that runs already stays as it is.

        :param rewrite: brings the .vmx of a VM that is off to what Nova says

        :raises VmrunError: with the last messages of vmware.log
        :raises InvalidConfiguration: no port is left for its screen
        """
        with self._vmx_files.opened(uuid) as file:
            self._start(file, rewrite)

    def _start(self, file: vmx_file.OpenVmx,
               rewrite: vmx_file.Rewrite | None = None) -> None:
        uuid, keys = file.uuid, vmx.Vmx()
        try:
            self._forget_lost_memory(file)
        except (exception.VmNotFound, exception.InvalidVmx) as error:
            LOG.debug('VMware will refuse server %s: %s', uuid, error)
        else:
            if rewrite and self._is_off(file):
                rewrite(file)
            else:
                self._consoles.before_start(file)
            keys = file.keys
        self._serials.before_start(uuid)
        self._starter.start(uuid, self._consoles.has_window(uuid), keys)

    def _is_off(self, file: vmx_file.OpenVmx) -> bool:
        return not (file.keys.get(_MEMORY) or
                    vm_process.is_in_use(self._layout.vmx(file.uuid)))

    def _forget_lost_memory(self, file: vmx_file.OpenVmx) -> None:
        """Lets a server start whose memory file is gone.

        VMware removes it when a server resumes, and writes the .vmx later; it
        would refuse the server for ever if the power was cut between.
        """
        checkpoint = file.keys.get(_MEMORY)
        folder = self._layout.folder(file.uuid)
        if checkpoint and not (
                os.path.exists(os.path.join(folder, checkpoint)) or
                vm_process.is_locked(folder)):
            LOG.warning('The memory of server %s is lost, so it boots from '
                        'its disks: %s is missing', file.uuid, checkpoint)
            self._forget_memory(file)

    @lifecycle_events.by_us(ends=True)
    def off(self, uuid, timeout=0):
        """Stops a server; a suspended one keeps its memory file.

        :param timeout: seconds that the guest gets to shut down by itself,
            which a tenant may have chosen; 0 cuts the power at once
        :raises VmUnlisted: a VM that vmrun does not list has its files open
        :raises VmrunError: it runs, or VMware still writes to its files
        """
        timeout = self._patience(uuid, timeout)
        process = vm_process.identity(self._layout.vmx(uuid))
        if not (timeout and self._shut_down(uuid, timeout)):
            self._change(uuid, states.NOT_ON, self._vmrun.stop)
        self._states.unmark_paused(uuid)
        folder = self._layout.folder(uuid)
        if not vm_process.wait_until_released(folder, _RELEASE_SECONDS):
            raise exception.FileInUse(
                'Server %s is stopped, but its files are still in use.'
                % uuid, 'After %d seconds a process holds locks in %s.'
                % (_RELEASE_SECONDS, folder),
                'Try again when the disks of this host are less busy, or end '
                'the process.')
        # While it ends, its server would be in no state that Nova knows.
        vm_process.wait_until_ended(process, _END_SECONDS)

    def _patience(self, uuid: str, timeout: float) -> float:
        """Returns how long a guest is waited for, whatever its image says."""
        longest = self._conf.max_shutdown_timeout
        if timeout > longest:
            LOG.info('Server %s gets %d seconds to shut down instead of %d: '
                     'that is [vmrun] max_shutdown_timeout',
                     uuid, longest, timeout)
        return max(0, min(timeout, longest))

    def _shut_down(self, uuid, timeout):
        """Asks the guest to shut down; tells whether it has."""
        deadline = time.monotonic() + timeout
        try:
            self._vmrun.stop(self._layout.vmx(uuid), hard=False,
                             timeout=timeout)
        except exception.NotPoweredOn:
            return True
        except (exception.ToolsNotRunning, exception.VmPaused,
                exception.ToolNotFound) as error:
            LOG.info('Server %s cannot be asked to shut down: %s',
                     uuid, error)
            return False
        except exception.VmrunError as error:
            LOG.info('Server %s does not shut down by itself: %s',
                     uuid, error)
        finally:
            self._states.changed()
        # vmrun may return before the guest is down.
        while self._states.get(uuid) not in states.NOT_ON:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    @lifecycle_events.by_us()
    def reboot_soft(self, uuid: str,
                    prepare: abc.Callable[[], vmx_file.Rewrite]) -> None:
        """Lets the guest restart; falls back to a hard reboot.

        :param prepare: returns what on and reboot_hard take, for a VM that
            has to be started
        """
        patience = self._conf.wait_soft_reboot_seconds
        if not patience:
            self.reboot_hard(uuid, prepare())
            return
        try:
            self._vmrun.reset(self._layout.vmx(uuid), hard=False,
                              timeout=patience)
        except exception.VmrunError as error:
            LOG.info('Server %s does not restart by itself, it is reset: %s',
                     uuid, error)
            self.reboot_hard(uuid, prepare())
            return
        finally:
            self._states.changed()
        # Some guests end up off after a reset.
        if self._states.get(uuid) not in states.ON:
            self.on(uuid, prepare())

    @lifecycle_events.by_us()
    def reboot_hard(self, uuid: str,
                    rewrite: vmx_file.Rewrite | None = None) -> None:
        """Restarts a server from its disks, whatever state it is in.

        :param rewrite: called while the VM is off, writes its .vmx anew; it
            brings back one that is lost
        """
        is_lost = not self._vmx_files.exists(uuid)
        if not is_lost or self._states.is_running(uuid):
            if is_lost and rewrite:
                # vmrun finds a VM by its .vmx, also one that runs.
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
    def pause(self, uuid):
        """Stops a server's CPUs.

        :raises NotSupported: the product cannot
        """
        self._require(self._product.can_pause, 'pause')
        # The marker comes first: a paused VM without one would look live.
        self._states.mark_paused(uuid)
        try:
            self._vmrun.pause(self._layout.vmx(uuid))
        except exception.VmPaused:
            LOG.info('Server %s was paused already', uuid)
        except exception.ToolTimeout:
            # It may be paused; an unpause helps in both cases.
            raise
        except exception.VmrunError:
            self._states.unmark_paused(uuid)
            raise
        finally:
            self._states.changed()

    @lifecycle_events.holding
    def unpause(self, uuid):
        """Lets a paused server go on.

        :raises NotSupported: the product cannot
        """
        self._require(self._product.can_pause, 'unpause')
        try:
            self._vmrun.unpause(self._layout.vmx(uuid))
        except (exception.ToolTimeout, exception.ToolNotFound):
            raise
        except exception.VmrunError as error:
            # Somebody let it go on in VMware's window: nothing else is
            # refused for a VM that is on.
            if not self._states.is_running(uuid):
                raise
            LOG.warning('Server %s is taken for running, although: %s',
                        uuid, error)
        self._states.unmark_paused(uuid)
        self._states.changed()

    @lifecycle_events.by_us(ends=True)
    def suspend(self, uuid):
        """Writes a server's memory to its folder and ends its VM."""
        process = vm_process.identity(self._layout.vmx(uuid))
        self._change(uuid, (states.State.SUSPENDED,), self._vmrun.suspend,
                     timeout=self._limits.suspend(uuid))
        self._states.unmark_paused(uuid)
        vm_process.wait_until_released(self._layout.folder(uuid),
                                       _RELEASE_SECONDS)
        vm_process.wait_until_ended(process, _END_SECONDS)

    def forget_memory(self, uuid: str) -> None:
        """Drops the memory file of a suspended server, which is then off.

        A checkpoint that belongs to a snapshot is detached, not removed.
        """
        with self._vmx_files.opened(uuid) as file:
            if file.exists():
                self._forget_memory(file)

    def _forget_memory(self, file: vmx_file.OpenVmx) -> None:
        checkpoint = file.keys.get(_MEMORY)
        if not checkpoint:
            return
        is_ours = (checkpoint.endswith('.vmss') and
                   not file.keys.get_bool(_MEMORY_OF_SNAPSHOT))
        file.edit(_drop_memory)
        if is_ours:
            memory = os.path.splitext(checkpoint)[0] + '.vmem'
            for name in (checkpoint, memory):
                self._remove_from_folder(file.uuid, name)

    def _remove_from_folder(self, uuid, name):
        path = os.path.join(self._layout.folder(uuid), os.path.basename(name))
        if os.path.exists(path):
            os.remove(path)

    def _require(self, capability, verb):
        if not capability:
            raise exception.NotSupported(
                '%s cannot %s a server.' % (self._product.name, verb),
                resolution='Use VMware Workstation Pro or Fusion, or suspend '
                           'the server instead.')

    def _change(self, uuid, wanted, verb, **options):
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
            LOG.info('Server %s is where it should be, although: %s',
                     uuid, error)
        else:
            if wanted == states.ON:
                self._states.started(uuid)
        finally:
            self._states.changed()

    def _state_after(self, uuid, error):
        """Returns a server's State after a verb that was not done."""
        self._states.changed()
        state = self._states.get(uuid)
        if not isinstance(error, (exception.ToolTimeout,
                                  exception.NotPoweredOn)):
            return state
        # vmrun lists a VM late when it starts, and no more when it still ends.
        deadline = time.monotonic() + _RELEASE_SECONDS
        while (state is states.State.UNKNOWN and
               self._states.is_unlisted(uuid) and
               time.monotonic() < deadline):
            time.sleep(_POLL_SECONDS)
            state = self._states.get(uuid)
        return state


def _drop_memory(keys: vmx.Vmx) -> None:
    for key in (_MEMORY, _MEMORY_OF_SNAPSHOT):
        keys.pop(key, None)
