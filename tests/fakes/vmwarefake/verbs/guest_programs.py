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

"""Commands for programs in the guest, and for its keyboard."""

from __future__ import annotations

import time

from vmwarefake import errors
from vmwarefake import guestops
from vmwarefake.verbs import power as power_verbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions
    from vmwarefake import vm as vms

_OPTIONS = ('-nowait', '-activewindow', '-interactive')
_ALWAYS = ((1, 'root', '/sbin/init'), (2, 'root', '[kthreadd]'),
           (412, 'root', '/usr/bin/vmtoolsd'))
_ALWAYS_WINDOWS = ((4, 'SYSTEM', 'System'), (612, 'SYSTEM', 'lsass.exe'),
                   (1480, 'SYSTEM', 'vmtoolsd.exe'))


def _take_options(words: list[str]) -> tuple[set[str], list[str]]:
    """Split options from the other arguments."""
    rest = list(words)
    options = set()
    while rest and rest[0].lower() in _OPTIONS:
        options.add(rest.pop(0).lower())
    if not rest:
        raise errors.Usage()
    return options, rest


def _check_console(session: sessions.Session, options: set[str]) -> None:
    """Require that the user is at the console, if the options need it."""
    if not options & {'-interactive', '-activewindow'}:
        return
    user = session.knobs['LOGGED_IN']
    if not user:
        raise errors.vix(3034)
    if user != session.guest_user:
        raise errors.vix(3035)


def _programs(session: sessions.Session) -> dict[str, int]:
    found = {}
    for item in session.knobs['GUEST_PROGRAMS'].split(','):
        path, _, code = item.strip().rpartition('=')
        if path:
            found[path] = int(code)
    return found


def run_program(session: sessions.Session, words: list[str]) -> int:
    options, rest = _take_options(words[1:])
    return _run(session, words, options, rest[0], rest[1:],
                ' '.join(rest))


def run_script(session: sessions.Session, words: list[str]) -> int:
    options, rest = _take_options(words[1:])
    if len(rest) < 2:
        raise errors.Usage()
    interpreter = rest[0] or '/bin/sh'
    return _run(session, words, options, interpreter, ['-c', rest[1]],
                interpreter)


def _run(session: sessions.Session, words: list[str], options: set[str],
         program: str, arguments: list[str], command: str) -> int:
    machine = guestops.open_guest(session, words)
    _check_console(session, options)
    from vmwarefake.guest import shell
    guest = shell.Shell(guestops.files(machine), _programs(session))
    with guestops.guest_errors():
        if '-nowait' in options:
            if not guest.knows(program):
                raise errors.vix(4)
            _note_process(machine, command)
            return 0
        code = guest.run(program, arguments)
    if guest.power:
        _power(machine, guest.power)
    if code:
        # Sources disagree: some saw exit code 1, others that of the guest.
        session.line('Guest program exited with non-zero exit code: %d'
                     % code)
    return code


def _power(machine: vms.VM, wish: str) -> None:
    """Do what a shutdown or reboot in the guest does to the VM."""
    if wish == 'reset':
        with machine.locked():
            if machine.is_on:
                power_verbs.restart(machine, soft=True)
        return
    power_verbs.shut_down(machine, machine.session.knobs.number(
        'STOP_TIMEOUT'))


def _note_process(machine: vms.VM, command: str) -> None:
    with machine.locked():
        processes = machine.record.data.setdefault('processes', [])
        taken = [p['pid'] for p in processes]
        processes.append({'pid': max(taken + [1999]) + 1,
                          'owner': machine.session.guest_user,
                          'cmd': command, 'start': int(time.time())})
        machine.record.save()


def list_processes(session: sessions.Session, words: list[str]) -> None:
    """List processes; the text of the first line is not certain."""
    machine = guestops.open_guest(session, words)
    always = _ALWAYS_WINDOWS if guestops.is_windows(machine) else _ALWAYS
    found = list(always) + [
        (p['pid'], p['owner'], p['cmd'])
        for p in machine.record.data.get('processes', [])]
    session.line('Process list: %d' % len(found))
    for row in found:
        session.line('pid=%d, owner=%s, cmd=%s' % row)


def kill_process(session: sessions.Session, words: list[str]) -> None:
    machine = guestops.open_guest(session, words)
    with machine.locked():
        processes = machine.record.data.get('processes', [])
        left = [p for p in processes if str(p['pid']) != words[1]]
        if len(left) == len(processes):
            always = [str(p[0]) for p in _ALWAYS + _ALWAYS_WINDOWS]
            raise errors.vix(3015 if words[1] in always else 20003)
        machine.record.data['processes'] = left
        machine.record.save()


def type_keystrokes(session: sessions.Session, words: list[str]) -> None:
    """Refuse, as users nearly always report (stricter: always)."""
    guestops.open_guest(session, words)
    raise errors.vix(3014)
