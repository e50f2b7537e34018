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

"""When a process was born: what tells it from a later one of its pid.

Linux counts from the boot, which no step of the clock changes; psutil makes a
time of day of it, which each step changes. macOS tells a time of day.
"""

from nova_vmrun import system

# How far two times of day of one process may be apart, in seconds.
_TOLERANCE = 5.0


def of(pid: int) -> str | float | None:
    """Returns the birth of a process, for is_same and for JSON.

    :param pid: number
    :returns: a text on Linux, else seconds since 1970; None if there is no
        such process, or only what its parent has not yet taken notice of
    """
    return system.here().birth(pid)


def is_same(pid: int, birth: str | float | None) -> bool:
    """Tells whether a process is the one that had a birth.

    :param pid: number
    :param birth: what of() has returned, at any time; seconds since 1970
        count on each system
    """
    now = of(pid)
    if now is None or birth is None:
        return False
    if isinstance(birth, (int, float)):
        started = system.here().time_of_birth(pid)
        return started is not None and abs(started - birth) < _TOLERANCE
    return now == birth
