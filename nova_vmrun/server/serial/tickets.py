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

"""Tickets, each of which opens the serial console of one server for a while.

nova-serialproxy checks a user's token and then connects to a port of this
host, which other programs can reach, too. Nova stores a path with each token,
and the proxy first sends that path. So the path is the ticket: nobody without
a token knows it.
"""

from collections.abc import Callable
import hashlib
import hmac
import re
import secrets
import time

_PATH = re.compile(r'/([0-9a-f-]{36})/([0-9]{1,12})/([0-9a-f]{64})')


class Tickets:
    """The tickets of this process; those of another process are invalid.

    :param lifetime: seconds
    :param clock: returns the seconds since 1970
    """

    def __init__(self, lifetime: int,
                 clock: Callable[[], float] = time.time) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def issue(self, uuid: str) -> str:
        """Return a new ticket for a server: an absolute path."""
        expires = int(self._clock()) + self._lifetime
        return '/%s/%d/%s' % (uuid, expires, self._sign(uuid, expires))

    def check(self, path: str) -> str | None:
        """Return the id of the server that a ticket opens, or None.

        :param path: untrusted text that a client has sent
        """
        found = _PATH.fullmatch(path)
        if not found:
            return None
        uuid, expires, signature = found.groups()
        is_ours = hmac.compare_digest(signature, self._sign(uuid, expires))
        return uuid if is_ours and self._clock() <= int(expires) else None

    def _sign(self, uuid: str, expires: int | str) -> str:
        return hmac.new(self._key, ('%s/%s' % (uuid, expires)).encode(),
                        hashlib.sha256).hexdigest()
