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

"""Programs that may not run longer than a benchmark as a whole."""

from collections.abc import Callable
from collections.abc import Mapping
import time
from typing import BinaryIO

from nova_vmrun.doctor import steps
from nova_vmrun import exception
from nova_vmrun.tools import process


class TimeIsUp(exception.ToolTimeout):
    """The benchmark has used its time."""


class Deadline:
    """The time that is left.

    :param seconds: from now on
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def bound(self, timeout: float) -> float:
        """Return a timeout that does not reach beyond the deadline.

        :raises TimeIsUp: no time is left
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeIsUp(
                'The time is up.', 'The benchmark may take %d s.'
                % self._seconds, 'Allow more with --timeout.')
        return min(timeout, left)


class Runner(process.Runner):
    """Runs programs within a deadline.

    :ivar deadline: None: there is none, as for removing what was made
    """

    deadline: Deadline | None = None

    def run(self, *argv: object, timeout: float, kill_group: bool = True,
            limits: Mapping[int, int] | None = None,
            until: Callable[[], bool] | None = None,
            feed: Callable[[BinaryIO], None] | None = None) -> process.Result:
        if self.deadline is not None:
            timeout = self.deadline.bound(timeout)
        return super().run(*argv, timeout=timeout, kill_group=kill_group,
                           limits=limits, until=until, feed=feed)


class Recorder(steps.Recorder, Runner):
    """Records, too, how long each program took."""
