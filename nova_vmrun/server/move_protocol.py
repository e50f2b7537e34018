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

"""What two hosts say to each other when a server moves.

The host that a server leaves runs ``nova-vmrun-receive`` over ssh on the host
that it goes to. A request is a line of words without any meaning to a shell::

    examine <server> <compute node> <probe>
    receive <server> <compute node>
    discard <server> <compute node>

It names servers and compute nodes, and never a path. A compute node is ``-``
if it is unknown. The answer is a line of JSON. Neither side trusts the other.
"""

import dataclasses
import enum
import json
import re

from oslo_utils import uuidutils

from nova_vmrun import exception

PROGRAM = 'nova-vmrun-receive'
_UNKNOWN = '-'
_PROBE = re.compile('[0-9a-f]{32}')
_LONGEST_REQUEST = 256
_LONGEST_TEXT = 400
_USAGE = 'examine <server> <node> <probe>, receive <server> <node> or ' \
    'discard <server> <node>'


class Verb(enum.Enum):
    """What can be asked for.

    EXAMINE says whether a server can come, and removes the leftovers of an
    earlier attempt. RECEIVE takes its files from the standard input. DISCARD
    removes what was received and is not in use.
    """

    EXAMINE = 'examine'
    RECEIVE = 'receive'
    DISCARD = 'discard'


class Outcome(enum.Enum):
    """How a request ended.

    :cvar DONE: what was asked for is done
    :cvar SHARED: both hosts have the same instances_path
    :cvar OTHER: the folder belongs to another compute node
    :cvar TAKEN: the server has a folder there already
    :cvar FAILED: there was an error
    """

    DONE = 'done'
    SHARED = 'shared'
    OTHER = 'other'
    TAKEN = 'taken'
    FAILED = 'failed'


@dataclasses.dataclass(frozen=True)
class Request:
    """A request.

    :ivar server: id of the server
    :ivar node: id of the compute node that is meant; None if it is unknown
    :ivar probe: for EXAMINE, the end of the name of a file that the asking
        host has created in its own folder
    """

    verb: Verb
    server: str
    node: str | None = None
    probe: str | None = None

    @property
    def words(self) -> list[str]:
        """The request as words of a command."""
        words = [self.verb.value, self.server, self.node or _UNKNOWN]
        return words if self.probe is None else [*words, self.probe]


def parse_request(text: str) -> Request:
    """Return the request that a command contains.

    :param text: with or without the name of the program
    :raises InvalidInput: it is not one
    """
    words = text.split() if len(text) <= _LONGEST_REQUEST else []
    if words and words[0] == PROGRAM:
        del words[0]
    try:
        verb = Verb(words[0])
        server, node, *others = words[1:]
    except (IndexError, ValueError):
        raise _refused(text) from None
    if not (uuidutils.is_uuid_like(server) and server == server.lower() and
            len(server) == 36 and
            (node == _UNKNOWN or uuidutils.is_uuid_like(node))):
        raise _refused(text)
    probe = None
    if verb is Verb.EXAMINE:
        if len(others) != 1 or not _PROBE.fullmatch(others[0]):
            raise _refused(text)
        probe = others[0]
    elif others:
        raise _refused(text)
    return Request(verb, server, None if node == _UNKNOWN else node, probe)


def _refused(text: str) -> exception.InvalidInput:
    return exception.InvalidInput(
        'The request %.100r was refused.' % text,
        'A request is %s.' % _USAGE,
        'This program is run by nova-compute on another host.')


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a request.

    :ivar free: bytes that are free there
    :ivar networks: that the host has, see network_card.py; empty if unknown
    :ivar reason: what FAILED or TAKEN means
    :ivar details: of an error
    :ivar resolution: of an error
    """

    outcome: Outcome
    free: int | None = None
    reason: str = ''
    details: str = ''
    resolution: str = ''
    networks: str = ''

    def dump(self) -> str:
        """Return it as one line."""
        return json.dumps({**dataclasses.asdict(self),
                           'outcome': self.outcome.value})


def failed(error: exception.VmrunError) -> Answer:
    """Return the answer for an error."""
    return Answer(Outcome.FAILED, None, error.brief, error.details,
                  error.resolution)


def parse_answer(output: str) -> Answer | None:
    """Return the answer that another host has printed.

    :param output: a login shell may have printed something first
    :returns: None if it has printed no answer
    """
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1])
        outcome = Outcome(found['outcome'])
        free = found.get('free')
        texts = [_printable(found.get(name)) for name in
                 ('reason', 'details', 'resolution')]
        networks = found.get('networks')
    except (IndexError, ValueError, KeyError, TypeError, AttributeError,
            RecursionError):
        return None
    if isinstance(free, bool) or not isinstance(free, int) or free < 0:
        free = None
    reason, details, resolution = texts
    return Answer(outcome, free, reason, details, resolution,
                  networks if isinstance(networks, str) else '')


def _printable(text: object) -> str:
    if not isinstance(text, str):
        return ''
    return ''.join(each if each.isprintable() else ' '
                   for each in text[:_LONGEST_TEXT])
