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

"""Requests that qemu-img makes to a disk, as a guest would through VMware.

qemu-img reads and writes with O_DIRECT, as VMware does. Benchmarks of volumes
share their command line and their verdict here.
"""

import argparse
from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
import os
import tempfile

from oslo_utils import units

from nova_vmrun.tools import process
from tests.benchmarks import measure

_SMALL = 4096
_LARGE = units.Mi
# How many small requests are made at each run.
_SMALL_COUNT = 2000
# How much longer one run of an operation may take than another, in percent.
_NOISE = 50


@dataclasses.dataclass(frozen=True)
class Requests:
    """Requests of one kind.

    :ivar size: bytes of each
    :ivar depth: how many are made at once
    """

    what: str
    size: int
    depth: int
    is_write: bool


ALL: Sequence[Requests] = (
    Requests('sequential write', _LARGE, 1, True),
    Requests('sequential read', _LARGE, 1, False),
    Requests('4k write, one by one', _SMALL, 1, True),
    Requests('4k read, one by one', _SMALL, 1, False),
    Requests('4k write, 16 at once', _SMALL, 16, True),
    Requests('4k read, 16 at once', _SMALL, 16, False),
)


def make(runner: process.Runner, requests: Requests, path: str,
         image_format: str, size: int) -> None:
    """Read or write all of a disk, or a part in small requests.

    :param image_format: as qemu-img names it
    :param size: of the disk in bytes
    """
    is_large = requests.size == _LARGE
    result = runner.run(
        'qemu-img', 'bench', '-f', image_format, '-t', 'none',
        '-c', size // _LARGE if is_large else _SMALL_COUNT,
        '-d', requests.depth, '-s', requests.size,
        *(['-w'] if requests.is_write else []), path, timeout=600)
    if result.exit_code:
        raise RuntimeError(result.details())


def fill(path: str, size: int) -> None:
    """Give a file all its blocks, so that no run has to find them."""
    block = os.urandom(_LARGE)
    with open(path, 'r+b') as file:
        for _ in range(size // _LARGE):
            file.write(block)
        os.fsync(file.fileno())


class Verdict:
    """Prints what comparisons have shown, and which goals were missed."""

    def __init__(self) -> None:
        self._missed: list[str] = []
        self._noise = 0.0

    def add(self, what: str, found: measure.Comparison, goal: float) -> None:
        """Print a comparison.

        :param goal: the largest ratio of times
        """
        ratio = found.ratio('seconds')
        self._noise = max(self._noise, found.noise)
        print('%-22s %8.2f / %8.2f s = %6.2f  (goal <= %g)' % (
            what, *found.medians('seconds'), ratio, goal))
        if ratio > goal:
            self._missed.append(what)

    def finish(self) -> int:
        """Print the verdict, and return the exit status.

        :returns: 1 if a goal was missed, 2 if the machine was also busy
        """
        print('Runs of one operation differed by up to %d %%.' % self._noise)
        if not self._missed:
            return 0
        print('Above the goal: %s' % ', '.join(self._missed))
        return 2 if self._noise > _NOISE else 1


def main(description: str | None,
         run: Callable[[str, int, int, Verdict], None]) -> int:
    """Run a benchmark, as the command line says; return the exit status.

    :param run: gets a folder, the size of the disks in bytes, how often to
        repeat each operation, and where to put the comparisons
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--folder', help='on the file system to measure')
    parser.add_argument('--size', type=int, default=256, help='MiB')
    parser.add_argument('--repeat', type=int, default=5)
    arguments = parser.parse_args()
    verdict = Verdict()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        run(folder, arguments.size * units.Mi, arguments.repeat, verdict)
    return verdict.finish()
