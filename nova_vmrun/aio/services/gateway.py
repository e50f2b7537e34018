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

"""The gateway: the one service that other machines reach, an sshd.

It lets in the nodes of the cloud, each with a key of its own, and forwards to
each of them the ports that its key allows.
"""

from collections.abc import Callable, Mapping
import logging
import os
import subprocess
import threading

import psutil

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import probe
from nova_vmrun.aio.gateway import setup
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

LOG = logging.getLogger(__name__)
# Seconds.
_START_TIMEOUT = 30
_STOP_TIMEOUT = 5


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Make its keys and write its files.

    :raises AioError: sshd is not installed, or ssh-keygen fails
    """
    setup.write(layout, settings)


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {}


class Service:
    """sshd, as a child of this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._stopping = False
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Start sshd, and wait until it greets.

        :raises RuntimeError: it ended, or did not become ready
        """
        config = gateway_files.Files(self._layout).sshd_config
        # If this process is killed, sshd and its connections stay.
        processes.end(leftovers(self._layout), _STOP_TIMEOUT)
        tell('starting sshd')
        child = subprocess.Popen(
            sshd.command(config), stdin=subprocess.DEVNULL,
            cwd=self._layout.root, start_new_session=True)
        self._child = child
        address = self._settings.gateway_contact
        port = self._settings.ports['gateway']

        def greets() -> bool:
            if child.poll() is not None:
                raise RuntimeError('sshd ended with status %d; see %s.' % (
                    child.returncode, self._layout.log('gateway')))
            return probe.complaint(address, port) is None

        if not processes.wait_until(greets, _START_TIMEOUT):
            raise RuntimeError('sshd did not answer on port %d within %d s.'
                               % (port, _START_TIMEOUT))
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """End sshd and the connections of all nodes."""
        self._stopping = True
        if self._child is not None:
            processes.end(leftovers(self._layout), _STOP_TIMEOUT)
            self._child.wait()

    def _watch(self) -> None:
        """End this process if sshd ends."""
        assert self._child is not None
        status = self._child.wait()
        if not self._stopping:
            LOG.error('sshd ended with status %d.', status)
            processes.write_failure(self._layout, 'gateway',
                                    'sshd ended with status %d.' % status)
            os._exit(1)


def leftovers(layout: aio_layout.Layout) -> list[int]:
    """Return the numbers of a state directory's sshd and its connections."""
    config = str(gateway_files.Files(layout).sshd_config)
    found = []
    for process in psutil.process_iter(['name', 'cmdline']):
        words = process.info['cmdline'] or []
        if process.info['name'] == 'sshd' and any(
                config in word for word in words):
            found += [process.pid, *processes.children(process.pid)]
    return found
