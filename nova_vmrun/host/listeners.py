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

"""Find out which process listens on a TCP port of this host."""

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from psutil._ntuples import pconn
    from psutil._ntuples import sconn


def is_listening(port: int, pid: int) -> bool | None:
    """Return whether a process or one of its children listens on a TCP port.

    :returns: None if the system does not say, as for other users' processes
    """
    answers = {_listens(process, port) for process in _family(pid)}
    if True in answers:
        return True
    if answers == {False}:
        return False
    # On macOS only root is allowed to ask this.
    try:
        pids = [listener.pid
                for listener in psutil.net_connections(kind='tcp')
                if _is_at(listener, port)]
    except (psutil.Error, OSError):
        return None
    return None if None in pids else False


def _is_at(connection: 'pconn | sconn', port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and
                connection.laddr and connection.laddr.port == port)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _listens(process: psutil.Process, port: int) -> bool | None:
    """Return whether one process listens; None if that is unknown."""
    try:
        return any(_is_at(connection, port)
                   for connection in process.net_connections(kind='tcp'))
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return None
