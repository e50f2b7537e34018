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


"""Idle threads of Nova's pools sleep until there is work or the pool ends.

futurist lets idle threads look regularly whether they should end. Nova's tests
let them look a hundred times a second, so that no test waits for their end.
The threads of one test then look 1,600 times a second.
"""

from concurrent import futures

import futurist
from futurist import _thread
from futurist import _utils


def wake_up_at_the_end():
    """Let a pool that shuts down wake its idle threads up.

    Call this once per process.
    """
    futurist.ThreadPoolExecutor.shutdown = _shut_down


def look_rarely():
    """Let idle threads look once a second; call this after Nova's setUp()."""
    _thread.ThreadWorker.MAX_IDLE_FOR = 1


def _shut_down(self, wait=True, *, cancel_futures=False):
    """Do what futurist does, and give each thread something to do."""
    with self._shutdown_lock:
        if not self._shutdown:
            self._shutdown = True
            if wait:
                self._work_queue.join()
            for worker in self._workers:
                worker.stop()
            for _worker in self._workers:
                self._work_queue.put(_utils.WorkItem(futures.Future(), int))
    if wait:
        for worker in self._workers:
            worker.join()
