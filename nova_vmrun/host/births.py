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
time of day of it, which each step changes. Other systems tell a time of day.
"""

import sys

import psutil

# How far two times of day of one process may be apart, in seconds.
_TOLERANCE = 5.0
_BOOT_ID = '/proc/sys/kernel/random/boot_id'


def of(pid):
    """Returns the birth of a process, for is_same and for JSON.

    :param pid: number
    :returns: a text on Linux, else seconds since 1970; None if there is no
        such process, or only what its parent has not yet taken notice of
    """
    if sys.platform == 'linux':
        ticks = since_boot(pid)
        return None if ticks is None else '%s %d' % (_boot(), ticks)
    return _time_of_day(pid)


def is_same(pid, birth):
    """Tells whether a process is the one that had a birth.

    :param pid: number
    :param birth: what of() has returned, at any time; seconds since 1970
        count on each system
    """
    if isinstance(birth, (int, float)):
        now = _time_of_day(pid)
        return now is not None and abs(now - birth) < _TOLERANCE
    return birth is not None and of(pid) == birth


def since_boot(pid):
    """Returns when a process was born, as VMware's locks tell it on Linux.

    :param pid: number
    :returns: clock ticks since the boot, None if there is no such process
    """
    try:
        with open('/proc/%d/stat' % pid, 'rb') as file:
            # The second field, the name, may hold blanks and brackets.
            fields = file.read().rpartition(b')')[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b'Z', b'X') else int(fields[19])


def _boot():
    with open(_BOOT_ID, encoding='ascii') as file:
        return file.read().strip()


def _time_of_day(pid):
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None
