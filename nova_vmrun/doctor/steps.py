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

"""What a trial consists of: its steps, and the programs that they run."""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import enum
import os
import time
from typing import BinaryIO

from nova_vmrun import exception
from nova_vmrun.tools import process


class Outcome(enum.StrEnum):
    """What became of a step."""

    OK = 'ok'
    # Something that the driver relies on does not work.
    FAILED = 'failed'
    # Answers to open questions; the driver works with either.
    YES = 'yes'
    NO = 'no'
    NOT_ASKED = 'not asked'


class Failure(Exception):
    """A step did not have the result that the driver relies on."""


class NotAsked(Exception):
    """This host lacks something without which a step means nothing."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to an open question.

    :ivar text: why it is so
    :ivar evidence: lines of VMware's log, and changed settings of the .vmx
    """

    is_yes: bool
    text: str = ''
    evidence: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Call:
    """A program that was run.

    :ivar step: name of the step that ran it
    :ivar exit_code: None: it was killed or could not be started
    :ivar files: names of files in the trial's folder after "+ " if the program
        made them, "- " if it removed them, and "~ " if it changed them
    """

    step: str
    argv: tuple[str, ...]
    exit_code: int | None
    out: str
    err: str
    files: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that was tried.

    :ivar claims: numbers of the assumptions in doc/source/unproven.rst
    :ivar text: why it failed, was answered so, or was not asked
    :ivar evidence: lines of VMware's log, and changed settings of the .vmx
    """

    name: str
    claims: tuple[int, ...]
    outcome: Outcome
    text: str
    seconds: float
    evidence: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Question:
    """An open question.

    :ivar claims: numbers of the assumptions in doc/source/unproven.rst
    :ivar ask: returns the answer, or raises NotAsked; an error of VMware's
        programs is a no
    """

    name: str
    claims: tuple[int, ...]
    ask: Callable[[], Answer]


class Recorder(process.Runner):
    """Runs programs, and remembers what they said and which files changed.

    :ivar folder: of the trial
    :ivar step: name of the step that runs programs now
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        super().__init__(env)
        self.calls: list[Call] = []
        self.folder = ''
        self.step = ''

    def run(self, *argv: object, timeout: float, kill_group: bool = True,
            limits: Mapping[int, int] | None = None,
            until: Callable[[], bool] | None = None,
            feed: Callable[[BinaryIO], None] | None = None) -> process.Result:
        words = tuple(map(str, argv))
        before = _files(self.folder)
        began = time.monotonic()
        exit_code, out, err = None, '', ''
        try:
            result = super().run(*argv, timeout=timeout, limits=limits,
                                 kill_group=kill_group, until=until,
                                 feed=feed)
            exit_code, out, err = (result.exit_code, result.stdout,
                                   result.stderr)
        except exception.VmrunError as error:
            err = str(error)
            raise
        finally:
            seconds = time.monotonic() - began
            self.calls.append(Call(
                self.step, words, exit_code, out, err,
                _changes(before, _files(self.folder)), seconds))
        return result


def _files(folder: str) -> dict[str, tuple[int, int]]:
    """Return size and time of change by the path within a folder."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                status = os.lstat(path)
            except OSError:
                # It was removed meanwhile, or is a mount without a daemon.
                continue
            found[os.path.relpath(path, folder)] = (status.st_size,
                                                    status.st_mtime_ns)
    return found


def _changes(before: Mapping[str, tuple[int, int]],
             after: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    return tuple(sorted(
        ['+ ' + name for name in after if name not in before] +
        ['- ' + name for name in before if name not in after] +
        ['~ ' + name for name in after
         if name in before and after[name] != before[name]]))
