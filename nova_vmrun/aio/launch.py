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

"""Launcher: the process that forks those of the services.

``aio up`` runs it as ``python -m nova_vmrun.aio.launch NAME ... --state-dir
DIR``. It loads what the services have in common, which saves processor time
and memory, and forks them when it reads a line from its standard input. Then
it reports services that die before they can say why. It ends when its standard
input is closed; if it is asked to end earlier, it ends the services, too.
"""

import argparse
from collections.abc import Mapping
import importlib
import os
import select
import signal
import sys
import threading
from typing import NoReturn

import setproctitle

from nova_vmrun.aio import isolation
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import preload
from nova_vmrun.aio import processes
from nova_vmrun.aio import serve

# Seconds between two looks at the services.
_INTERVAL = 0.1
# Seconds that services have to end.
_GRACE = 5


def main() -> int:
    """Fork the services when told to, and stay until they are ready.

    :returns: exit status
    """
    parser = argparse.ArgumentParser(prog=processes.LAUNCHER)
    parser.add_argument('services', nargs='+', choices=aio_layout.SERVICES)
    parser.add_argument('--state-dir', required=True)
    arguments = parser.parse_args()
    layout = aio_layout.Layout(arguments.state_dir)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    preload.load()
    # This finds the memory for titles, which is next to the variables.
    setproctitle.getproctitle()
    services: dict[int, str] = {}
    if not sys.stdin.readline():
        return 0
    for service in arguments.services:
        try:
            services[_fork(layout, service)] = service
        except OSError as error:
            processes.write_failure(layout, service, error)
            break
    _watch(layout, services, stopping)
    return 0


def _fork(layout: aio_layout.Layout, service: str) -> int:
    """Start the process of a service, in a session of its own.

    :returns: its process number
    :raises OSError: its log cannot be written, or there is no memory for it
    """
    log = log_files.open_to_append(layout, service)
    pid = os.fork()
    if not pid:
        _become(layout, service, log)
    os.close(log)
    return pid


def _become(layout: aio_layout.Layout, service: str, log: int) -> NoReturn:
    """Be the process of a service from now on."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        with open(os.devnull, 'rb') as nothing:
            os.dup2(nothing.fileno(), sys.stdin.fileno())
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log, stream.fileno())
        os.close(log)
        command = processes.command(layout, service)
        setproctitle.setproctitle(' '.join(command))
        isolation.restrict(service)
        module = importlib.import_module(
            'nova_vmrun.aio.services.%s' % service)
        os.environ.update(module.environment(layout))
        sys.argv = command[command.index(processes.MODULE):]
        serve.main()
    except BaseException as error:
        processes.write_failure(layout, service, error)
    finally:
        # It must never return to the launcher's code.
        os._exit(1)


def _watch(layout: aio_layout.Layout, services: Mapping[int, str],
           stopping: threading.Event) -> None:
    """Report services that die, until standard input is closed.

    :param services: names by process number
    """
    alive = dict(services)
    while alive:
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _report(layout, alive.pop(pid), pid, status)
        closed = select.select([sys.stdin], [], [], _INTERVAL)[0]
        if stopping.is_set():
            processes.end(alive, _GRACE)
            return
        if closed:
            return


def _report(layout: aio_layout.Layout, service: str, pid: int,
            status: int) -> None:
    """Write down why a service ended, unless it did so itself.

    :param status: as os.waitpid returns it
    """
    if processes.phase(layout, service).startswith(processes.FAILED):
        return
    code = os.waitstatus_to_exitcode(status)
    processes.write_failure(
        layout, service,
        'It was ended by %s.' % signal.Signals(-code).name if code < 0
        else 'It ended with status %d.' % code, pid)


if __name__ == '__main__':
    sys.exit(main())
