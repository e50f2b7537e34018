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

"""RabbitMQ: starts the broker, and starts it again if it ends."""

from collections.abc import Callable, Mapping
import contextlib
import logging
import subprocess
import threading

from nova_vmrun.aio.bus import address
from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

LOG = logging.getLogger(__name__)
# Seconds. A first start takes about ten on a busy machine.
_START_TIMEOUT = 120
_STOP_TIMEOUT = 15
_INTERVAL = 0.2
# Seconds before the first and the last of several starts in a row.
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write the broker's configuration.

    :raises AioError: RabbitMQ is not installed
    """
    broker.require_installed()
    broker.write_config(layout, settings, passwords[aio_settings.OWN_BUS])


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {}


class Service:
    """The broker and its port mapper, as children of this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._url = settings.transport_url(aio_settings.passwords(layout))
        self._stopping = threading.Event()
        # Held while the children are exchanged.
        self._changing = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []
        self._keeper: threading.Thread | None = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Start the broker, and wait until it lets its user in.

        :raises RuntimeError: it ended, or did not become ready
        """
        logging.basicConfig(
            format='%(asctime)s %(process)d %(levelname)s %(message)s')
        tell('starting the broker')
        self._start()
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        self._keeper = threading.Thread(target=self._keep, args=(tell,),
                                        daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._changing:
            self._end()
        if self._keeper is not None:
            self._keeper.join()

    def _start(self) -> None:
        mapper = broker.start_mapper(self._layout, self._settings)
        self._children = [broker.start(self._layout, self._settings), mapper]

    def _end(self) -> None:
        # The broker goes first, because it says goodbye to its mapper.
        for child in self._children:
            processes.end([child.pid], _STOP_TIMEOUT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_STOP_TIMEOUT)

    def _wait(self) -> None:
        bus = address.read(self._url)
        [host] = bus.hosts
        reason = ''

        def is_ready() -> bool:
            nonlocal reason
            status = self._children[0].poll()
            if status is not None:
                raise RuntimeError('RabbitMQ ended with status %d; see %s.' % (
                    status, self._layout.log('rabbitmq')))
            try:
                address.log_in(bus, host)
            except address.Refused as error:
                reason = str(error)
                if error.is_login:
                    try:
                        self._repair_password(host.password)
                    except errors.AioError as failure:
                        reason = str(failure)
                return self._stopping.is_set()
            return True

        if not processes.wait_until(is_ready, _START_TIMEOUT, _INTERVAL):
            raise RuntimeError('RabbitMQ was not ready within %d s: %s.'
                               % (_START_TIMEOUT, reason))

    def _repair_password(self, password: str) -> None:
        """Give the user the password of this state directory.

        RabbitMQ reads the one in its configuration only at its first start.
        """
        broker.control(self._layout, self._settings, 'change_password',
                       aio_settings.BUS_USER, text=password + '\n')

    def _keep(self, tell: Callable[[str], None]) -> None:
        """Start the broker again whenever it ends, until stop() is called."""
        pause = _PAUSE
        while True:
            status = self._children[0].wait()
            if self._stopping.wait(pause):
                return
            LOG.error('RabbitMQ ended with status %d and is started again.',
                      status)
            tell('starting the broker again')
            try:
                with self._changing:
                    if self._stopping.is_set():
                        return
                    self._end()
                    self._start()
                self._wait()
            except Exception as error:
                LOG.error('RabbitMQ could not be started: %s', error)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _PAUSE
            tell(processes.READY)
