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

"""HTTP servers that run a WSGI application in this process's threads."""

from collections.abc import Callable, Iterable, Iterator
import os
import threading
from typing import Any

from cheroot.workers import threadpool
from cheroot import wsgi
from oslo_log import log as logging

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import connections
from nova_vmrun.aio.tls import door

LOG = logging.getLogger(__name__)

THREADS = 8
# As many as the connections that a door lets in: clients that send slowly
# hold a thread each, and nobody else's.
_MOST_PUBLIC_THREADS = door.TOTAL
# On loopback are this machine's users, and nodes through their connections.
_MOST_THREADS = 32
# How many requests of one other machine are answered at once.
_SHARE = 12
Application = Callable[..., Iterable[bytes]]


class _Input:
    """A request's body that an application cannot close.

    Glance closes the body. cheroot would then lose the connection, and answer
    the next request on it with 500.
    """

    def __init__(self, body: Any) -> None:
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Do nothing, since the connection belongs to the server."""


def _keeping_connections(application: Application) -> Application:
    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ['wsgi.input'] = _Input(environ['wsgi.input'])
        return application(environ, start_response)

    return call


class _Threads(threadpool.ThreadPool):
    """Threads that answer requests: more while all of them are busy."""

    _threads: list[threading.Thread]
    _spawn_worker: Callable[[], threading.Thread]

    def put(self, obj: Any) -> None:
        """Let a thread read a request; only one thread calls this.

        :param obj: the connection
        """
        idle = self.idle
        if idle <= self.qsize and len(self._threads) < self.max:
            # ThreadPool.grow would wait for it.
            self._threads.append(self._spawn_worker())
        elif idle > 2 * self.min:
            self.shrink(1)
        super().put(obj)


class Server:
    """An HTTP server.

    :param name: name of the service, for the log
    :param application: WSGI callable
    :param port: TCP port
    :param address: IP address to listen on
    :param public: who may come in from other machines, or None for a server
        on loopback
    """

    def __init__(self, name: str, application: Application, port: int,
                 address: str = aio_settings.ADDRESS,
                 public: door.Door | None = None) -> None:
        self._name = name
        self._door = public
        self._server = wsgi.Server(
            (address, port),
            _keeping_connections(application),
            server_name=address, request_queue_size=128,
            timeout=120, shutdown_timeout=1)
        self._server.requests = _Threads(self._server, min=THREADS,
                                         max=_MOST_PUBLIC_THREADS
                                         if public else _MOST_THREADS)
        # cheroot's own method prints to standard error.
        setattr(self._server, 'error_log', self._log)

    def start(self) -> None:
        """Start to listen and to answer requests.

        :raises OSError: the port is taken
        """
        self._server.prepare()
        if self._door is not None:
            connections.replace(self._server, connections.Connections(
                self._server, self._door, connections.Turns(_SHARE)))
        threading.Thread(target=self._serve, name='%s-http' % self._name,
                         daemon=True).start()

    def stop(self) -> None:
        self._server.stop()

    def _serve(self) -> None:
        try:
            self._server.serve()
        except Exception:
            # A process must not look alive if its API no longer answers.
            LOG.exception('The HTTP server of %s died.', self._name)
            os._exit(1)

    def _log(self, message: str = '', level: int = 20,
             traceback: bool = False) -> None:
        LOG.log(level, '%s: %s', self._name, message, exc_info=traceback)


class Servers:
    """The servers of one API: on loopback, and for other machines.

    :param name: of the API
    """

    def __init__(self, name: str, application: Application,
                 layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        port = settings.ports[name]
        self._servers = [Server(name, application, port,
                                settings.address(name))]
        if settings.is_public(name):
            self._servers.append(Server(
                name, application, port, settings.listen,
                door.public(layout, settings)))

    def start(self) -> None:
        """Start to listen and to answer requests.

        :raises OSError: the port is taken, or there is no such address
        """
        for server in self._servers:
            server.start()

    def stop(self) -> None:
        for server in self._servers:
            server.stop()
