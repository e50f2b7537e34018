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

"""What guest commands need before they can do anything."""

from __future__ import annotations

import contextlib
import time

from vmwarefake import devices
from vmwarefake.engine import base
from vmwarefake import errors
from vmwarefake import hostnet
from vmwarefake import vm as vms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake.guest import filesystem
    from vmwarefake import session as sessions

_POLL = 0.05


def tools_state(machine: vms.VM) -> str:
    """Return ``unknown``, ``installed`` or ``running``."""
    if machine.state != vms.RUNNING:
        return 'unknown'
    state = machine.engine.tools_state()
    if not isinstance(state, base.FromKnobs):
        return state
    knobs = machine.session.knobs
    since = time.time() - machine.record.data.get('started', 0)
    if since < knobs.number('TOOLS_DELAY'):
        return 'unknown'
    return knobs['TOOLS']


def reported_state(machine: vms.VM) -> str:
    """Return the state that checkToolsState reports, which may lag."""
    state = tools_state(machine)
    knobs = machine.session.knobs
    if (state == 'running' and knobs.flag('TOOLS_LOGIN')
            and not knobs['LOGGED_IN']
            and not machine.record.data.get('logged_in')):
        return 'installed'
    return state


def need_running(machine: vms.VM) -> None:
    """Raise errors.Refused unless the VM runs and is not paused."""
    if not machine.is_on:
        raise errors.not_powered_on(machine.given)
    if machine.state == vms.PAUSED:
        raise errors.paused(machine.given)


def need_tools(machine: vms.VM) -> None:
    """Wait for Tools; raise errors.Refused if they do not run."""
    end = time.monotonic() + machine.session.knobs.number('TOOLS_WAIT')
    while tools_state(machine) != 'running':
        if machine.record.process() is None:
            raise errors.vix(3006)
        if time.monotonic() >= end:
            raise errors.tools_down(machine.given)
        time.sleep(_POLL)


def need_login(machine: vms.VM) -> None:
    """Raise errors.Refused unless -gu and -gp are those of a guest user."""
    session = machine.session
    if not session.guest_user:
        raise errors.vix(3018)
    wanted = session.knobs['GUEST_USERS']
    password = session.guest_password or ''
    if wanted == '*':
        good = bool(password)
    else:
        good = '%s:%s' % (session.guest_user, password) in [
            user.strip() for user in wanted.split(',')]
    if not good:
        raise errors.Refused('Invalid user name or password for the guest '
                             'OS')
    if not machine.record.data.get('logged_in'):
        machine.record.data['logged_in'] = True
        machine.record.save()


def open_guest(session: sessions.Session, words: list[str],
               login: bool = True) -> vms.VM:
    """Open a VM for a command that works in its guest.

    The VM is not locked afterwards.

    :raises errors.Refused: unless it runs, Tools run and the login is good.
    """
    machine = session.vm(words[0])
    with machine.locked():
        need_running(machine)
        need_tools(machine)
        if login:
            need_login(machine)
    return machine


def is_windows(machine: vms.VM) -> bool:
    return machine.config.get('guestOS', '').lower().startswith(
        ('win', 'longhorn', 'arm-win'))


def files(machine: vms.VM) -> filesystem.FileSystem:
    """Return the guest's files; those of another VM at this place go."""
    from vmwarefake.guest import filesystem
    from vmwarefake import state
    uuid = machine.config.get('uuid.bios', '')
    folder = machine.record.path('guest')
    mark = machine.record.path('guest-of')
    try:
        with open(mark) as f:
            known = f.read()
    except FileNotFoundError:
        known = ''
    if known != uuid:
        state.remove_tree(folder)
        with open(mark, 'w') as f:
            f.write(uuid)
    return filesystem.FileSystem(folder, is_windows(machine))


@contextlib.contextmanager
def guest_errors() -> abc.Iterator[None]:
    """Turn what goes wrong in the guest into vmrun's words."""
    from vmwarefake.guest import filesystem
    try:
        yield
    except filesystem.GuestError as e:
        raise errors.vix(e.code)


def guest_address(machine: vms.VM) -> str | None:
    """Return the address that Tools report, or None."""
    address = machine.engine.guest_ip()
    if not isinstance(address, base.FromKnobs):
        return address
    said = machine.session.knobs['GUEST_IP']
    if said != 'auto':
        return None if said == 'none' else said
    connected = machine.record.data.get('connected', {})
    for n in devices.nics(machine.config):
        if not connected.get('ethernet%d' % n, True):
            continue
        network = devices.vmnet(machine.config, n)
        mac = devices.mac(machine.config, n)
        found = hostnet.address_for(machine.session.state, network, mac)
        if found:
            return found
    return None
