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

"""The main program of one service's process.

``aio up`` runs it as ``python -m nova_vmrun.aio.serve NAME --state-dir DIR``
and follows its progress in the phase file.
"""

import argparse
import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import traceback

from nova_vmrun.aio import frames
from nova_vmrun.aio import isolation
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import logs
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

# Services without a database. They do without the memory of SQLAlchemy, too.
_STATELESS = ('horizon', 'rabbitmq', 'compute')


def main() -> None:
    parser = argparse.ArgumentParser(prog='nova_vmrun.aio.serve')
    parser.add_argument('service', choices=aio_layout.SERVICES)
    parser.add_argument('--state-dir', required=True)
    arguments = parser.parse_args()
    layout = aio_layout.Layout(arguments.state_dir)
    # Nova and Neutron parse sys.argv.
    sys.argv = [arguments.service]
    processes.write_pid(layout, arguments.service)
    status = 1
    try:
        run(layout, arguments.service)
        processes.forget(layout, arguments.service)
        status = 0
    except BaseException as error:
        processes.write_failure(layout, arguments.service, error)
        # Printing fails on a full disk.
        with contextlib.suppress(OSError):
            traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        # The service's pool threads would keep the process alive.
        os._exit(status)


def run(layout: aio_layout.Layout, name: str) -> None:
    """Start a service, and stop it at SIGTERM.

    :param name: one of layout.SERVICES
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    def tell(phase: str) -> None:
        processes.write_phase(layout, name, phase)

    tell('loading')
    settings = aio_settings.load(layout)
    isolation.read_own_files_only()
    logs.install()
    frames.install()
    if name not in _STATELESS and not settings.database:
        _patch_sqlite()
    module = importlib.import_module('nova_vmrun.aio.services.%s' % name)
    service = module.Service(layout, settings)
    service.start(tell)
    # The objects that exist now are permanent. Scanning them for garbage again
    # and again took a quarter of the time of a long list of servers.
    gc.collect()
    gc.freeze()
    tell(processes.READY)
    # What services start, such as RabbitMQ, may outlive its own process here.
    while not stopping.wait(log_files.INTERVAL):
        log_files.keep_small(layout, aio_layout.SERVICES)
    tell('stopping')
    logging.getLogger(__name__).info('%s is stopping.', name)
    service.stop()


def _patch_sqlite() -> None:
    from nova_vmrun.aio import like_mysql
    from nova_vmrun.aio import sqlite

    sqlite.install()
    like_mysql.install()


if __name__ == '__main__':
    main()
