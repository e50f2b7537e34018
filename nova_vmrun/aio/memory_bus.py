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

"""In-memory message bus that wakes its listeners instead of polling.

Each listener of oslo.messaging's ``fake`` transport polls every 50 ms. In an
idle control plane, that is most of the work.
"""

import threading
import time

from oslo_messaging._drivers import impl_fake


class _Deliveries:
    """Counter of messages, so that a listener misses none between polls."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        with self._changed:
            return self._count

    def tell(self) -> None:
        """Wake all listeners."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout: float | None) -> None:
        """Wait until more messages were delivered than a listener has seen.

        :param timeout: seconds, or None
        """
        with self._changed:
            self._changed.wait_for(lambda: self._count != seen, timeout)


_deliveries = _Deliveries()


class Listener(impl_fake.FakeListener):
    """A listener that each new message wakes."""

    def poll(self, timeout: float | None = None, batch_size: int = 1,
             batch_timeout: float | None = None
             ) -> list[impl_fake.FakeIncomingMessage]:
        """Return messages as soon as there are any.

        :param timeout: seconds to wait for the first one, or None
        :param batch_size: maximum number of messages to return
        :param batch_timeout: seconds to wait instead of timeout, or None
        """
        limit = batch_timeout or timeout
        deadline = None if limit is None else time.monotonic() + limit
        while not self._stopped.is_set():
            seen = _deliveries.count
            messages: list[impl_fake.FakeIncomingMessage] = super().poll(
                timeout=0, batch_size=batch_size)
            left = None if deadline is None else deadline - time.monotonic()
            if messages or (left is not None and left <= 0):
                return messages
            _deliveries.wait(seen, left)
        return []

    def stop(self) -> None:
        super().stop()
        _deliveries.tell()


_deliver = impl_fake.FakeExchange.deliver_message


def _deliver_and_tell(exchange: impl_fake.FakeExchange, *arguments: object,
                      **named: object) -> None:
    _deliver(exchange, *arguments, **named)
    _deliveries.tell()


def install() -> None:
    """Make this process use these listeners from now on.

    Exchanges that exist already wake listeners, too.
    """
    impl_fake.FakeListener = Listener
    impl_fake.FakeExchange.deliver_message = _deliver_and_tell
