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

"""One large chunk of memory for all of a thread's stack frames.

Python allocates frames in chunks of 16 KiB. A loop that calls a function just
where a chunk ends maps and unmaps the next chunk in every iteration. Where
that happens is chance; it took half the time of a long list of servers.
Releases of 3.13 and 3.14 since March 2026 keep a chunk:
https://github.com/python/cpython/issues/142183.

A chunk is at least as large as its first frame. So the bottom frame of each
thread asks for a lot. Memory that is never touched is not used.
"""

import threading

# The size of that frame in units of 8 bytes. The chunk has as much room again
# above it, enough for more than a thousand calls.
_SLOTS = 1 << 16


def install() -> None:
    """Give each thread that starts from now on such a chunk."""
    bottom = getattr(threading.Thread, '_bootstrap_inner')
    bottom.__code__ = bottom.__code__.replace(co_stacksize=_SLOTS)
