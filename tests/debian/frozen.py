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

"""How a guest sees that its file system is frozen.

A process in it writes to the disk, and to a file in memory. While the file
system is frozen, a write to the disk does not end, and the other file grows.
"""

import base64

# Times are those of the guest's monotonic clock, as in its journal.
_SCRIPT = """\
import os, threading, time

def tick():
    with open('/dev/shm/ticks', 'w', buffering=1) as ticks:
        while True:
            ticks.write('%f\\n' % time.monotonic())
            time.sleep(0.1)

threading.Thread(target=tick).start()
with open('/dev/shm/writes', 'w', buffering=1) as writes, \\
        open('/var/tmp/written', 'w') as disk:
    while True:
        begun = time.monotonic()
        disk.write('x')
        disk.flush()
        os.fsync(disk.fileno())
        writes.write('%f %f\\n' % (begun, time.monotonic()))
        time.sleep(0.1)
"""
#: Commands that print what was written so far.
TICKS = 'cat /dev/shm/ticks'
WRITES = 'cat /dev/shm/writes'


def start() -> str:
    """Return the command that starts the process."""
    encoded = base64.b64encode(_SCRIPT.encode()).decode()
    return ('echo %s | base64 -d > /dev/shm/script; '
            'nohup python3 /dev/shm/script > /dev/null 2>&1 < /dev/null &'
            % encoded)


def longest_write(printed: str) -> tuple[float, float]:
    """Return when the write began and ended that took longest.

    :param printed: by WRITES
    """
    writes = [(float(begun), float(ended)) for begun, ended in
              map(str.split, printed.splitlines())]
    return max(writes, key=lambda write: write[1] - write[0])
