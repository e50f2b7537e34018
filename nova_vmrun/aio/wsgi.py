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

"""Serves a WSGI application with threads of this process."""

import os
import threading

from cheroot import wsgi
from oslo_log import log as logging

from nova_vmrun.aio import settings as aio_settings

LOG = logging.getLogger(__name__)

THREADS = 8


class _Input:
    """The body of a request that an application cannot close.

    Glance closes what it was sent; cheroot would lose the connection, and
    answer the next request on it with 500.
    """

    def __init__(self, body):
        self._body = body

    def __getattr__(self, name):
        return getattr(self._body, name)

    def __iter__(self):
        return iter(self._body)

    def close(self):
        """Does nothing: the connection belongs to the server."""


def _keeping_connections(application):
    def call(environ, start_response):
        environ['wsgi.input'] = _Input(environ['wsgi.input'])
        return application(environ, start_response)

    return call


class Server:
    """An HTTP server on 127.0.0.1.

    :param name: name of the service, for the log
    :param application: WSGI callable
    :param port: TCP port
    """

    def __init__(self, name, application, port):
        self._name = name
        self._server = wsgi.Server(
            (aio_settings.ADDRESS, port),
            _keeping_connections(application), numthreads=THREADS,
            server_name=aio_settings.ADDRESS, request_queue_size=128,
            timeout=120, shutdown_timeout=1)
        self._server.error_log = self._log

    def start(self):
        """Listens, and answers from now on.

        :raises OSError: the port is taken
        """
        self._server.prepare()
        threading.Thread(target=self._serve, name='%s-http' % self._name,
                         daemon=True).start()

    def stop(self):
        self._server.stop()

    def _serve(self):
        try:
            self._server.serve()
        except Exception:
            # A process whose API no longer answers must not look alive.
            LOG.exception('The HTTP server of %s died.', self._name)
            os._exit(1)

    def _log(self, message='', level=20, traceback=False):
        LOG.log(level, '%s: %s', self._name, message, exc_info=traceback)
