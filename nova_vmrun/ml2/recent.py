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

"""What has been logged in the last few seconds, so as not to repeat it."""

from collections import abc
import threading
import time

# Users choose how many ports are refused in a moment.
_MAX_ITEMS = 1000


class Recent:
    """Remembers items for a few seconds, the latest thousand at most.

    :param clock: returns monotonic seconds
    """

    def __init__(self, seconds: float,
                 clock: abc.Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        # When each is to be forgotten, the earliest first.
        self._expiries: dict[abc.Hashable, float] = {}

    def add(self, item: abc.Hashable) -> bool:
        """Remember an item, and return whether it is new."""
        with self._lock:
            now = self._clock()
            while self._expiries:
                oldest = next(iter(self._expiries))
                if self._expiries[oldest] > now:
                    break
                del self._expiries[oldest]
            if item in self._expiries:
                return False
            if len(self._expiries) >= _MAX_ITEMS:
                del self._expiries[next(iter(self._expiries))]
            self._expiries[item] = now + self._seconds
            return True
