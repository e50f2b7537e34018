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

"""What an engine is: the thing that plays the machine of one VM.

Everything that VMware leaves on disk (vmx, vmdk, vmsd, vmss and vmsn files,
locks, vmware.log) and everything that it refuses is decided outside, before
an engine is asked. An engine only runs the machine. It lives for one call of
a tool, so whatever it must remember between calls goes into ``run_dir``.
"""

import os

from vmwarefake import process

HELPER_SUFFIX = '.pid'


class EngineError(Exception):
    """The machine could not do what was asked.

    Before power-on this refuses the power-on (``Error: The operation was
    canceled``); later it ends in ``Error: The system returned an error``.
    ``msg_id`` and the text go to vmware.log.
    """

    def __init__(self, msg_id, text):
        super().__init__(text)
        self.msg_id = msg_id


class Unsupported(EngineError):
    """A key of the vmx means hardware that this engine cannot give."""

    def __init__(self, key, text):
        super().__init__('msg.engine.unsupported', '%s: %s' % (key, text))
        self.key = key


class Machine(object):
    """One VM as an engine sees it.

    :ivar vmx_path: absolute path of the .vmx.
    :ivar config: the parsed .vmx, a :class:`vmwarefake.dictionary.Dictionary`
        (read-only for the engine). While the VM runs it is the running
        configuration, not what somebody has since written into the file.
    :ivar run_dir: an existing folder of the engine's own, made before
        ``start`` and removed after power-off. Unix socket names are short
        (108 bytes) and this path may be long: make the socket elsewhere or
        bind it by a relative name when it does not fit.
    :ivar main_record: where :func:`vmwarefake.process.spawn` writes the pid
        record of the process that stands for vmware-vmx. That pid goes to
        vmware.log and the lock files, and the VM runs exactly as long as the
        process lives. Record any other process (disk servers and so on) as
        :meth:`helper_record`: whoever cleans up after a crash kills them.
    :ivar knobs: :class:`vmwarefake.knobs.Knobs`.
    :ivar log: ``log(text)`` appends one line to the VM's vmware.log.
    """

    def __init__(self, vmx_path, config, run_dir, main_record, knobs, log):
        self.vmx_path = vmx_path
        self.config = config
        self.run_dir = run_dir
        self.main_record = main_record
        self.knobs = knobs
        self.log = log
        #: False only for the fault that leaves a VM in the tool's group.
        self.new_session = True
        #: False when VNC is off whatever the configuration says.
        self.may_have_vnc = True

    @property
    def directory(self):
        return os.path.dirname(self.vmx_path)

    def path(self, name):
        """Resolve a file named in the vmx against the VM's folder."""
        return os.path.normpath(os.path.join(self.directory, name))

    def run_file(self, name):
        return os.path.join(self.run_dir, name)

    def helper_record(self, name):
        return self.run_file(name + HELPER_SUFFIX)

    def processes(self):
        """The VM's processes by their records, helpers last."""
        records = [self.main_record]
        if os.path.isdir(self.run_dir):
            records += sorted(
                self.run_file(name) for name in os.listdir(self.run_dir)
                if name.endswith(HELPER_SUFFIX))
        found = [process.read_record(record) for record in records]
        return [identity for identity in found if identity]


class Engine(object):
    """Base of all engines; every method below may be called on any VM.

    An engine module defines ``Engine``, a subclass of this, taking one
    :class:`Machine`. Methods not marked optional must be overridden.
    Callers hold the VM's lock, so no two calls for one VM run at once.

    Start processes with :func:`vmwarefake.process.spawn` only: it makes the
    session, closes the standard streams and writes the pid record from
    within the new process, so that a tool killed at any moment loses none.
    """

    def __init__(self, machine):
        self.machine = machine

    def check(self):
        """Refuse (Unsupported) what the vmx asks and this cannot give.

        Called before anything is changed on disk. Optional.
        """

    def start(self, memory=None):
        """Power on, or resume from the file ``memory`` that was saved.

        :param memory: path that :meth:`suspend` or :meth:`release_disks`
            once wrote, or None for a cold boot.
        When it returns, the main process is recorded and VNC (if enabled in
        the config) answers, unless its port was busy: then the VM runs
        without it and a line in vmware.log says so.

        :raises EngineError: when the machine could not be started; nothing
            of it may be left running.
        """
        raise NotImplementedError

    def stop_soft(self, timeout):
        """Ask the guest to shut down and wait up to ``timeout`` seconds.

        The one method that is called without the VM's lock, so that a hard
        stop can overtake it.

        :returns: True when the VM's process has ended, else False.
        """
        raise NotImplementedError

    def stop_hard(self):
        """Cut the power: afterwards no process of the VM lives. Optional."""
        for identity in self.machine.processes():
            process.kill_and_wait(identity)

    def reset(self, soft):
        """Restart the guest; the VM's process stays the same."""
        raise NotImplementedError

    def pause(self):
        """Stop the virtual CPUs. Not called on a paused VM."""
        raise NotImplementedError

    def unpause(self):
        """Let the virtual CPUs go on. Only called on a paused VM."""
        raise NotImplementedError

    def suspend(self, memory):
        """Save the machine to the file ``memory`` and end its process.

        Called on a running or a paused VM. On failure the VM goes on.

        :raises EngineError: with the reason.
        """
        raise NotImplementedError

    def release_disks(self, action, memory=None):
        """Change the disk files under a running VM.

        Hold the guest, write its state to ``memory`` when that is a path
        (a live snapshot keeps it), let go of every disk file, call
        ``action()``, take up the disks that it returned and go on.

        :param action: a callable that rewrites files and returns the new
            running configuration (a Dictionary whose ``.fileName`` keys may
            have changed, and nothing else).
        The main process may become another one; its record then says so.

        :raises EngineError: after which the VM must be as it was or dead.
        """
        raise NotImplementedError

    def capture_screen(self, path):
        """Write what the screen shows to ``path`` as PNG."""
        raise NotImplementedError

    def guest_ip(self):
        """The guest's address as Tools would report it, or None.

        Return :data:`FROM_KNOBS` (as here) to leave it to the
        ``FAKE_VMRUN_GUEST_IP`` knob and the state. Optional.
        """
        return FROM_KNOBS

    def tools_state(self):
        """``unknown``, ``installed`` or ``running``; else FROM_KNOBS.

        Optional.
        """
        return FROM_KNOBS

    def guest_variables(self):
        """Return {name: value} of what the guest itself has set. Optional.

        Names are without the ``guestinfo.`` prefix.
        """
        return {}

    def guest_variable_written(self, name, value):
        """Tell the guest side of ``writeVariable guestVar``. Optional."""

    def config_changed(self, key, value):
        """A runtimeConfig key was written while running. Optional."""

    def device_connected(self, node, connected):
        """Plug or unplug ``node`` (``sata0:1``, ``ethernet0``). Optional.

        :raises Unsupported: when this engine cannot do so.
        """

    def powered_itself_off(self):
        """Asked once the process has gone without being told to.

        :returns: True when the guest shut down in good order, False when
            the VM crashed or was killed. Optional.
        """
        return False


#: "ask the knobs and the state": the engine has no answer of its own.
FROM_KNOBS = object()
