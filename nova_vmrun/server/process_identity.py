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

"""The birth of a process, which tells it from a later one with its pid.

Linux counts from the boot, so setting the clock changes nothing. psutil turns
that into a time of day, which setting the clock does change. macOS knows only
the time of day.
"""

from nova_vmrun import system

# Seconds that two readings of a process's time of birth may differ by.
_TOLERANCE = 5.0


def of(pid: int) -> str | float | None:
    """Return the birth of a process, for is_same and for JSON.

    :returns: text on Linux, else seconds since 1970; None if there is no such
        process, or only a zombie
    """
    return system.here().start_mark(pid)


def is_same(pid: int, birth: str | float | None) -> bool:
    """Return whether a process is the one with this birth.

    :param birth: what of() returned at any time; seconds since 1970 are
        accepted on every system
    """
    now = of(pid)
    if now is None or birth is None:
        return False
    if isinstance(birth, (int, float)):
        started = (now if isinstance(now, float)
                   else system.here().start_time(pid))
        return started is not None and abs(started - birth) < _TOLERANCE
    return now == birth
