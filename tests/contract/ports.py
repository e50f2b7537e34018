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

"""TCP ports for tests that name one before anybody listens on it."""

import random
import socket

# Below the ports that systems use for outgoing connections, and above those
# of the control planes that other tests start.
_FIRST, _LAST = 30000, 32700


def free(count: int = 1) -> int:
    """Return the first of so many TCP ports in a row; that one is free."""
    chooser = random.SystemRandom()
    while True:
        first = chooser.randint(_FIRST, _LAST - count + 1)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', first))
            except OSError:
                continue
        return first
