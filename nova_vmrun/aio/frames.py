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

"""One piece of memory for the frames of a thread.

Python takes it in chunks of 16 KiB. Calls that a loop makes just where one
ends map and unmap the next chunk each time, and nobody chooses where that is:
half of what a long list of servers costs went there. Releases of 3.13 and 3.14
since March 2026 keep a chunk: https://github.com/python/cpython/issues/142183.

A chunk is as large as its first frame wants. So the one at the bottom of each
thread claims much. Only what is touched takes memory.
"""

import threading

# What that frame claims, in units of 8 bytes. There is as much above it in the
# chunk, for a thousand calls and more.
_SLOTS = 1 << 16


def install() -> None:
    """Gives room to each thread that is started from now on."""
    bottom = getattr(threading.Thread, '_bootstrap_inner')
    bottom.__code__ = bottom.__code__.replace(co_stacksize=_SLOTS)
