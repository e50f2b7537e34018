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

"""The default engine: a VM is a small process with a screen and a console.

It answers RFB if VNC is enabled, and writes boot messages to serial ports. Its
guest obeys at once. See :mod:`vmwarefake.guest.machine`.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from vmwarefake.engine import base
from vmwarefake import firstboot
from vmwarefake import process
from vmwarefake import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any
    from vmwarefake import dictionary

_READY = 30         # timeout of a start, in seconds
_AGENT_PORT = 'serial1'
_CONSOLE = ('Booting the fake guest of %s',
            '[    0.000000] Linux version 6.1.0-fake (fake@guest)',
            '[    1.000000] systemd[1]: Reached target multi-user.target',
            '%s login: ')


class Engine(base.Engine):
    """See :class:`vmwarefake.engine.base.Engine`."""

    def start(self, memory: str | None = None) -> None:
        machine = self.machine
        plan = self._plan()
        if memory:
            saved = state.read_json(memory, None)
            if saved is None:
                raise base.EngineError(
                    'msg.checkpoint.resume.open',
                    'Cannot read the saved memory "%s".' % memory)
            plan.update(saved, resumed=True)
        state.write_json(machine.run_file('machine.json'), plan)
        for name in ('ready.json', 'command', 'answer.json'):
            if os.path.exists(machine.run_file(name)):
                os.unlink(machine.run_file(name))
        program = os.path.join(os.path.dirname(os.path.dirname(
            os.path.abspath(__file__))), 'guest', 'machine.py')
        argv = [sys.executable, '-I', '-S', program, machine.run_dir,
                machine.vmx_path]
        prefix = getattr(sys, 'pycache_prefix', None)
        if prefix:
            argv[1:1] = ['-X', 'pycache_prefix=' + prefix]
        pid = process.spawn(argv, machine.main_record,
                            machine.run_file('output'), machine.new_session)
        self._wait_ready(pid)

    def _plan(self) -> dict[str, Any]:
        config = self.machine.config
        plan: dict[str, Any] = {
            'name': config.get('displayName', ''),
            'record': self.machine.main_record, 'vnc': None,
            'serial_files': [], 'serial_pipes': [], 'agent_pipe': None,
            'agent': self.machine.knobs['AGENT'],
            'agent_log': os.path.join(self.machine.knobs.state_folder(),
                                      'agent.jsonl'),
            'console': self._console()}
        if self.machine.may_have_vnc and config.true(
                'RemoteDisplay.vnc.enabled'):
            password = firstboot.vnc_password(config)
            plan['vnc'] = {
                'ip': config.get('RemoteDisplay.vnc.ip') or '0.0.0.0',
                'port': config.integer('RemoteDisplay.vnc.port', 5900),
                'password': password if password is None else password.hex()}
        for n in range(4):
            port = 'serial%d' % n
            if not config.true(port + '.present') or not config.true(
                    port + '.startConnected', True):
                continue
            kind = config.get(port + '.fileType', '').lower()
            path = self.machine.path(config.get(port + '.fileName', ''))
            if kind == 'file' and os.path.isdir(os.path.dirname(path)):
                plan['serial_files'].append(path)
            elif kind == 'pipe' and config.get(
                    port + '.pipe.endPoint', 'server').lower() == 'server':
                if port == _AGENT_PORT and plan['agent'] != 'none':
                    plan['agent_pipe'] = path
                else:
                    plan['serial_pipes'].append(path)
        return plan

    def _console(self) -> list[str]:
        text = self.machine.knobs['CONSOLE']
        if text:
            return text.replace('\\n', '\n').split('\n')
        name = self.machine.config.get('displayName', 'localhost')
        return [line % name if '%s' in line else line for line in _CONSOLE]

    def _wait_ready(self, pid: int) -> None:
        ready = self.machine.run_file('ready.json')
        end = time.monotonic() + _READY
        while not os.path.exists(ready):
            if process.reap(pid) is not None or time.monotonic() > end:
                self.stop_hard()
                raise base.EngineError('msg.vmx.died',
                                       'The virtual machine\'s process '
                                       'ended: ' + self._output())
            time.sleep(0.002)
        vnc = state.read_json(ready, {})
        if vnc.get('vnc'):
            self.machine.log('MKSSocketListener: Started VNC server, '
                             'listening at %s' % vnc['vnc'])
        elif vnc.get('error'):
            self.machine.log('MKSSocketListener: Failed to start VNC '
                             'server: %s' % vnc['error'])

    def _output(self) -> str:
        try:
            with open(self.machine.run_file('output'),
                      errors='replace') as f:
                return f.read()[-2000:].strip()
        except OSError:
            return ''

    # -- commands to the process -----------------------------------------

    def _send(self, command: str, timeout: float = 10) -> Any:
        """Send a command to the process and return its answer.

        :raises base.EngineError: if the process does not answer.
        """
        machine = self.machine
        identity = process.read_record(machine.main_record)
        number = time.monotonic_ns()
        with open(machine.run_file('command.tmp'), 'w') as f:
            f.write('%d %s\n' % (number, command))
        os.rename(machine.run_file('command.tmp'),
                  machine.run_file('command'))
        if identity is None or not identity.alive():
            raise base.EngineError('msg.vmx.died', 'The process has gone.')
        os.kill(identity.pid, signal.SIGUSR1)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            answer = state.read_json(machine.run_file('answer.json'), None)
            if answer and answer[0] == number:
                return answer[1]
            if not identity.alive():
                break
            time.sleep(0.001)
        raise base.EngineError('msg.vmx.noAnswer',
                               'The process did not answer to %s.' % command)

    def stop_soft(self, timeout: float) -> bool:
        identity = process.read_record(self.machine.main_record)
        if identity is None:
            return True
        self._send('shut_down')
        return process.wait_gone(identity, timeout)

    def reset(self, soft: bool) -> None:
        self._send('reset')

    def pause(self) -> None:
        self._send('pause')

    def unpause(self) -> None:
        self._send('unpause')

    def suspend(self, memory: str) -> None:
        state.write_json(memory, self._send('state'))
        self.stop_hard()

    def release_disks(self, action: abc.Callable[[], dictionary.Dictionary],
                      memory: str | None = None) -> None:
        if memory:
            state.write_json(memory, self._send('state'))
        action()

    def capture_screen(self, path: str) -> None:
        from vmwarefake.guest import screen
        config = self.machine.config
        saved = self._send('state')
        picture = screen.Screen([
            config.get('displayName', ''),
            os.path.basename(self.machine.vmx_path), 'running',
            'boot %d' % saved['boots'], '> ' + saved['typed'][-40:]])
        with open(path, 'wb') as f:
            f.write(picture.png())

    def powered_itself_off(self) -> bool:
        return os.path.exists(self.machine.run_file('powered-off.json'))
