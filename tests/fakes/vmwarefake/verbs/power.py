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

"""start, stop, reset, suspend, pause, unpause."""

from __future__ import annotations

import sys
import time

from vmwarefake import crowd
from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import guestops
from vmwarefake import power
from vmwarefake import slow
from vmwarefake import vm as vms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions

_POLL = 0.05


def start(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    mode = _word(words[1:], ('gui', 'nogui')) or 'gui'
    try:
        with machine.locked():
            if machine.is_on:
                return          # a paused VM stays paused (inferred)
            if mode == 'gui':
                _need_display(session)
                machine.without_vnc = _window_takes_vnc(session)
            resumes = machine.state == vms.SUSPENDED
            with crowd.place(session, machine.vmx):
                slow.run(machine, 'start' if resumes else None,
                         lambda: power.power_on(machine))
    except errors.Waits:
        session.call.finish(None)
        sys.stdout.flush()
        time.sleep(10 ** 8)
    if mode == 'gui' and session.knobs.flag('GUI_WAITS'):
        while machine.record.process():
            time.sleep(_POLL)


def _window_takes_vnc(session: sessions.Session) -> bool:
    """Return whether a VM with a window does not answer VNC.

    Player turns VNC off. Workstation was seen to do so if its window was not
    open before (strictest reading: on every host).
    """
    product = session.product
    if product.kind == 'fusion':
        return False
    return product.provider == 'player' or not session.knobs.flag('GUI_OPEN')


def _need_display(session: sessions.Session) -> None:
    environ = session.knobs.environ
    there = (sys.platform == 'darwin' or bool(environ.get('DISPLAY'))
             or bool(environ.get('WAYLAND_DISPLAY')))
    if not session.knobs.flag('DISPLAY', there):
        # Some users saw "The operation was canceled" instead.
        raise errors.vix(3043)


def _word(words: list[str], known: tuple[str, ...]) -> str | None:
    """Return the first keyword; ``"hard nogui"`` counts as two words."""
    for word in ' '.join(words).lower().split():
        if word in known:
            return word
    return None


def _mode(machine: vms.VM, words: list[str], key: str) -> str:
    """Return hard or soft: from the command, the vmx, or the default."""
    said = _word(words, ('hard', 'soft'))
    if said:
        return said
    configured = machine.config.get('powerType.' + key, '').lower()
    return 'soft' if configured == 'soft' else 'hard'


def _need_on(machine: vms.VM, may_be_paused: bool = True) -> None:
    if not machine.is_on:
        raise errors.not_powered_on(machine.given)
    if not may_be_paused and machine.state == vms.PAUSED:
        raise errors.paused(machine.given)


def stop(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'powerOff')
        _need_on(machine, may_be_paused=mode == 'hard')
        if mode == 'hard':
            return power.power_off(machine)
        guestops.need_tools(machine)
    _shut_down_softly(machine)


def _shut_down_softly(machine: vms.VM) -> None:
    """Shut down without the lock, so that a hard stop can overtake."""
    knobs = machine.session.knobs
    timeout = knobs.number('STOP_TIMEOUT')
    time.sleep(min(timeout, knobs.number('STOP_SECONDS')))
    if knobs['STOP_SOFT'] == 'hang':
        time.sleep(timeout)
    elif shut_down(machine, timeout):
        return
    # The message of the products is not known.
    raise errors.vix(10)


def shut_down(machine: vms.VM, timeout: float) -> bool:
    """Let the guest power off, without the lock, and clean up.

    :returns: whether the VM is off within ``timeout`` seconds.
    """
    try:
        gone = machine.engine.stop_soft(timeout)
    except base.EngineError:
        gone = machine.record.process() is None
    if gone:
        with machine.locked():
            return not machine.is_on
    return False


def reset(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'reset')
        # Some products may reset a paused VM (stricter: refuse).
        _need_on(machine, may_be_paused=False)
        if mode == 'soft':
            guestops.need_tools(machine)
            if session.knobs['STOP_SOFT'] == 'hang':
                time.sleep(session.knobs.number('STOP_TIMEOUT'))
                raise errors.vix(10)
        restart(machine, mode == 'soft')


def restart(machine: vms.VM, soft: bool) -> None:
    """Restart the guest, which a knob can leave powered off."""
    if machine.session.knobs.flag('RESET_LEAVES_OFF'):
        return power.power_off(machine)
    with power.engine_errors(machine):
        machine.engine.reset(soft)
    machine.restarted()
    machine.log('Transitioned vmx/execState/val to poweredOn')


def suspend(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'suspend')
        _need_on(machine)
        if machine.config.true('suspend.disabled'):
            raise errors.vix(6)
        if mode == 'soft' and machine.state == vms.RUNNING:
            guestops.need_tools(machine)
        slow.run(machine, 'suspend', lambda: power.suspend(machine))


def pause(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        # Whether pausing twice fails is not known (stricter: it fails).
        _need_on(machine, may_be_paused=False)
        with power.engine_errors(machine):
            machine.engine.pause()
        machine.set_paused(True)


def unpause(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        _need_on(machine)
        if machine.state == vms.PAUSED:
            with power.engine_errors(machine):
                machine.engine.unpause()
            machine.set_paused(False)
