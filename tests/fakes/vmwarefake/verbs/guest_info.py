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

"""What Tools report: their state, the address, variables; the screen."""

from __future__ import annotations

import os
import time

from vmwarefake import checkpoint
from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import guestops
from vmwarefake import power
from vmwarefake import vm as vms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions

_POLL = 0.1
_LONGEST = 65536        # bytes of one guest variable
_NO_TOOLS = ('other', 'other-64')


def check_tools_state(session: sessions.Session, words: list[str]) -> int:
    machine = session.vm(words[0])
    with machine.locked():
        state = guestops.reported_state(machine)
    session.line(state)
    return errors.TOOLS_UNKNOWN if state == 'unknown' else 0


def get_address(session: sessions.Session, words: list[str]) -> None:
    """Print the address; with -wait, wait for Tools and an address.

    A suspended VM still has the address that it had.
    """
    machine = session.vm(words[0])
    if machine.state == vms.SUSPENDED:
        address = checkpoint.read(machine.path(
            machine.config['checkpoint.vmState'])).get('address')
        if address:
            return session.line(address)
    wait = '-wait' in [word.lower() for word in words[1:]]
    while True:
        with machine.locked():
            guestops.need_running(machine)
            if session.knobs.flag('ADDRESS_DENIED'):
                raise errors.tools_down(machine.given)
            if not wait:
                guestops.need_tools(machine)
            address = guestops.guest_address(machine) if (
                guestops.tools_state(machine) == 'running') else None
        if address:
            return session.line(address)
        if not wait:
            return _print_no_address(session)
        time.sleep(_POLL)


def _print_no_address(session: sessions.Session) -> None:
    """Print what each version prints if Tools know no address."""
    kind = session.knobs['NO_ADDRESS'] or (
        'empty' if session.product.numbers >= (26, 0) else 'unknown')
    if kind == 'error':
        raise errors.Refused('Unable to get the IP address')
    session.line('' if kind == 'empty' else 'unknown')


_KINDS = ('guestvar', 'runtimeconfig', 'guestenv')


def _kind(word: str) -> str:
    if word.lower() not in _KINDS:
        raise errors.Usage()
    return word.lower()


def read_variable(session: sessions.Session, words: list[str]) -> None:
    kind = _kind(words[1])
    machine = session.vm(words[0])
    with machine.locked():
        session.line(_READ[kind](machine, words[2]))


def _read_guest_var(machine: vms.VM, name: str) -> str:
    guestops.need_running(machine)
    if name == 'ip':
        if guestops.tools_state(machine) != 'running':
            return ''
        return guestops.guest_address(machine) or ''
    written: dict[str, str] = machine.record.data.get('guest_variables', {})
    own = machine.engine.guest_variables()
    return own.get(name, written.get(name, machine.config.get(
        'guestinfo.' + name, '')))


def _read_config(machine: vms.VM, name: str) -> str:
    return machine.config.get(name, '')


def _read_env(machine: vms.VM, name: str) -> str:
    _need_guest(machine)
    variables: dict[str, str] = machine.record.data.get('guest_env', {})
    return variables.get(name, '')


_READ = {'guestvar': _read_guest_var, 'runtimeconfig': _read_config,
         'guestenv': _read_env}


def _need_guest(machine: vms.VM) -> None:
    guestops.need_running(machine)
    guestops.need_tools(machine)
    guestops.need_login(machine)


def write_variable(session: sessions.Session, words: list[str]) -> None:
    kind = _kind(words[1])
    if len(words) < 4:
        raise errors.Usage()
    machine = session.vm(words[0])
    with machine.locked():
        _WRITE[kind](machine, words[2], words[3])


def _write_guest_var(machine: vms.VM, name: str, value: str) -> None:
    """Write a variable that lasts as long as the VM runs."""
    guestops.need_running(machine)
    limit = machine.config.integer('tools.setInfo.sizeLimit', 1 << 20)
    known = machine.record.data.setdefault('guest_variables', {})
    known[name] = value
    if len(value.encode('utf-8', 'surrogateescape')) > _LONGEST or sum(
            len(key) + len(item) for key, item in known.items()) > limit:
        raise errors.vix(3)
    with power.engine_errors(machine):
        machine.engine.guest_variable_written(name, value)
    machine.record.save()


def _write_config(machine: vms.VM, name: str, value: str) -> None:
    """Write a variable that changes the running VM and the vmx."""
    if not machine.is_on:
        power.check_not_locked(machine)
    machine.config[name] = value
    machine.save_config()
    if machine.is_on:
        with power.engine_errors(machine):
            machine.engine.config_changed(name, value)


def _write_env(machine: vms.VM, name: str, value: str) -> None:
    _need_guest(machine)
    if not guestops.is_windows(machine) and (
            machine.session.guest_user != 'root'):
        raise errors.vix(3015)
    machine.record.data.setdefault('guest_env', {})[name] = value
    machine.record.save()


_WRITE = {'guestvar': _write_guest_var, 'runtimeconfig': _write_config,
          'guestenv': _write_env}


def capture_screen(session: sessions.Session, words: list[str]) -> None:
    machine = guestops.open_guest(session, words)
    target = os.path.abspath(words[1])
    if not os.path.isdir(os.path.dirname(target)):
        raise errors.vix(4)
    with machine.locked():
        guestops.need_running(machine)
        try:
            machine.engine.capture_screen(target)
        except base.EngineError as e:
            machine.log.error(e.msg_id, str(e))
            raise errors.vix(19000)


def install_tools(session: sessions.Session, words: list[str]) -> None:
    machine = session.vm(words[0])
    with machine.locked():
        guestops.need_running(machine)
        if machine.config.get('guestOS', '').lower() in _NO_TOOLS:
            raise errors.vix(21000)
        if not any(d.is_cdrom for d in devices.drives(machine.config,
                                                      machine.directory)):
            raise errors.vix(21002)
        if machine.record.data.get('tools_iso'):
            raise errors.vix(21011)
        machine.record.data['tools_iso'] = True
        machine.record.save()
        machine.log('TOOLS: installation of VMware Tools begun.')
