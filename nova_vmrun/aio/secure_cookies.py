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

"""Cookies that browsers send by TLS only.

The dashboard sets the same cookies on loopback, without TLS, so it cannot be
told to mark all of them.
"""

from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[..., Iterable[bytes]]


def mark(application: Application) -> Application:
    """Return an application that marks the cookies it sets by TLS."""
    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]],
                  *rest: Any) -> Any:
            return start_response(status, [
                (name, value + '; Secure')
                if name.lower() == 'set-cookie' else (name, value)
                for name, value in headers], *rest)

        if environ['wsgi.url_scheme'] != 'https':
            return application(environ, start_response)
        return application(environ, start)

    return call
