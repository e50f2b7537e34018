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

"""The command line and the verdict that benchmarks of volumes share."""

import argparse
from collections.abc import Callable
import tempfile

from oslo_utils import units

from nova_vmrun.bench import measure

# How much longer one run of an operation may take than another, in percent.
_NOISE = 50


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
