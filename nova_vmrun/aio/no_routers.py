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

"""Clearer 404 answers of Neutron for routers and floating IPs.

Neutron answers requests for extensions that are not loaded with 404 and a
standard text. Clients print the message of the answer, so it says what to do
instead. The rest of the answer stays, because clients and Nova rely on it.
"""

from collections.abc import Callable, Iterable
import json
import re
from typing import Any

from nova_vmrun.aio import wsgi

_MISSING = re.compile('/v2[.]0/(routers|floatingips)(?:[./]|$)')
_MESSAGES = {
    'routers':
        'There are no routers here. Servers on the network %s reach the '
        'outside through VMware. A network that a project creates has no way '
        'out; give its server a second port on %s.',
    'floatingips':
        'There are no floating IPs here. Servers on the network %s are '
        'reached at their own addresses. To reach a server on another '
        'network, give it a second port on %s.',
}


def explain(application: wsgi.Application, network: str) -> wsgi.Application:
    """Return Neutron's API with better messages.

    :param network: name of the shared network
    """
    def call(environ: dict[str, Any],
             start_response: Callable[..., Any]) -> Iterable[bytes]:
        match = _MISSING.match(environ.get('SCRIPT_NAME', '') +
                               environ.get('PATH_INFO', ''))
        if not match:
            return application(environ, start_response)
        return _Answer(application, environ, start_response).explained(
            _MESSAGES[match.group(1)] % (network, network))

    return call


class _Answer:
    """One answer of the application."""

    def __init__(self, application: wsgi.Application,
                 environ: dict[str, Any],
                 start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._status = ''
        self._headers: list[tuple[str, str]] = []
        # Read the whole body: the application may set the headers only when it
        # yields the first part.
        parts = application(environ, self._remember)
        try:
            self._body = b''.join(parts)
        finally:
            if hasattr(parts, 'close'):
                parts.close()

    def _remember(self, status: str, headers: list[tuple[str, str]],
                  exc_info: Any = None) -> None:
        self._status, self._headers = status, headers

    def explained(self, message: str) -> Iterable[bytes]:
        """Return the answer's body; a 404 gets another message."""
        headers, body = self._headers, self._body
        if self._status.startswith('404 '):
            body = json.dumps({'NeutronError': {
                'type': 'HTTPNotFound', 'message': message,
                'detail': ''}}).encode()
            headers = [(name, value) for name, value in headers
                       if name.lower() not in ('content-type',
                                               'content-length')]
            headers += [('Content-Type', 'application/json'),
                        ('Content-Length', str(len(body)))]
        self._start_response(self._status, headers)
        return [body]
