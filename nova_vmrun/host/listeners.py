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

"""Who listens on a TCP port of this host, as far as the system tells."""

import psutil


def is_served_by(port: int, pid: int) -> bool | None:
    """Tells whether a process, or a child of it, listens on a TCP port.

    :param port: number
    :param pid: of the process
    :returns: None where the system does not tell: processes of other users
    """
    answers = {_listens(process, port) for process in _family(pid)}
    if True in answers:
        return True
    if answers == {False}:
        return False
    # macOS tells this to root alone.
    try:
        pids = [listener.pid
                for listener in psutil.net_connections(kind='tcp')
                if _is_at(listener, port)]
    except (psutil.Error, OSError):
        return None
    return None if None in pids else False


def _is_at(connection, port):
    return (connection.status == psutil.CONN_LISTEN and
            connection.laddr.port == port)


def _family(pid):
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _listens(process: psutil.Process, port: int) -> bool | None:
    """Tells whether one process listens; None if it does not tell."""
    try:
        return any(_is_at(connection, port)
                   for connection in process.net_connections(kind='tcp'))
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return None
