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

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import os
import resource
import statistics
import threading
import time

import psutil

from nova_vmrun.host import space

_POLL_SECONDS = 0.02


@dataclasses.dataclass
class Cost:
    """What a block has cost, once it is left.

    :ivar seconds: on the clock
    :ivar cpu: seconds of processor time, of this process and the programs
    :ivar read: bytes that this process and the programs it ran have read; 0 if
        the system does not count them
    :ivar written: bytes that they have written
    """

    seconds: float = 0
    cpu: float = 0
    read: int = 0
    written: int = 0


@contextlib.contextmanager
def cost() -> Iterator[Cost]:
    """Give a Cost that is filled when the block ends.

    Linux adds what a program has read and written to the counts of the
    process that waited for its end.
    """
    found = Cost()
    before, start, cpu = _counts(), time.monotonic(), _processor_time()
    yield found
    found.seconds = time.monotonic() - start
    found.cpu = _processor_time() - cpu
    after = _counts()
    found.read, found.written = after[0] - before[0], after[1] - before[1]


def _processor_time() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                                resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _counts() -> tuple[int, int]:
    """Return how many bytes this process has read, and written."""
    read = getattr(psutil.Process(), 'io_counters', None)
    if read is None:
        # macOS does not count them.
        return 0, 0
    counts = read()
    return int(counts.read_chars), int(counts.write_chars)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What two operations cost that were run in turn.

    Each pair was run within a moment, so that a load which comes and goes is
    in both; the median leaves out the pairs in which it was not.

    :ivar ours: the cost of each run
    :ivar other: the same for what ours is compared with
    """

    ours: list[Cost]
    other: list[Cost]

    def ratios(self, what: str) -> list[float]:
        """Return the ratio of each pair.

        :param what: seconds, cpu, read or written
        """
        return [getattr(mine, what) / getattr(its, what)
                for mine, its in zip(self.ours, self.other, strict=True)]

    def ratio(self, what: str) -> float:
        """Return the median of the ratios."""
        return statistics.median(self.ratios(what))

    def medians(self, what: str) -> tuple[float, float]:
        """Return what ours took, and the other."""
        return (statistics.median(getattr(cost, what) for cost in self.ours),
                statistics.median(getattr(cost, what) for cost in self.other))

    @property
    def noise(self) -> float:
        """How much longer than the shortest run the longest took, in %."""
        return max(100 * (max(times) / min(times) - 1) for times in (
            [cost.seconds for cost in costs]
            for costs in (self.ours, self.other)))


def compare(ours: Callable[[], object], other: Callable[[], object],
            repeat: int, prepare: Callable[[], object] = lambda: None
            ) -> Comparison:
    """Run two operations in turn, each first every second time.

    :param repeat: how often each is run
    :param prepare: called before each, and not measured
    """
    costs = Comparison([], [])
    for number in range(repeat):
        pair = [(ours, costs.ours), (other, costs.other)]
        for operation, found in pair[::-1 if number % 2 else 1]:
            prepare()
            os.sync()
            with cost() as taken:
                operation()
            found.append(taken)
    return costs


@dataclasses.dataclass
class Peak:
    """The most bytes that a folder took while a block ran."""

    size: int = 0


@contextlib.contextmanager
def peak(folder: str) -> Iterator[Peak]:
    """Give a Peak: how many bytes a folder took more than before, at most.

    :param folder: its files are looked at every 20 ms, and at the end
    """
    found, over, before = Peak(), threading.Event(), allocated(folder)

    def look() -> None:
        found.size = max(found.size, allocated(folder) - before)

    def watch() -> None:
        while not over.wait(_POLL_SECONDS):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        look()


def allocated(path: str) -> int:
    """Return the bytes that a file or folder takes on its file system."""
    if not os.path.isdir(path):
        return space.allocated(path)
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            # Files come and go meanwhile.
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder,
                                               name)).st_blocks * 512
    return total
