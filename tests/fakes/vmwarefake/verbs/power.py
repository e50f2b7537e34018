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

import sys
import time

from vmwarefake import crowd
from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import guestops
from vmwarefake import power
from vmwarefake import slow
from vmwarefake import vm as vms

_POLL = 0.05


def start(session, words):
    machine = session.vm(words[0])
    mode = _word(words[1:], ('gui', 'nogui')) or 'gui'
    try:
        with machine.locked():
            if machine.is_on:
                return          # also when paused: it stays so (inferred)
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


def _window_takes_vnc(session):
    """Tell whether a VM with a window answers no VNC.

    Player turns it off. Of Workstation it was seen when the window was not
    open before; the stricter reading is that it is so on every host.
    """
    product = session.product
    if product.kind == 'fusion':
        return False
    return product.provider == 'player' or not session.knobs.flag('GUI_OPEN')


def _need_display(session):
    environ = session.knobs.environ
    there = (sys.platform == 'darwin' or bool(environ.get('DISPLAY'))
             or bool(environ.get('WAYLAND_DISPLAY')))
    if not session.knobs.flag('DISPLAY', there):
        # Some saw "The operation was canceled" instead.
        raise errors.vix(3043)


def _word(words, known):
    """Find a keyword among what follows; ``"hard nogui"`` is two words."""
    for word in ' '.join(words).lower().split():
        if word in known:
            return word
    return None


def _mode(machine, words, key):
    """Return hard or soft: as said, else by the vmx, else hard."""
    said = _word(words, ('hard', 'soft'))
    if said:
        return said
    configured = machine.config.get('powerType.' + key, '').lower()
    return 'soft' if configured == 'soft' else 'hard'


def _need_on(machine, may_be_paused=True):
    if not machine.is_on:
        raise errors.not_powered_on(machine.given)
    if not may_be_paused and machine.state == vms.PAUSED:
        raise errors.paused(machine.given)


def stop(session, words):
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'powerOff')
        _need_on(machine, may_be_paused=mode == 'hard')
        if mode == 'hard':
            return power.power_off(machine)
        guestops.need_tools(machine)
    _shut_down_softly(machine)


def _shut_down_softly(machine):
    """Ask the guest to go, without the lock: a hard stop may overtake."""
    knobs = machine.session.knobs
    timeout = knobs.number('STOP_TIMEOUT')
    time.sleep(min(timeout, knobs.number('STOP_SECONDS')))
    if knobs['STOP_SOFT'] == 'hang':
        time.sleep(timeout)
    elif shut_down(machine, timeout):
        return
    # What the products print then is not known.
    raise errors.vix(10)


def shut_down(machine, timeout):
    """Let the guest power off, without the lock, and clean up after it.

    :returns: True when the VM is off within ``timeout`` seconds.
    """
    try:
        gone = machine.engine.stop_soft(timeout)
    except base.EngineError:
        gone = machine.record.process() is None
    if gone:
        with machine.locked():
            return not machine.is_on
    return False


def reset(session, words):
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'reset')
        # A paused VM may be reset by some products (stricter: refused).
        _need_on(machine, may_be_paused=False)
        if mode == 'soft':
            guestops.need_tools(machine)
            if session.knobs['STOP_SOFT'] == 'hang':
                time.sleep(session.knobs.number('STOP_TIMEOUT'))
                raise errors.vix(10)
        restart(machine, mode == 'soft')


def restart(machine, soft):
    """Let the guest begin anew; some are off afterwards (a knob)."""
    if machine.session.knobs.flag('RESET_LEAVES_OFF'):
        return power.power_off(machine)
    with power.engine_errors(machine):
        machine.engine.reset(soft)
    machine.restarted()
    machine.log('Transitioned vmx/execState/val to poweredOn')


def suspend(session, words):
    machine = session.vm(words[0])
    with machine.locked():
        mode = _mode(machine, words[1:], 'suspend')
        _need_on(machine)
        if machine.config.true('suspend.disabled'):
            raise errors.vix(6)
        if mode == 'soft' and machine.state == vms.RUNNING:
            guestops.need_tools(machine)
        slow.run(machine, 'suspend', lambda: power.suspend(machine))


def pause(session, words):
    machine = session.vm(words[0])
    with machine.locked():
        # Whether pausing twice fails is not known (stricter: it does).
        _need_on(machine, may_be_paused=False)
        with power.engine_errors(machine):
            machine.engine.pause()
        machine.set_paused(True)


def unpause(session, words):
    machine = session.vm(words[0])
    with machine.locked():
        _need_on(machine)
        if machine.state == vms.PAUSED:
            with power.engine_errors(machine):
                machine.engine.unpause()
            machine.set_paused(False)
