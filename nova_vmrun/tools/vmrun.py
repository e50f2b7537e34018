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

"""The vmrun program: one method per verb.

There is no policy here: a method runs its verb once (again only after a
transient refusal) and reports the outcome. Methods raise ToolNotFound,
ToolTimeout, the class that fits what vmrun printed, or else ToolRefused.
"""

from collections.abc import Callable
from collections.abc import Sequence
import contextlib
import ipaddress
import os
import re
import time
from typing import Any, Protocol

from nova_vmrun import exception
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import process
from nova_vmrun.tools import slots

_LIST_HEADER = re.compile(r'^Total running VMs: *([0-9]+)[ \t]*\n',
                          re.MULTILINE)


class Options(Protocol):
    """The [vmrun] options that are used here; times are in seconds."""

    guest_address_timeout: int
    list_timeout: int
    max_concurrent_operations: int
    pause_timeout: int
    retry_count: int
    retry_interval: float
    snapshot_timeout: int
    start_timeout: int
    stop_timeout: int
    suspend_timeout: int


class Vmrun:
    """The vmrun program of one product.

    :param path: the program
    :param host_type: value of -T: ws, player or fusion
    :param conf: the [vmrun] options
    :param sleep: sleeps for some seconds; tests replace it
    """

    def __init__(self, runner: process.Runner, path: str, host_type: str,
                 conf: Options,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._runner = runner
        self._path = path
        self.host_type = host_type
        self._conf = conf
        self._sleep = sleep
        self._slots = slots.Slots(conf.max_concurrent_operations)
        self._guests = slots.GuestWaits()

    def list(self) -> Sequence[str]:
        """Return the .vmx paths of the user's running and paused VMs.

        The paths are spelled as they were when the VMs were opened.

        :raises VmrunError: vmrun failed or its output is incomplete: a VM
            missing from it would seem to be off
        """
        brief = 'Cannot list the running VMs.'
        output = self._run('list', timeout=self._conf.list_timeout,
                           brief=brief)
        header = _LIST_HEADER.search(output)
        lines = output[header.end():].split('\n') if header else []
        paths = [line for line in map(str.strip, lines)
                 if os.path.isabs(line)]
        # More paths than announced are fine: a path may contain a line break.
        if (not header or len(paths) < int(header.group(1)) or
                _is_truncated(lines[-1])):
            raise exception.ToolRefused(
                brief, 'The output of vmrun list is incomplete: %s'
                % (output.strip() or 'nothing'),
                'Run "vmrun -T %s list" as the user who runs nova-compute.'
                % self.host_type)
        return paths

    def list_host_networks(self) -> str:
        """Return the table of VMware's virtual networks as vmrun prints it.

        On Linux, products older than Workstation 17 refuse it.
        """
        return self._run('listHostNetworks', timeout=self._conf.list_timeout,
                         brief='Cannot list the virtual networks.')

    def start(self, vmx: str, *, gui: bool = False,
              timeout: float | None = None,
              until: Callable[[], bool] | None = None) -> None:
        """Power a VM on, or resume it if it is suspended.

        Do nothing if it is already running. At a ToolTimeout only vmrun is
        killed: the VM may be running.

        :param gui: open a window; some versions of vmrun then do not end
            before the window is closed
        :param timeout: seconds; None: [vmrun] start_timeout
        :param until: called every few seconds; once it returns true, do not
            wait for vmrun any longer
        """
        self._change('start', vmx, 'gui' if gui else 'nogui',
                     timeout=timeout or self._conf.start_timeout,
                     kill_group=False, until=until)

    def stop(self, vmx: str, *, hard: bool = True,
             timeout: float | None = None) -> None:
        """Power a VM off.

        :param hard: cut the power; otherwise ask VMware Tools in the guest
        :param timeout: for a soft stop, how many seconds the guest may take;
            None: [vmrun] stop_timeout
        :raises GuestBusy: the guest has not answered an earlier request
        """
        if hard:
            self._change('stop', vmx, 'hard', timeout=self._conf.stop_timeout)
        else:
            self._ask_guest('stop', vmx, 'soft', timeout=timeout)

    def reset(self, vmx: str, *, hard: bool = True,
              timeout: float | None = None) -> None:
        """Restart a VM; the parameters and errors are those of stop()."""
        if hard:
            self._change('reset', vmx, 'hard',
                         timeout=self._conf.stop_timeout)
        else:
            self._ask_guest('reset', vmx, 'soft', timeout=timeout)

    def suspend(self, vmx: str, *, timeout: float | None = None) -> None:
        """Write a VM's memory to a file and end the VM.

        :param timeout: seconds; None: [vmrun] suspend_timeout
        """
        self._change('suspend', vmx, 'hard',
                     timeout=timeout or self._conf.suspend_timeout,
                     is_long=True)

    def pause(self, vmx: str) -> None:
        """Stop a VM's CPUs; vmrun has no way to tell later that it did."""
        self._change('pause', vmx, timeout=self._conf.pause_timeout)

    def unpause(self, vmx: str) -> None:
        """Resume a paused VM."""
        self._change('unpause', vmx, timeout=self._conf.pause_timeout)

    def disconnect_device(self, vmx: str, device: str) -> None:
        """Disconnect a device of a running VM until the VM is powered off.

        :param device: its name in the .vmx, such as ethernet0
        """
        self._change('disconnectNamedDevice', vmx, device,
                     timeout=self._conf.stop_timeout)

    def guest_address(self, vmx: str) -> str | None:
        """Return the IP address that VMware Tools report, or None.

        Pass -wait, because otherwise vmrun does not see the Tools of a VM
        without a window. It then waits forever if there are no Tools: a
        ToolTimeout means that nothing answers.

        :raises GuestBusy: the guest has not answered an earlier request
        """
        text = self._ask_guest('getGuestIPAddress', vmx, '-wait',
                               timeout=self._conf.guest_address_timeout)
        # Some versions print "unknown" or nothing, and exit with 0.
        return _address(text)

    def cached_guest_address(self, vmx: str) -> str | None:
        """Return the guest IP address that VMware has stored, or None.

        For some minutes after a start or resume it is available although
        guest_address() says that Tools are not running. It also remains after
        the guest is gone, so use it for running VMs only.

        :raises VmrunError: it cannot be read
        """
        return _address(self._ask_guest(
            'readVariable', vmx, 'guestVar', 'ip',
            timeout=self._conf.guest_address_timeout))

    def connect_device(self, vmx: str, device: str) -> None:
        """Connect a device of a running VM, such as ethernet0.

        Do nothing if it is already connected.

        :raises VmrunError: the VM is off or has no such device
        """
        self._change('connectNamedDevice', vmx, device,
                     timeout=self._conf.stop_timeout)

    def snapshot(self, vmx: str, name: str, *,
                 timeout: float | None = None) -> None:
        """Take a snapshot, including the memory if the VM is running.

        :param timeout: seconds; None: [vmrun] snapshot_timeout
        """
        self._change('snapshot', vmx, name,
                     timeout=timeout or self._conf.snapshot_timeout,
                     is_long=True)

    def delete_snapshot(self, vmx: str, name: str) -> None:
        """Delete a snapshot and merge what was written since.

        A running VM keeps running. This can take minutes.
        """
        self._change('deleteSnapshot', vmx, name,
                     timeout=self._conf.snapshot_timeout, is_long=True)

    def _change(self, verb: str, vmx: str, *operands: str, timeout: float,
                is_long: bool = False, **options: Any) -> None:
        """Run a verb that VMware carries out by itself.

        :param is_long: whether it writes the VM's memory or disks
        :param options: passed to Runner.run
        """
        self._run(verb, vmx, *operands, timeout=timeout,
                  brief=_failed(verb, vmx), **options,
                  slot=self._slots.long if is_long else self._slots.short)

    def _ask_guest(self, verb: str, vmx: str, *operands: str,
                   timeout: float | None) -> str:
        """Run a verb that waits for the guest; it takes no slot."""
        with self._guests.claim(verb, vmx):
            return self._run(verb, vmx, *operands,
                             timeout=timeout or self._conf.stop_timeout,
                             brief=_failed(verb, vmx))

    def _run(self, *words: str, timeout: float, brief: str,
             slot: Callable[[], contextlib.AbstractContextManager[None]]
             = contextlib.nullcontext, **options: Any) -> str:
        tries_left = self._conf.retry_count
        while True:
            # Release the slot between two tries.
            with slot():
                result = noise.run(
                    self._runner, self._path, '-T', self.host_type, *words,
                    timeout=timeout, **options)
            if not messages.is_error(result):
                return result.stdout
            error = messages.refusal(result, brief)
            if not tries_left or not messages.is_transient(error):
                raise error
            tries_left -= 1
            self._sleep(self._conf.retry_interval)


def _failed(verb: str, vmx: str) -> str:
    return 'vmrun %s failed for %s.' % (verb, os.path.basename(vmx))


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return None


def _is_truncated(last_line: str) -> bool:
    # Complete output ends with a line break. In case a product prints none,
    # also accept a complete last path.
    return bool(last_line) and not last_line.lower().endswith('.vmx')
