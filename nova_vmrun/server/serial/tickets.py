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

"""Tickets that open the serial console of one server for a while.

nova-serialproxy alone checks the token of a user, and then connects to a port
of this host, which other programs could reach too. Nova keeps a path beside
each token, which the proxy sends first. So that path is the ticket: who has no
token does not know it.
"""

import hashlib
import hmac
import re
import secrets
import time

_PATH = re.compile(r'/([0-9a-f-]{36})/([0-9]{1,12})/([0-9a-f]{64})')


class Tickets:
    """Makes and checks tickets; those of another process are worthless.

    :param lifetime: seconds
    :param clock: seconds since 1970
    """

    def __init__(self, lifetime, clock=time.time):
        self._lifetime = lifetime
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def issue(self, uuid):
        """Makes a ticket.

        :param uuid: of the server
        :returns: an absolute path
        """
        expires = int(self._clock()) + self._lifetime
        return '/%s/%d/%s' % (uuid, expires, self._sign(uuid, expires))

    def check(self, path):
        """Tells which server a ticket opens.

        :param path: what a stranger sent
        :returns: uuid, or None
        """
        found = _PATH.fullmatch(path)
        if not found:
            return None
        uuid, expires, signature = found.groups()
        good = hmac.compare_digest(signature, self._sign(uuid, expires))
        return uuid if good and self._clock() <= int(expires) else None

    def _sign(self, uuid, expires):
        return hmac.new(self._key, ('%s/%s' % (uuid, expires)).encode(),
                        hashlib.sha256).hexdigest()
