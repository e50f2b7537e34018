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

"""The base class of engines, which run the machine of a VM.

The caller of an engine writes what VMware leaves on disk (vmx, vmdk, vmsd,
vmss and vmsn files, locks, vmware.log) and refuses what VMware refuses. An
engine only runs the machine. It exists for one call of a tool, so it keeps
what it must remember between calls in ``run_dir``.
"""

from __future__ import annotations

import os

from vmwarefake import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary
    from vmwarefake import knobs
    from vmwarefake import vmlog

HELPER_SUFFIX = '.pid'


class FromKnobs:
    """An answer that the engine leaves to the knobs and the state."""


class EngineError(Exception):
    """The machine could not do something.

    At power-on this becomes ``Error: The operation was canceled``, later
    ``Error: The system returned an error``. ``msg_id`` and the text are
    written to vmware.log.
    """

    def __init__(self, msg_id: str, text: str) -> None:
        super().__init__(text)
        self.msg_id = msg_id


class Unsupported(EngineError):
    """A key in the vmx asks for hardware that this engine lacks."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__('msg.engine.unsupported', '%s: %s' % (key, text))
        self.key = key


class Machine:
    """A VM as an engine sees it.

    :ivar vmx_path: absolute path of the .vmx.
    :ivar config: the parsed .vmx, read-only for the engine. While the VM runs,
        it is the running configuration, which may differ from the file.
    :ivar run_dir: a folder for the engine, made before ``start`` and removed
        after power-off. The name of a Unix socket has at most 108 bytes: if
        this path is too long, put the socket elsewhere or use a relative
        name.
    :ivar main_record: the pid record of the process that stands for
        vmware-vmx, written by :func:`vmwarefake.process.spawn`. That pid goes
        to vmware.log and the lock files, and the VM runs as long as the
        process does. Record other processes, such as disk servers, with
        :meth:`helper_record`: they are killed after a crash.
    """

    def __init__(self, vmx_path: str, config: dictionary.Dictionary,
                 run_dir: str, main_record: str, knobs: knobs.Knobs,
                 log: vmlog.Log) -> None:
        self.vmx_path = vmx_path
        self.config = config
        self.run_dir = run_dir
        self.main_record = main_record
        self.knobs = knobs
        self.log = log
        #: False only for the fault that leaves a VM in our process group.
        self.new_session = True
        #: False if VNC is off despite the configuration.
        self.may_have_vnc = True

    @property
    def directory(self) -> str:
        return os.path.dirname(self.vmx_path)

    def path(self, name: str) -> str:
        """Resolve a file named in the vmx against the VM's folder."""
        return os.path.normpath(os.path.join(self.directory, name))

    def run_file(self, name: str) -> str:
        return os.path.join(self.run_dir, name)

    def helper_record(self, name: str) -> str:
        return self.run_file(name + HELPER_SUFFIX)

    def processes(self) -> list[process.Identity]:
        """Return the recorded processes of the VM, helpers last."""
        records = [self.main_record]
        if os.path.isdir(self.run_dir):
            records += sorted(
                self.run_file(name) for name in os.listdir(self.run_dir)
                if name.endswith(HELPER_SUFFIX))
        found = [process.read_record(record) for record in records]
        return [identity for identity in found if identity]


class Engine:
    """The base class of engines.

    The module of an engine defines a subclass called ``Engine``. It must
    override all methods that are not marked optional. Callers hold the VM's
    lock, so calls for the same VM do not overlap.

    Start processes only with :func:`vmwarefake.process.spawn`, which records
    them even if the tool is killed.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def check(self) -> None:
        """Raise Unsupported if the engine lacks what the vmx asks for.

        It is called before anything changes on disk. Optional.
        """

    def start(self, memory: str | None = None) -> None:
        """Power on, or resume from a saved memory.

        On return the main process is recorded, and VNC answers if the
        configuration enables it. If its port is in use, the VM runs without
        VNC and a line in vmware.log says so.

        :param memory: path that :meth:`suspend` or :meth:`release_disks` has
            written, or None for a cold boot.
        :raises EngineError: if the machine cannot be started; no process of it
            may be left.
        """
        raise NotImplementedError

    def stop_soft(self, timeout: float) -> bool:
        """Ask the guest to shut down, and wait.

        This is the only method called without the VM's lock, so that a hard
        stop can overtake it.

        :param timeout: in seconds.
        :returns: whether the VM's process has ended.
        """
        raise NotImplementedError

    def stop_hard(self) -> None:
        """Power off: end all processes of the VM. Optional."""
        for identity in self.machine.processes():
            process.kill_and_wait(identity)

    def reset(self, soft: bool) -> None:
        """Restart the guest; the VM keeps its process."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop the virtual CPUs. Not called on a paused VM."""
        raise NotImplementedError

    def unpause(self) -> None:
        """Resume the virtual CPUs. Called only on a paused VM."""
        raise NotImplementedError

    def suspend(self, memory: str) -> None:
        """Save the machine to the file ``memory`` and end its process.

        Called on a running or paused VM. On failure the VM continues.
        """
        raise NotImplementedError

    def release_disks(self, action: abc.Callable[[], dictionary.Dictionary],
                      memory: str | None = None) -> None:
        """Change the disk files of a running VM.

        Stop the guest, save its memory if a live snapshot needs it, close all
        disk files, call ``action``, open the disks that it returns, and
        continue. The main process may change; update its record then.

        :param action: rewrites files and returns the new running
            configuration, in which only ``.fileName`` keys may differ.
        :param memory: path to save the memory to, or None.
        :raises EngineError: the VM must then be unchanged or dead.
        """
        raise NotImplementedError

    def capture_screen(self, path: str) -> None:
        """Write the screen to ``path`` as PNG."""
        raise NotImplementedError

    def guest_ip(self) -> str | None | FromKnobs:
        """Return the guest's address, as Tools would report it, or None.

        FROM_KNOBS leaves it to ``FAKE_VMRUN_GUEST_IP``. Optional.
        """
        return FROM_KNOBS

    def tools_state(self) -> str | FromKnobs:
        """Return ``unknown``, ``installed`` or ``running``.

        FROM_KNOBS leaves it to ``FAKE_VMRUN_TOOLS``. Optional.
        """
        return FROM_KNOBS

    def guest_variables(self) -> dict[str, str]:
        """Return {name: value} of the variables that the guest has set.

        The names lack the prefix ``guestinfo.``. Optional.
        """
        return {}

    def guest_variable_written(self, name: str, value: str) -> None:
        """Pass a ``writeVariable guestVar`` on to the guest. Optional."""

    def config_changed(self, key: str, value: str) -> None:
        """Handle a ``writeVariable runtimeConfig``. Optional."""

    def device_connected(self, node: str, connected: bool) -> None:
        """Connect or disconnect ``sata0:1``, ``ethernet0``... Optional.

        :raises Unsupported: if this engine cannot do so.
        """

    def powered_itself_off(self) -> bool:
        """Return why the process ended by itself. Optional.

        :returns: True if the guest shut down, False if the VM crashed or was
            killed.
        """
        return False


#: See :class:`FromKnobs`.
FROM_KNOBS = FromKnobs()
