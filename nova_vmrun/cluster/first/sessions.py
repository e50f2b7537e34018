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

"""End the sessions of ssh that nodes which have left have with the gateway.

A session need not hold ports or run a program, and sshd does not say whose it
is. So keep those that have what only another node can have, and end the rest:
a node connects again by itself.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
import dataclasses
import subprocess
import sys
import time
from typing import TypeVar

import psutil

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import authorized_keys
from nova_vmrun.cluster.first import registry

_Item = TypeVar('_Item')
_MODULE = 'nova_vmrun.cluster.first.sessions'
# sshd, and since OpenSSH 9.8 sshd-session and sshd-auth for each session.
_SSHD = 'sshd'
# Seconds that a session which has just begun has to show whose it is, that
# sshd has to end, and after which the session that asked for it ends.
_SETTLE = 2
_TIMEOUT = 5
_LATER = 10


@dataclasses.dataclass(frozen=True)
class _Connection:
    """A connection of TCP: two addresses with ports."""

    own: tuple[str, int]
    other: tuple[str, int] | None

    @property
    def listens(self) -> bool:
        return self.other is None


class _Session:
    """What serves one connection: a process of sshd, and its descendants.

    :ivar peers: the other ends of the first one's connections
    :ivar connections: of all of them
    :ivar commands: their command lines
    """

    def __init__(self, root: psutil.Process) -> None:
        self.root = root
        self.members = [root, *_listed(
            lambda: root.children(recursive=True))]
        self.pids = {member.pid for member in self.members}
        own, *others = [_connections(member) for member in self.members]
        self.peers = {each.other for each in own}
        self.connections = sum(others, own)
        self.commands = [' '.join(_listed(member.cmdline))
                         for member in self.members]


def end_others(layout: aio_layout.Layout, settings: aio_settings.Settings,
               known: registry.Registry) -> None:
    """End all sessions but those of nodes that may log in.

    If this runs in one of them, that ends a little later, so that the answer
    can be sent.

    :param known: the nodes whose keys still work. The others must have been
        locked out before, so that none of them can log in meanwhile
    """
    suspects = _strangers(layout, settings, known)
    if not suspects:
        return
    time.sleep(_SETTLE)
    before = {session.root for session in suspects}
    left = [session for session in _strangers(layout, settings, known)
            if session.root in before]
    callers = {psutil.Process().pid, *(
        parent.pid for parent in psutil.Process().parents())}
    ending = set()
    for session in left:
        if session.pids & callers:
            _end_later(session.root)
        else:
            ending |= session.pids
    processes.end(ending, _TIMEOUT)


def _strangers(layout: aio_layout.Layout, settings: aio_settings.Settings,
               known: registry.Registry) -> list[_Session]:
    """Return the sessions that cannot be told to be of a known node."""
    ports = {port for node in known.nodes.values() if node.has_joined
             for port in node.ports.all}
    gates = tuple(
        text for node in known.nodes.values() for words in (
            ('--node', node.name), ('--token', node.token_id))
        for text in authorized_keys.gate_texts(layout, *words))
    strangers, sources = [], set()
    for session in _sessions(layout, settings.ports['gateway']):
        # sshd lets each node listen on its own ports only, and starts the
        # gate with the name of the node.
        if any(each.listens and each.own[1] in ports
               for each in session.connections) or any(
                   command.endswith(gates) for command in session.commands):
            sources |= {each.own for each in session.connections}
        else:
            strangers.append(session)
    # Nodes that send servers come through a session of their own.
    return [session for session in strangers
            if not session.peers & sources]


def _sessions(layout: aio_layout.Layout, port: int) -> Iterator[_Session]:
    """Yield what serves connections of our sshd, or of one that was killed.

    :param port: of the gateway
    """
    config = str(gateway_files.Files(layout).sshd_config)
    found = [process for process in psutil.process_iter(['name', 'cmdline'])
             if (process.info['name'] or '').startswith(_SSHD)]
    servers = [process for process in found if any(
        config in word for word in process.info['cmdline'] or ())
        and not any(link.other for link in _connections(process))]
    roots = [child for server in servers
             for child in _listed(server.children)]
    pids = {process.pid for process in servers + roots}
    for root in roots:
        session = _Session(root)
        pids |= session.pids
        yield session
    for process in found:
        if process.pid not in pids and any(
                each.other and each.own[1] == port
                for each in _connections(process)):
            session = _Session(process)
            pids |= session.pids
            yield session


def _connections(process: psutil.Process) -> list[_Connection]:
    """Return the connections of a process, and where it listens."""
    return [
        _Connection((each.laddr[0], each.laddr[1]),
                    (each.raddr[0], each.raddr[1]) if each.raddr else None)
        for each in _listed(lambda: process.net_connections('tcp'))
        if each.laddr and each.status in (psutil.CONN_LISTEN,
                                          psutil.CONN_ESTABLISHED)]


def _listed(ask: Callable[[], list[_Item]]) -> list[_Item]:
    """Return what is known of a process: nothing, if it has ended."""
    try:
        return ask()
    except psutil.Error:
        return []


def _end_later(root: psutil.Process) -> None:
    """Let a process of its own end a session that is asked for this."""
    try:
        birth = processes.start_time(root.pid)
    except psutil.NoSuchProcess:
        return
    subprocess.Popen(
        [sys.executable, '-P', '-m', _MODULE, str(root.pid), birth],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd='/', start_new_session=True)


def main(argv: Sequence[str] | None = None) -> int:
    """End one session, after the time that an answer takes.

    :param argv: arguments without the program name
    :returns: exit status
    """
    parser = argparse.ArgumentParser(prog=_MODULE)
    parser.add_argument('pid', type=int)
    parser.add_argument('birth')
    parsed = parser.parse_args(argv)
    time.sleep(_LATER)
    if _is(parsed.pid, parsed.birth):
        processes.end(_without_me(
            [parsed.pid, *processes.children(parsed.pid)]), _TIMEOUT)
    return 0


def _is(pid: int, birth: str) -> bool:
    try:
        return processes.start_time(pid) == birth
    except psutil.NoSuchProcess:
        return False


def _without_me(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if pid != psutil.Process().pid]


if __name__ == '__main__':
    sys.exit(main())
