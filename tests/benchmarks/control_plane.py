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

"""Print what Cinder adds to the all-in-one control plane.

Usage::

    python -m tests.benchmarks.control_plane [--repeat N]

Control planes without and with --volumes are brought up in turn, so that other
load on the machine hits both: a first time, with new databases, and again
after "down". The times are medians; the difference is the median of the
differences of the pairs. The memory is the largest that Cinder's process had
right after an "up". The exit status is 1 if a figure is above its goal.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes

from tests import ending

_SECONDS_GOAL = 5.0
_MEMORY_GOAL = 170      # MiB
_MIB = 1024 ** 2
FIRST, AGAIN = 'first up', 'up after down'


class ControlPlane:
    """A control plane in a directory of its own.

    :ivar seconds: duration of each "up", by which of them it was
    :ivar memory: most bytes that Cinder had after an "up", 0 without volumes
    """

    def __init__(self, folder: str, options: list[str]) -> None:
        self._layout = aio_layout.Layout(pathlib.Path(folder) / 'state')
        self._options = ['--fake', '--port-base', str(ports.free_base()),
                         *options]
        self.seconds: dict[str, float] = {}
        self.memory = 0

    def measure(self) -> None:
        """Bring it up twice, and remove it."""
        try:
            self._up(FIRST)
            self._aio('down')
            self._up(AGAIN)
        finally:
            self._aio('wipe', '--yes')

    def _up(self, which: str) -> None:
        began = time.monotonic()
        self._aio('up', *self._options)
        self.seconds[which] = time.monotonic() - began
        pid = processes.find(self._layout, 'cinder')
        if pid is not None:
            self.memory = max(self.memory, processes.resident(pid))

    def _aio(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, '-m', 'nova_vmrun.cmd.main', 'aio', *words,
             '--state-dir', str(self._layout.root)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit('aio %s failed:\n%s' % (' '.join(words), done.stdout))


def measure(options: list[str]) -> ControlPlane:
    """Return a control plane that was brought up with these options."""
    with tempfile.TemporaryDirectory(prefix='nova-vmrun-bench-') as folder:
        plane = ControlPlane(folder, options)
        plane.measure()
        return plane


def main() -> int:
    ending.clean_up_on_sigterm()
    parser = argparse.ArgumentParser(
        prog='tests.benchmarks.control_plane')
    parser.add_argument('--repeat', type=int, default=3)
    arguments = parser.parse_args()
    pairs = [(measure([]), measure(['--volumes']))
             for _ in range(arguments.repeat)]
    missed = False
    for which in (FIRST, AGAIN):
        without, volumes = ([plane.seconds[which] for plane in planes]
                            for planes in zip(*pairs))
        more = statistics.median(
            longer - shorter for shorter, longer in zip(without, volumes))
        missed |= more > _SECONDS_GOAL
        print('%-14s %5.1f s, with volumes %5.1f s; difference %+.1f s '
              '(goal: at most %.0f s)' % (
                  which, statistics.median(without),
                  statistics.median(volumes), more, _SECONDS_GOAL))
    memory = max(plane.memory for _, plane in pairs) / _MIB
    missed |= memory > _MEMORY_GOAL
    print('Cinder after "up": %.0f MiB (goal: at most %d MiB)' % (
        memory, _MEMORY_GOAL))
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
