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

"""Other processes, which can be killed at a known moment."""

import multiprocessing
import os
import signal

import fixtures

_FORK = multiprocessing.get_context('fork')
_SECONDS = 120


class Fork(fixtures.Fixture):
    """A process that runs a function.

    :param function: called with a function that says that a moment is
        reached, and does not return until go_on is called
    """

    def __init__(self, function):
        self._function = function
        self._reached = _FORK.Event()
        self._may_go_on = _FORK.Event()

    def _setUp(self):
        self._process = _FORK.Process(target=self._run)
        self._process.start()
        self.addCleanup(self.kill)

    def _run(self):
        # What the test itself would do at its end is not this one's affair.
        try:
            self._function(self._stop_here)
        except BaseException:
            os._exit(1)
        os._exit(0)

    def _stop_here(self):
        self._reached.set()
        self._may_go_on.wait(_SECONDS)

    def wait_until_reached(self):
        if not self._reached.wait(_SECONDS):
            raise AssertionError('The moment was never reached.')

    def go_on(self):
        self._may_go_on.set()

    def join(self):
        """Waits for the end; returns the exit status."""
        self._process.join(_SECONDS)
        return self._process.exitcode

    def kill(self):
        """Ends it as a power cut does."""
        if self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join(_SECONDS)
