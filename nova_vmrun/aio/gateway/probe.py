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

"""Whether an sshd answers at an address."""

import socket

# Seconds. A busy first machine needs a while to greet.
_TIMEOUT = 10
_GREETING = b'SSH-2.0-'


def complaint(address: str, port: int,
              timeout: float = _TIMEOUT) -> str | None:
    """Return why no sshd greets at an address, or None if one does.

    :param timeout: seconds
    """
    try:
        with socket.create_connection((address, port), timeout) as connection:
            connection.settimeout(timeout)
            greeting = connection.recv(len(_GREETING), socket.MSG_WAITALL)
    except TimeoutError:
        return 'no answer within %d s' % timeout
    except OSError as error:
        return (error.strerror or str(error)).lower()
    if greeting != _GREETING:
        return 'something else than sshd answers'
    return None
