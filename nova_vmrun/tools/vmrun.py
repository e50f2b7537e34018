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

"""vmrun, a method per verb.

No policy lives here: a method runs its verb once (again only when VMware
refused for a passing reason) and reports what came of it. Errors are those of
nova_vmrun.exception: ToolNotFound, ToolTimeout, and ToolRefused with its
subclasses.
"""

from collections.abc import Callable
import contextlib
import ipaddress
import os
import re
import time
from typing import Any

from nova_vmrun import exception
from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import slots

_LIST_HEADER = re.compile(r'^Total running VMs: *([0-9]+)[ \t]*\n',
                          re.MULTILINE)


class Vmrun:
    """The vmrun program of one product.

    :param runner: a nova_vmrun.tools.process.Runner
    :param path: the program
    :param host_type: value of -T: ws, player or fusion
    :param conf: the [vmrun] options: timeouts, retries, concurrency
    :param sleep: waits some seconds; tests replace it
    """

    def __init__(self, runner, path, host_type, conf, sleep=time.sleep):
        self._runner = runner
        self._path = path
        self.host_type = host_type
        self._conf = conf
        self._sleep = sleep
        self._slots = slots.Slots(conf.max_concurrent_operations)
        self._guests = slots.GuestWaits()

    def list(self):
        """Returns the .vmx paths of the user's running and paused VMs.

        The paths are spelled as the VMs were opened.

        :raises ToolError: it failed, or its answer is not whole: a VM that is
            missing there would pass for one that is off
        """
        brief = 'The running VMs cannot be listed.'
        output = self._run('list', timeout=self._conf.list_timeout,
                           brief=brief)
        header = _LIST_HEADER.search(output)
        lines = output[header.end():].split('\n') if header else []
        paths = [line for line in map(str.strip, lines)
                 if os.path.isabs(line)]
        # More of them is no cut: a path may hold a line break.
        if (not header or len(paths) < int(header.group(1)) or
                _is_cut(lines[-1])):
            raise exception.ToolError(
                brief, 'vmrun list printed an answer that is not whole: %s'
                % (output.strip() or 'nothing'),
                'Run "vmrun -T %s list" as the user of nova-compute.'
                % self.host_type)
        return paths

    def list_host_networks(self):
        """Returns the table of VMware's virtual networks, as it is printed.

        Products older than Workstation 17 refuse it on Linux and Windows.
        """
        return self._run('listHostNetworks', timeout=self._conf.list_timeout,
                         brief='The virtual networks cannot be listed.')

    def start(self, vmx: str, *, gui: bool = False,
              timeout: float | None = None,
              until: Callable[[], bool] | None = None) -> None:
        """Powers a VM on, or resumes it if it is suspended.

        Silent success if it runs already. A ToolTimeout kills vmrun alone:
        the VM may be up.

        :param gui: open a window, which some versions keep vmrun for
        :param timeout: seconds; None: [vmrun] start_timeout
        :param until: asked now and then; once it is true vmrun is left alone
        """
        self._change('start', vmx, 'gui' if gui else 'nogui',
                     timeout=timeout or self._conf.start_timeout,
                     kill_group=False, until=until)

    def stop(self, vmx: str, *, hard: bool = True,
             timeout: float | None = None) -> None:
        """Powers a VM off.

        :param hard: cut the power; otherwise ask VMware Tools in the guest
        :param timeout: seconds that the guest gets, for a soft stop; None:
            [vmrun] stop_timeout
        :raises GuestBusy: the guest is being asked already
        """
        if hard:
            self._change('stop', vmx, 'hard', timeout=self._conf.stop_timeout)
        else:
            self._ask('stop', vmx, 'soft', timeout=timeout)

    def reset(self, vmx: str, *, hard: bool = True,
              timeout: float | None = None) -> None:
        """Restarts a VM; parameters and errors as for stop."""
        if hard:
            self._change('reset', vmx, 'hard',
                         timeout=self._conf.stop_timeout)
        else:
            self._ask('reset', vmx, 'soft', timeout=timeout)

    def suspend(self, vmx: str, *, timeout: float | None = None) -> None:
        """Writes a VM's memory to a file and ends it.

        :param timeout: seconds; None: [vmrun] suspend_timeout
        """
        self._change('suspend', vmx, 'hard',
                     timeout=timeout or self._conf.suspend_timeout,
                     is_long=True)

    def pause(self, vmx):
        """Stops a VM's CPUs; vmrun cannot tell later that it did."""
        self._change('pause', vmx, timeout=self._conf.pause_timeout)

    def unpause(self, vmx):
        """Lets a paused VM go on."""
        self._change('unpause', vmx, timeout=self._conf.pause_timeout)

    def disconnect_device(self, vmx: str, device: str) -> None:
        """Disconnects a device of a running VM until it is off.

        :param device: its name in the .vmx: ethernet0
        """
        self._change('disconnectNamedDevice', vmx, device,
                     timeout=self._conf.stop_timeout)

    def guest_address(self, vmx):
        """Returns the address that VMware Tools in a guest tell, or None.

        With -wait, since without it vmrun does not see the Tools of a VM that
        has no window. It then waits for ever where there are none: a
        ToolTimeout means that nobody answers.

        :raises GuestBusy: it is being asked already
        """
        text = self._ask('getGuestIPAddress', vmx, '-wait',
                         timeout=self._conf.guest_address_timeout)
        # Some versions print "unknown", or nothing, and succeed.
        return _address(text)

    def noted_guest_address(self, vmx: str) -> str | None:
        """Returns the address that VMware has noted of a guest, or None.

        It is there while guest_address still says, for minutes after a start
        or a resume, that Tools do not run. It stays when the guest is gone:
        ask of VMs that run.

        :raises ToolError: it cannot be asked for
        """
        return _address(self._ask(
            'readVariable', vmx, 'guestVar', 'ip',
            timeout=self._conf.guest_address_timeout))

    def connect_device(self, vmx: str, device: str) -> None:
        """Connects a device of a running VM, such as ethernet0.

        Success if it is connected already.

        :raises ToolRefused: the VM is off, or has no such device
        """
        self._change('connectNamedDevice', vmx, device,
                     timeout=self._conf.stop_timeout)

    def snapshot(self, vmx: str, name: str, *,
                 timeout: float | None = None) -> None:
        """Takes a snapshot, with the memory if the VM runs.

        :param timeout: seconds; None: [vmrun] snapshot_timeout
        """
        self._change('snapshot', vmx, name,
                     timeout=timeout or self._conf.snapshot_timeout,
                     is_long=True)

    def delete_snapshot(self, vmx, name):
        """Removes a snapshot and merges what was written since.

        A VM that runs goes on meanwhile; this can take minutes.
        """
        self._change('deleteSnapshot', vmx, name,
                     timeout=self._conf.snapshot_timeout, is_long=True)

    def clone(self, source, target, *, linked, snapshot=None, name=None):
        """Clones a VM.

        :param source: .vmx of the VM to clone
        :param target: .vmx to make; its folder may be missing
        :param linked: share the source's disks instead of copying them
        :param snapshot: name of the snapshot to clone; else the state now
        :param name: display name of the clone
        """
        options = []
        if snapshot is not None:
            options.append('-snapshot=%s' % snapshot)
        if name is not None:
            options.append('-cloneName=%s' % name)
        self._change('clone', source, target, 'linked' if linked else 'full',
                     *options, timeout=self._conf.clone_timeout, is_long=True,
                     kill_group=False)

    def _change(self, verb: str, vmx: str, *operands: str, timeout: float,
                is_long: bool = False, **options: Any) -> None:
        """Runs a verb whose time VMware decides.

        :param is_long: it writes as much as the VM has memory or disk
        :param options: of Runner.run
        """
        self._run(verb, vmx, *operands, timeout=timeout,
                  brief=_failed(verb, vmx), **options,
                  slot=self._slots.long if is_long else self._slots.short)

    def _ask(self, verb: str, vmx: str, *operands: str,
             timeout: float | None) -> str:
        """Runs a verb whose time the guest decides: it holds no slot."""
        with self._guests.only(verb, vmx):
            return self._run(verb, vmx, *operands,
                             timeout=timeout or self._conf.stop_timeout,
                             brief=_failed(verb, vmx))

    def _run(self, *words: str, timeout: float, brief: str,
             slot: Callable[[], contextlib.AbstractContextManager]
             = contextlib.nullcontext, **options: Any) -> str:
        tries_left = self._conf.retry_count
        while True:
            # Between two tries the slot is free.
            with slot():
                result = noise.run(
                    self._runner, self._path, '-T', self.host_type, *words,
                    timeout=timeout, **options)
            if not messages.is_error(result):
                return result.stdout
            error = messages.refusal(result, brief)
            if not tries_left or not messages.is_passing(error):
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


def _is_cut(last_line):
    # A whole answer ends with a line break; should a product print none, its
    # last path is whole nevertheless.
    return bool(last_line) and not last_line.lower().endswith('.vmx')
