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

"""The program vmrun."""

from __future__ import annotations

import importlib
import os
import sys

from vmwarefake import engine
from vmwarefake import errors
from vmwarefake import knobs
from vmwarefake import noise
from vmwarefake import session as sessions
from vmwarefake import verbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import product as products

#: Flags that take a value. -h, -P, -u and -p are for products long gone.
_FLAGS = {'-t': 'host_type', '-h': None, '-p': None, '-u': None,
          '-vp': 'vm_password', '-gu': 'guest_user', '-gp': 'guest_password'}
_BAD_KNOB = 70


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        session = sessions.Session(os.environ, 'vmrun', argv)
    except knobs.BadKnob as e:
        sys.stderr.write('fake vmrun: %s\n' % e)
        return _BAD_KNOB
    code = run(session, argv)
    sys.stdout.flush()
    session.call.finish(code)
    return code


def run(session: sessions.Session, argv: list[str]) -> int:
    try:
        words = take_flags(session, argv)
        return dispatch(session, words)
    except errors.Usage as e:
        from vmwarefake import usage
        if e.complaint:
            session.line(e.complaint)
        session.write(usage.vmrun(session.product))
        return errors.FAILED
    except errors.Refused as e:
        session.write(e.output())
        return e.code
    except (knobs.BadKnob, engine.NoSuchEngine) as e:
        sys.stderr.write('fake vmrun: %s\n' % e)
        return _BAD_KNOB


def take_flags(session: sessions.Session, argv: list[str]) -> list[str]:
    """Read the flags before the command and return the rest.

    Flags after the command are arguments of the command.
    """
    given = {}
    rest = list(argv)
    while rest and rest[0].startswith('-') and len(rest[0]) > 1:
        flag = rest.pop(0).lower()
        if flag not in _FLAGS:
            raise errors.Usage('Invalid argument: %s' % flag)
        if not rest:
            raise errors.Usage()
        given[_FLAGS[flag]] = rest.pop(0)
    for name in ('vm_password', 'guest_user', 'guest_password'):
        setattr(session, name, given.get(name))
    check_host_type(session.product, given.get('host_type', ''))
    return rest


def check_host_type(installed: products.Product, said: str) -> None:
    """Refuse a -T that is not the installed product.

    Workstation for Linux includes Player: with ``-T player`` Player answers,
    and lacks what Player lacks.
    """
    said = said.lower()
    if said in ('', installed.kind):
        return
    if said == 'player' and (installed.kind, installed.host) == (
            'ws', 'linux'):
        installed.provider = 'player'
        return
    before = 'Unable to connect to host.\n'
    if said == 'ws':
        # Some versions print this without the comma.
        raise errors.Refused('Service type VIX_SERVICEPROVIDER_VMWARE_'
                             'WORKSTATION was specified, but not installed',
                             before)
    if said == 'player':
        raise errors.Refused('Service type VIX_SERVICEPROVIDER_VMWARE_PLAYER '
                             'was specified but not installed', before)
    if said in ('fusion', 'esx', 'vc', 'server', 'server1'):
        raise errors.vix(22003)
    raise errors.Usage()


def dispatch(session: sessions.Session, words: list[str]) -> int:
    if not words:
        raise errors.Usage()
    found = verbs.find(words[0])
    if not found or session.product.lacks(found[0]):
        raise errors.Usage('Error: Unrecognized command: %s' % words[0])
    name, path, fewest, of_vm = found
    words = words[1:]
    if of_vm and not words:
        raise errors.Usage('Error: No Vm name provided')
    if len(words) < fewest:
        raise errors.Usage()
    return perform(session, name, path, words)


def perform(session: sessions.Session, name: str, path: str,
            words: list[str]) -> int:
    """Run a verb with its latency and its faults."""
    noise.at_connection(session)
    session.delay(name)
    active = session.strike(name)
    try:
        active.before()
        if session.product.refuses(name):
            raise errors.vix(6)
        name_of_module, _, function = path.partition('.')
        module = importlib.import_module('vmwarefake.verbs.' + name_of_module)
        code: int | None = getattr(module, function)(session, words)
    except OSError as e:
        raise sessions.refusal_of(e)
    if active.busy_for():
        _make_busy(session, words[0], active.busy_for())
    active.after()
    return code or 0


def _make_busy(session: sessions.Session, vmx: str, seconds: float) -> None:
    import time
    record = session.state.record(vmx)
    with record.lock():
        record.load()
        record.data['busy_until'] = time.time() + seconds
        record.save()
