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

"""Faults that the knob FAULTS asks for, by verb and count."""

from __future__ import annotations

import os
import signal
import sys
import time

from vmwarefake import errors
from vmwarefake import files
from vmwarefake import knobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import session as sessions

KINDS = ('hang', 'hang-after', 'hang-stubborn', 'refuse', 'refuse-after',
         'error-exit-0', 'noise', 'noise-stderr', 'die', 'die-after',
         'die-writing', 'die-step', 'keep-pipe', 'own-group', 'busy')


class Fault:
    """An entry: VERB WHEN KIND [TEXT]."""

    def __init__(self, entry: str) -> None:
        words = entry.split(None, 3)
        if len(words) < 3 or words[2] not in KINDS:
            raise knobs.BadKnob('FAKE_VMRUN_FAULTS: not "VERB WHEN KIND '
                                '[TEXT]": %s' % entry)
        self.entry = entry
        self.verb = words[0].lower()
        self.kind = words[2]
        self.text = words[3] if len(words) > 3 else ''
        self.first, self.last = self._when(words[1])

    def _when(self, when: str) -> tuple[int, int | None]:
        if when == '*':
            return 1, None
        first, dash, last = when.partition('-')
        try:
            return (int(first), int(last)) if dash else (1, int(first))
        except ValueError:
            raise knobs.BadKnob('FAKE_VMRUN_FAULTS: %s: when is %s?'
                                % (self.entry, when))

    def strikes_at(self, count: int) -> bool:
        return self.first <= count and (self.last is None
                                        or count <= self.last)

    def seconds(self, default: float) -> float:
        return float(self.text) if self.text else default


def _parse(text: str) -> list[Fault]:
    return [Fault(entry.strip()) for entry in text.split(';')
            if entry.strip()]


def strike(session: sessions.Session, verb: str) -> Active:
    """Return the faults of this call, and count it on disk."""
    configured = [fault for fault in _parse(session.knobs['FAULTS'])
                  if fault.verb in ('*', verb.lower())]
    if not configured:
        return Active(session, [])
    now = []
    with session.state.shared('faults.json', {}) as counts:
        for fault in configured:
            counts[fault.entry] = counts.get(fault.entry, 0) + 1
            if fault.strikes_at(counts[fault.entry]):
                now.append(fault)
    return Active(session, now)


class Active:
    """The faults of this call."""

    def __init__(self, session: sessions.Session, faults: list[Fault]) -> None:
        self._session = session
        self._faults = faults

    def _of(self, *kinds: str) -> list[Fault]:
        return [fault for fault in self._faults if fault.kind in kinds]

    def before(self) -> None:
        """Do what happens before the work.

        :raises errors.Refused: for faults that refuse.
        """
        for fault in self._of('noise'):
            self._session.line(fault.text)
        for fault in self._of('noise-stderr'):
            sys.stderr.write(fault.text + '\n')
        for fault in self._of('keep-pipe'):
            self._hold_pipe(fault.seconds(60))
        for fault in self._of('own-group'):
            self._session.own_group = True
        for fault in self._of('die-writing'):
            files.arm(die_suffix=fault.text or '.vmx')
        for fault in self._of('die-step'):
            files.arm(die_step=int(fault.text))
        for fault in self._of('die'):
            self._die()
        for fault in self._of('hang', 'hang-stubborn'):
            self._hang(fault)
        for fault in self._of('refuse'):
            raise errors.Refused(fault.text)
        for fault in self._of('error-exit-0'):
            raise errors.Refused(fault.text, code=0)

    def after(self) -> None:
        """Do what happens after the work."""
        for fault in self._of('die-after'):
            self._die()
        for fault in self._of('hang-after'):
            self._hang(fault)
        for fault in self._of('refuse-after'):
            raise errors.Refused(fault.text)

    def busy_for(self) -> float:
        """Return for how many seconds the vmx cannot be read afterwards."""
        return max([fault.seconds(2) for fault in self._of('busy')],
                   default=0)

    def _die(self) -> None:
        sys.stdout.flush()
        self._session.call.finish(None)
        os.kill(os.getpid(), signal.SIGKILL)

    def _hang(self, fault: Fault) -> None:
        if fault.kind == 'hang-stubborn':
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
        if not fault.text:
            self._session.call.finish(None)
        sys.stdout.flush()
        time.sleep(fault.seconds(10 ** 8))

    def _hold_pipe(self, seconds: float) -> None:
        """Leave a child with our streams until the state folder is removed."""
        sys.stdout.flush()
        if os.fork():
            return
        os.setsid()
        end = time.monotonic() + seconds
        while time.monotonic() < end and os.path.isdir(
                self._session.state.folder):
            time.sleep(0.2)
        os._exit(0)
