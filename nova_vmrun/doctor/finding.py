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

"""What a check reports: one line, and what mends it."""

from collections.abc import Iterable
import dataclasses
import enum


class State(enum.StrEnum):
    """Whether something prevents servers from booting."""

    OK = 'ok'
    # Servers boot, but something else will fail or be slow.
    WARNING = 'warning'
    WRONG = 'wrong'


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the report.

    :ivar topic: what was looked at, in one or two words
    :ivar text: one or two sentences
    :ivar remedy: the command that mends it, or what to do; empty if OK
    """

    topic: str
    state: State
    text: str
    remedy: str = ''


def ok(topic: str, text: str) -> Finding:
    return Finding(topic, State.OK, text)


def warning(topic: str, text: str, remedy: str) -> Finding:
    return Finding(topic, State.WARNING, text, remedy)


def wrong(topic: str, text: str, remedy: str) -> Finding:
    return Finding(topic, State.WRONG, text, remedy)


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Return whether nothing prevents servers from booting."""
    return all(each.state is not State.WRONG for each in findings)
