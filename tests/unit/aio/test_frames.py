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

import resource
import threading

from nova_vmrun.aio import frames
from tests.unit import base


def _leaf():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


# No depth is missed: its frame is larger than one of those below it.
_leaf.__code__ = _leaf.__code__.replace(co_stacksize=100)


def _page_faults(depth):
    """Returns the most page faults of a loop of 200 calls, at any depth."""
    before = _leaf()
    for _ in range(200):
        after = _leaf()
    return max(after - before, _page_faults(depth - 1) if depth else 0)


class FramesTestCase(base.TestCase):

    def test_calls_map_no_memory_at_any_depth(self):
        bottom = threading.Thread._bootstrap_inner
        self.addCleanup(setattr, bottom, '__code__', bottom.__code__)
        frames.install()
        found = []
        thread = threading.Thread(
            target=lambda: found.append(_page_faults(500)))
        thread.start()
        thread.join()
        self.assertLess(found[0], 100)
