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

"""vmware, vmware-vmx and vmplayer, which clients ask for the version."""

from __future__ import annotations

import os
import sys

from vmwarefake import knobs
from vmwarefake import session as sessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_BAD_KNOB = 70
_NO_DISPLAY = 1
_NOT_FOUND = 127


def _run(prog: str,
         answer: abc.Callable[[sessions.Session, list[str]], int]) -> int:
    argv = sys.argv[1:]
    try:
        session = sessions.Session(os.environ, prog, argv)
        code = answer(session, argv)
    except knobs.BadKnob as e:
        sys.stderr.write('fake %s: %s\n' % (prog, e))
        return _BAD_KNOB
    sys.stdout.flush()
    session.call.finish(code)
    return code


def vmware() -> int:
    return _run('vmware', _workstation)


def vmplayer() -> int:
    return _run('vmplayer', _player)


def _workstation(session: sessions.Session, argv: list[str]) -> int:
    if session.product.kind != 'ws':
        sys.stderr.write('fake vmware: %s has no program vmware\n'
                         % session.product.name)
        return _NOT_FOUND
    return _window(session, argv, session.product.name)


def _player(session: sessions.Session, argv: list[str]) -> int:
    """Answer for Player; Workstation includes a vmplayer too."""
    if session.product.kind == 'fusion':
        sys.stderr.write('fake vmplayer: Fusion has no program vmplayer\n')
        return _NOT_FOUND
    return _window(session, argv, 'VMware Player')


def _window(session: sessions.Session, argv: list[str], name: str) -> int:
    """Answer -v; there is no window to open."""
    if argv[:1] in (['-v'], ['--version']):
        session.line('%s %s build-%s' % (name, session.product.version,
                                         session.product.build))
        return 0
    sys.stderr.write('fake %s: this is not a graphical program; it '
                     'answers only -v\n' % session.product.name)
    return _NO_DISPLAY


def vmware_vmx() -> int:
    return _run('vmware-vmx', _vmx)


def _vmx(session: sessions.Session, argv: list[str]) -> int:
    """Answer -v, on standard error as the product does."""
    product = session.product
    if argv[:1] in (['-v'], ['--version']):
        sys.stderr.write('\n%s Information:\n%s Release\n'
                         % (product.name, product.full_version))
        return 0
    if argv[:1] == ['--query-license']:
        editions = {'ws': 'ws.pro', 'player': 'player', 'fusion': 'fusion.pro'}
        session.line(editions[product.kind])
        return 0
    sys.stderr.write('fake vmware-vmx: use vmrun to start VMs; this answers '
                     'only -v and --query-license\n')
    return _NO_DISPLAY
