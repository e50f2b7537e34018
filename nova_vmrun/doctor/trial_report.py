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

"""The report of a trial: JSON, without anything that identifies the host."""

from collections.abc import Iterable
import dataclasses
import getpass
import os
import re
import socket
from typing import Any

from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial
from nova_vmrun.host import product

_FORMAT = 2
_HOLDS, _FAILS = 'holds', 'does not hold'
_ANSWERS = {steps.Outcome.OK: _HOLDS, steps.Outcome.YES: _HOLDS,
            steps.Outcome.FAILED: _FAILS, steps.Outcome.NO: _FAILS}
_ADDRESS = re.compile(r'\b\d{1,3}(?:\.\d{1,3}){3}\b')
_MAC = re.compile(r'\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}\b')
_IDENTIFIER = re.compile(
    r'\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b'
    r'|\b(?:[0-9a-fA-F]{2} ){7}[0-9a-fA-F]{2}-(?:[0-9a-fA-F]{2} ){7}'
    r'[0-9a-fA-F]{2}\b')
# A path of any depth; names of the trial's own files stay readable.
_PATH = re.compile(r'(?<![\w}])/(?:[^\s/:"\']+/)+')


class Scrubber:
    """Replaces what identifies a host, its user or its network.

    :param folder: of the trial
    """

    def __init__(self, folder: str) -> None:
        self._words = [(folder, '{dir}'),
                       (os.path.expanduser('~'), '{home}')]
        names = {_user(): '{user}', socket.gethostname(): '{host}'}
        self._names = [(re.compile(r'\b%s\b' % re.escape(name)), word)
                       for name, word in names.items() if name]

    def clean(self, text: str) -> str:
        """Return a text without them."""
        for word, replacement in self._words:
            text = text.replace(word, replacement)
        text = _IDENTIFIER.sub('{id}', _MAC.sub('{mac}', text))
        text = _PATH.sub('{path}/', _ADDRESS.sub('{address}', text))
        for name, replacement in self._names:
            text = name.sub(replacement, text)
        return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # The system does not know this user.
        return ''


def answers(done: Iterable[steps.Step]) -> dict[str, str]:
    """Return what the steps say about each assumption, by its number.

    One that no step could ask about gets the reason.
    """
    found: dict[int, str] = {}
    for step in done:
        answer = _ANSWERS.get(step.outcome) or '%s: %s' % (step.outcome,
                                                           step.text)
        for claim in step.claims:
            if answer == _FAILS or found.get(claim) not in (_FAILS, _HOLDS):
                found[claim] = answer
    return {str(claim): found[claim] for claim in sorted(found)}


def make(done: trial.Trial, found: product.Product) -> dict[str, Any]:
    """Return the report of a trial, ready for JSON."""
    scrubber = Scrubber(done.folder)
    machine = os.uname()
    return {
        'format': _FORMAT,
        'product': {'kind': found.kind, 'name': found.name,
                    'version': found.version_text,
                    'is_fake': found.is_fake},
        'host': {'system': machine.sysname, 'kernel': machine.release,
                 'architecture': machine.machine, 'cpus': os.cpu_count()},
        'answered_by': '%s%s %s' % ('fakes of ' if found.is_fake else '',
                                    found.name, found.version_text),
        'answers': {claim: scrubber.clean(answer) for claim, answer
                    in answers(done.steps).items()},
        'steps': [dict(dataclasses.asdict(step),
                       text=scrubber.clean(step.text),
                       evidence=list(map(scrubber.clean, step.evidence)),
                       seconds=round(step.seconds, 3))
                  for step in done.steps],
        'calls': [{'step': call.step,
                   'argv': [os.path.basename(call.argv[0]),
                            *map(scrubber.clean, call.argv[1:])],
                   'files': list(map(scrubber.clean, call.files)),
                   'exit_code': call.exit_code,
                   'out': scrubber.clean(call.out),
                   'err': scrubber.clean(call.err),
                   'seconds': round(call.seconds, 3)}
                  for call in done.calls]}
