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

"""What an operation costs: seconds, bytes, and space on the disk."""

import contextlib
import dataclasses
import os
import threading
import time

_POLL_SECONDS = 0.02


@dataclasses.dataclass
class Cost:
    """What a block has cost, once it is left.

    :ivar seconds: on the clock
    :ivar cpu: seconds of processor time, of this process and the programs
    :ivar read: bytes that this process and the programs it ran have read
    :ivar written: likewise
    """

    seconds: float = 0
    cpu: float = 0
    read: int = 0
    written: int = 0


@contextlib.contextmanager
def cost():
    """Gives a Cost that is filled when the block ends.

    Linux adds what a program has read and written to the counts of the
    process that waited for its end.
    """
    found = Cost()
    before, start, cpu = _counts(), time.monotonic(), sum(os.times()[:4])
    yield found
    found.seconds = time.monotonic() - start
    found.cpu = sum(os.times()[:4]) - cpu
    after = _counts()
    found.read = after['rchar'] - before['rchar']
    found.written = after['wchar'] - before['wchar']


def _counts():
    with open('/proc/self/io', encoding='ascii') as file:
        return {name: int(value) for name, value in
                (line.split(':') for line in file)}


@dataclasses.dataclass
class Peak:
    """The most bytes that a folder took while a block ran."""

    size: int = 0


@contextlib.contextmanager
def peak(folder):
    """Gives a Peak: how many bytes a folder took more than before, at most.

    :param folder: its files are looked at every 20 ms
    """
    found, over, before = Peak(), threading.Event(), allocated(folder)

    def watch():
        while not over.wait(_POLL_SECONDS):
            found.size = max(found.size, allocated(folder) - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def allocated(path):
    """Returns the bytes that a file or folder takes on its file system."""
    if not os.path.isdir(path):
        return os.stat(path).st_blocks * 512
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            # Files come and go meanwhile.
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder,
                                               name)).st_blocks * 512
    return total
