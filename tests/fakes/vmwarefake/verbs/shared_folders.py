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

"""Shared folders: sharedFolderN keys of the vmx."""

from __future__ import annotations

import os
import re

from vmwarefake import errors
from vmwarefake import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import dictionary
    from vmwarefake import session as sessions
    from vmwarefake import vm as vms

_NAME = re.compile(r'sharedFolder(\d+)\.guestName\Z', re.I)
_DISABLE = 'isolation.tools.hgfs.disable'


def _numbers(config: dictionary.Dictionary) -> dict[str, int]:
    """Return {name: N} of the shared folders."""
    found = {}
    for key, value in config.items():
        match = _NAME.match(key)
        if match and config.true('sharedFolder%s.present' % match.group(1)):
            found[value] = int(match.group(1))
    return found


def _open(session: sessions.Session, words: list[str]) -> vms.VM:
    return session.vm(words[0])


def _check_unlocked(machine: vms.VM) -> None:
    if not machine.is_on:
        power.check_not_locked(machine)


def add(session: sessions.Session, words: list[str]) -> None:
    machine = _open(session, words)
    name, path = words[1], words[2]
    with machine.locked():
        _check_unlocked(machine)
        if not os.path.isdir(path):
            raise errors.vix(4)
        known = _numbers(machine.config)
        if name in known:
            raise errors.vix(23)
        number = min(set(range(len(known) + 1)) - set(known.values()))
        _write(machine.config, number, name, path, True)
        machine.config['sharedFolder.maxNum'] = str(len(known) + 1)
        machine.save_config()


def _write(config: dictionary.Dictionary, number: int, name: str, path: str,
           writable: bool) -> None:
    prefix = 'sharedFolder%d.' % number
    config.update({
        prefix + 'present': 'TRUE', prefix + 'enabled': 'TRUE',
        prefix + 'readAccess': 'TRUE',
        prefix + 'writeAccess': 'TRUE' if writable else 'FALSE',
        prefix + 'hostPath': os.path.abspath(path),
        prefix + 'guestName': name, prefix + 'expiration': 'never'})


def _find(machine: vms.VM, name: str) -> int:
    known = _numbers(machine.config)
    if name not in known:
        raise errors.vix(25)
    return known[name]


def remove(session: sessions.Session, words: list[str]) -> None:
    machine = _open(session, words)
    with machine.locked():
        _check_unlocked(machine)
        prefix = 'sharedfolder%d.' % _find(machine, words[1])
        for key in list(machine.config):
            if key.lower().startswith(prefix):
                del machine.config[key]
        machine.config['sharedFolder.maxNum'] = str(
            len(_numbers(machine.config)))
        machine.save_config()


def set_state(session: sessions.Session, words: list[str]) -> None:
    machine = _open(session, words)
    access = words[3].lower()
    if access not in ('writable', 'readonly'):
        raise errors.Usage()
    with machine.locked():
        _check_unlocked(machine)
        if not os.path.isdir(words[2]):
            raise errors.vix(4)
        _write(machine.config, _find(machine, words[1]), words[1], words[2],
               access == 'writable')
        machine.save_config()


def enable(session: sessions.Session, words: list[str]) -> None:
    _switch(session, words, 'FALSE')


def disable(session: sessions.Session, words: list[str]) -> None:
    _switch(session, words, 'TRUE')


def _switch(session: sessions.Session, words: list[str],
            disabled: str) -> None:
    """Enable or disable the feature.

    ``runtime`` lasts until the VM is off, so the VM must be on.
    """
    machine = _open(session, words)
    runtime = 'runtime' in [word.lower() for word in words[1:]]
    with machine.locked():
        _check_unlocked(machine)
        if runtime:
            if not machine.is_on:
                raise errors.not_powered_on(machine.given)
            machine.record.data['hgfs_disabled'] = disabled == 'TRUE'
            machine.record.save()
        else:
            machine.config[_DISABLE] = disabled
            machine.save_config()
