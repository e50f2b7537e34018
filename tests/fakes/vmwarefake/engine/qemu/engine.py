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

"""The QEMU engine: a VM's process is QEMU itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket

from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake.engine.qemu import agent as qemu_agent
from vmwarefake.engine.qemu import disks
from vmwarefake.engine.qemu import networks as qemu_networks
from vmwarefake.engine.qemu import options as qemu_options
from vmwarefake.engine.qemu import plan as qemu_plan
from vmwarefake.engine.qemu import qmp
from vmwarefake.engine.qemu import sockets as qemu_sockets
from vmwarefake.engine.qemu import storage
from vmwarefake import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary

_START = 60             # seconds
_SOFT_RESET = 60
_LOG = 'qemu.log'
# What QEMU says if another program has the port of its VNC server.
_PORT_TAKEN = 'Failed to find an available port'
_GUEST_SHUTDOWN = 'qemu_system_shutdown_request reason=6'


class Engine(base.Engine):
    """See :class:`vmwarefake.engine.base.Engine`."""

    def __init__(self, machine: base.Machine) -> None:
        super().__init__(machine)
        self._options = qemu_options.Options(machine.knobs.environ)

    # -- power-on --------------------------------------------------------

    def check(self) -> None:
        self._options.qemu()
        with qemu_sockets.Folder(self.machine.directory) as sockets:
            plan = qemu_plan.Plan(self.machine, self._options, sockets)
            if plan.variables():
                self._options.firmware()
            for note in plan.notes:
                self.machine.log('QEMU: ' + note)

    def start(self, memory: str | None = None) -> None:
        with qemu_sockets.Folder(self.machine.run_dir) as sockets:
            plan = qemu_plan.Plan(self.machine, self._options, sockets)
            servers = disks.Servers(self.machine, sockets)
            self._make_files(plan)
            try:
                servers.start(plan.exports)
                self._start_machine(plan, sockets, memory)
            except BaseException:
                self._clean_up(servers, plan)
                raise

    def _clean_up(self, servers: disks.Servers,
                  plan: qemu_plan.Plan) -> None:
        self.stop_hard()
        servers.stop(plan.exports)

    def _output(self) -> str:
        return qemu_sockets.last_lines(self.machine.run_file(_LOG))

    def _make_files(self, plan: qemu_plan.Plan) -> None:
        for name, content in plan.files.items():
            path = self.machine.run_file(name)
            with open(path, 'wb', opener=_private) as f:
                f.write(content)
        variables = plan.variables()
        if variables:
            _, template = self._options.firmware()
            if (not os.path.exists(variables) or os.path.getsize(variables)
                    != os.path.getsize(template)):
                shutil.copyfile(template, variables)

    def _start_machine(self, plan: qemu_plan.Plan,
                       sockets: qemu_sockets.Folder,
                       memory: str | None) -> None:
        """Start QEMU and the guest, without VNC if its port is in use."""
        if plan.vnc and self._may_have_vnc(plan.vnc):
            try:
                self._start_qemu(plan, sockets, memory, True)
                self.machine.log('MKSSocketListener: Started VNC server, '
                                 'listening at %s:%d' % plan.vnc)
                return
            except base.EngineError as e:
                # Another program has taken it since.
                if _PORT_TAKEN not in str(e):
                    raise
                self._log_no_vnc(plan.vnc, e)
            sockets.remove('qmp')
        self._start_qemu(plan, sockets, memory, False)

    def _start_qemu(self, plan: qemu_plan.Plan, sockets: qemu_sockets.Folder,
                    memory: str | None, with_vnc: bool) -> None:
        machine = self.machine
        with contextlib.ExitStack() as stack:
            fds = self._plug_in(plan, stack)
            memory_fd = None
            if memory:
                memory_fd = _open_memory(memory, stack)
            keep = list(fds.values()) + list(sockets.pass_fds)
            if memory_fd is not None:
                keep.append(memory_fd)
            pid = process.spawn(
                plan.argv(fds, memory_fd, with_vnc), machine.main_record,
                machine.run_file(_LOG), machine.new_session, pass_fds=keep)
            qemu_sockets.wait_for_server(sockets, 'qmp', pid, _START,
                                         self._output)
        try:
            self._release(plan, sockets, memory)
        except qmp.Gone as e:
            raise base.EngineError('msg.engine.died',
                                   self._output()) from e

    def _plug_in(self, plan: qemu_plan.Plan,
                 stack: contextlib.ExitStack) -> dict[str, int]:
        """Plug in all network cables; return {netdev: descriptor}."""
        networks = qemu_networks.Networks(self.machine.knobs, self._options,
                                          self.machine.log)
        fds = {}
        for link in plan.links:
            cable = stack.enter_context(networks.plug(link.network))
            fds[link.netdev] = cable.fileno()
        return fds

    def _may_have_vnc(self, vnc: tuple[str, int]) -> bool:
        """Return whether the port is free; otherwise there is no VNC."""
        if not self.machine.may_have_vnc:
            return False
        family = socket.AF_INET6 if ':' in vnc[0] else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(vnc)
            return True
        except OSError as e:
            self._log_no_vnc(vnc, e)
            return False

    def _log_no_vnc(self, vnc: tuple[str, int], reason: Exception) -> None:
        self.machine.log('MKSSocketListener: Failed to start VNC server '
                         'at %s:%d: %s' % (*vnc, reason))

    def _release(self, plan: qemu_plan.Plan, sockets: qemu_sockets.Folder,
                 memory: str | None) -> None:
        """Wait for the machine, disconnect devices, and let it run."""
        with qmp.Monitor(sockets, timeout=_START) as monitor:
            if not monitor.wait_until_loaded(_START):
                raise base.EngineError('msg.checkpoint.resume',
                                       'The saved state was not loaded.')
            for link in plan.unplugged:
                _set_link(monitor, link.netdev, False)
            if plan.unplugged or memory:
                # A saved machine was stopped.
                monitor.command('cont')

    # -- the running machine ---------------------------------------------

    @contextlib.contextmanager
    def _monitor(self) -> abc.Iterator[qmp.Monitor]:
        with qemu_sockets.Folder(self.machine.run_dir) as sockets:
            with qmp.Monitor(sockets) as monitor:
                yield monitor

    def stop_soft(self, timeout: float) -> bool:
        identity = process.read_record(self.machine.main_record)
        if identity is None:
            return True
        with self._monitor() as monitor:
            monitor.command('system_powerdown')
        return process.wait_gone(identity, timeout)

    def reset(self, soft: bool) -> None:
        with self._monitor() as monitor:
            if not soft:
                monitor.command('system_reset')
                return
            with self._agent() as agent:
                agent.tell('guest-shutdown', mode='reboot')
            if not monitor.wait_event('RESET', _SOFT_RESET):
                raise base.EngineError('msg.engine.reset',
                                       'The guest did not restart.')

    def pause(self) -> None:
        with self._monitor() as monitor:
            monitor.command('stop')

    def unpause(self) -> None:
        with self._monitor() as monitor:
            monitor.command('cont')

    def suspend(self, memory: str) -> None:
        identity = self._main_process()
        with qemu_sockets.Folder(self.machine.run_dir) as sockets:
            plan = qemu_plan.Plan(self.machine, self._options, sockets)
            with qmp.Monitor(sockets) as monitor:
                with _stopped(monitor):
                    _save(monitor, memory)
                    process.kill_and_wait(identity)
            disks.Servers(self.machine, sockets).wait_gone(plan.exports)

    def _main_process(self) -> process.Identity:
        identity = process.read_record(self.machine.main_record)
        if identity is None:
            raise qmp.Gone('its process is not known')
        return identity

    def release_disks(self, action: abc.Callable[[], dictionary.Dictionary],
                      memory: str | None = None) -> None:
        with qemu_sockets.Folder(self.machine.run_dir) as sockets:
            servers = disks.Servers(self.machine, sockets)
            old = qemu_plan.Plan(self.machine, self._options, sockets)
            with qmp.Monitor(sockets) as monitor:
                with _stopped(monitor):
                    if memory:
                        _save(monitor, memory)
                    servers.stop(old.exports)
                    self._swap(action, servers, old.exports, sockets)

    def _swap(self, action: abc.Callable[[], dictionary.Dictionary],
              servers: disks.Servers, exports: list[storage.Export],
              sockets: qemu_sockets.Folder) -> None:
        """Call ``action`` and serve the disks that it returns.

        If it fails, serve the old disks again.
        """
        try:
            self.machine.config = action() or self.machine.config
            exports = qemu_plan.Plan(self.machine, self._options,
                                     sockets).exports
        finally:
            try:
                servers.start(exports)
            except base.EngineError:
                self.stop_hard()
                raise

    def capture_screen(self, path: str) -> None:
        with self._monitor() as monitor:
            monitor.command('screendump', {'filename': os.path.abspath(path),
                                           'format': 'png'})

    def device_connected(self, node: str, connected: bool) -> None:
        node = node.lower()
        with self._monitor() as monitor:
            if node.startswith('ethernet'):
                _set_link(monitor, 'net-' + node, connected)
                return
            drives = {d.node: d for d in devices.drives(
                self.machine.config, self.machine.directory)}
            drive = drives.get(node)
            if drive is None or not drive.is_cdrom:
                raise base.Unsupported(node, 'only network cards and CD '
                                       'drives can be connected')
            device = storage.device_id(node)
            if connected:
                monitor.command('blockdev-change-medium', {
                    'id': device, 'filename': drive.path, 'format': 'raw',
                    'read-only-mode': 'read-only'})
            else:
                monitor.command('eject', {'id': device, 'force': True})

    # -- Tools -----------------------------------------------------------

    @contextlib.contextmanager
    def _agent(self) -> abc.Iterator[qemu_agent.Agent]:
        with qemu_sockets.Folder(self.machine.run_dir) as sockets:
            with qemu_agent.Agent(sockets) as agent:
                yield agent

    def tools_state(self) -> str:
        """Return whether a program in the guest has opened the channel."""
        try:
            with self._monitor() as monitor:
                channels = {c['label']: c.get('frontend-open')
                            for c in monitor.command('query-chardev')}
            if not channels.get('agent'):
                return 'unknown'
            with self._agent():
                return 'running'
        except base.EngineError:
            return 'unknown'

    def guest_ip(self) -> str | None:
        config = self.machine.config
        macs = [devices.mac(config, n) for n in devices.nics(config)]
        try:
            with self._agent() as agent:
                return agent.address(macs)
        except base.EngineError:
            return None

    def guest_variables(self) -> dict[str, str]:
        try:
            with self._agent() as agent:
                return agent.variables()
        except base.EngineError:
            return {}

    def guest_variable_written(self, name: str, value: str) -> None:
        with contextlib.suppress(base.EngineError):
            with self._agent() as agent:
                agent.write_variable(name, value)

    def powered_itself_off(self) -> bool:
        log = self.machine.run_file(_LOG)
        if not os.path.exists(log):
            return False
        with open(log, errors='replace') as f:
            return _GUEST_SHUTDOWN in f.read()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _open_memory(path: str, stack: contextlib.ExitStack) -> int:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as e:
        raise base.EngineError('msg.checkpoint.resume.open',
                               'Cannot read the saved memory: %s' % e)
    stack.callback(os.close, fd)
    return fd


def _set_link(monitor: qmp.Monitor, netdev: str, up: bool) -> None:
    monitor.command('set_link', {'name': netdev, 'up': up})


def _save(monitor: qmp.Monitor, path: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        monitor.save(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _stopped(monitor: qmp.Monitor) -> abc.Iterator[None]:
    """Stop the processors; restart them afterwards if they were running."""
    running = monitor.status() == 'running'
    monitor.command('stop')
    try:
        yield
    finally:
        if running:
            with contextlib.suppress(base.EngineError):
                monitor.command('cont')
