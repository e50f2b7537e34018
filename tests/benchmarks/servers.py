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

"""Print how long a server takes, compared with Nova's own fake driver.

Usage::

    python -m tests.benchmarks.servers [--repeat N] [--profile]

One Nova has two compute hosts: ours, with the fake VMware tools, and one with
Nova's FakeDriver, which does nothing. A server is booted and deleted on each
host in turn, through the API, so that other load on the machine hits both;
the image is cached. The ratio is the median of the ratios of all pairs. It
includes the time of the fake programs, each of which starts a Python; the
second ratio, which has no goal, leaves that time out. The exit status is 1 if
a ratio is above its goal.
"""

import argparse
import contextlib
import cProfile
import functools
import logging
import pstats
import statistics
import sys
import threading
import time
import unittest
from unittest import mock

# This patches Nova's threading; import it before anything else of Nova.
from tests.functional.api import base

from nova.tests.functional.api import client as api_client    # noqa: H306
from nova.virt import node
from oslo_utils import uuidutils

from nova_vmrun.tools import process

_BOOT_GOAL = 1.25
_DELETE_GOAL = 1.5
_OURS, _OTHER = 'compute', 'fake'
# Pause between two requests to the API, in seconds.
_POLL_SECONDS = 0.01


class Span:
    """The duration of an operation, and of the programs it ran, in seconds."""

    def __init__(self, seconds: float, programs: float) -> None:
        self.seconds = seconds
        self.programs = programs


class Servers(base.TestCase):
    """Boots and deletes servers on two hosts in turn.

    :cvar repeat: number of pairs to measure
    :cvar profile: a cProfile.Profile of our driver's methods, or None
    """

    repeat = 20
    profile: cProfile.Profile | None = None
    HEARS_EVENTS = True

    def _setup_services(self) -> None:
        super()._setup_services()
        node.LOCAL_NODE_UUID = uuidutils.generate_uuid()
        self.flags(compute_driver='fake.MediumFakeDriver')
        self._start_compute(_OTHER)

    def runTest(self) -> None:
        self._programs = 0.0
        self._image = self.add_image()
        self._flavor = self.add_flavor()
        run = process.Runner.run

        @functools.wraps(run)
        def timed(*args, **options):
            began = time.monotonic()
            try:
                return run(*args, **options)
            finally:
                self._programs += time.monotonic() - began

        with mock.patch.object(process.Runner, 'run', timed), (
                self._profiled()):
            # Cache the image and import modules first.
            for host in (_OURS, _OTHER):
                self._turn(host)
            if self.profile is not None:
                self.profile.clear()
            spans = {_OURS: [], _OTHER: []}
            for number in range(self.repeat):
                hosts = [_OURS, _OTHER]
                for host in hosts[::-1 if number % 2 else 1]:
                    spans[host].append(self._turn(host))
        type(self).spans = spans

    @contextlib.contextmanager
    def _profiled(self):
        """Profile the driver methods that Nova calls, in any thread."""
        if self.profile is None:
            yield
            return
        lock = threading.Lock()

        def profiled(method):
            @functools.wraps(method)
            def wrapper(*args, **options):
                with lock:
                    return self.profile.runcall(method, *args, **options)

            return wrapper

        with contextlib.ExitStack() as patches:
            for name in ('spawn', 'destroy', 'get_info'):
                patches.enter_context(mock.patch.object(
                    self.driver, name, profiled(getattr(self.driver, name))))
            yield

    def _turn(self, host: str) -> tuple[Span, Span]:
        """Boot a server and delete it; return the Span of each."""
        with self._span() as boot:
            server = self.request_boot(self._image, self._flavor, host=host)
            while (shown := self.admin_api.get_server(
                    server['id']))['status'] != 'ACTIVE':
                if shown['status'] == 'ERROR':
                    self.fail(shown)
                time.sleep(_POLL_SECONDS)
        # Nova still works on the server; leave that out.
        time.sleep(0.1)
        with self._span() as delete:
            self.admin_api.delete_server(server['id'])
            while self._exists(server):
                time.sleep(_POLL_SECONDS)
        time.sleep(0.1)
        return boot, delete

    @contextlib.contextmanager
    def _span(self):
        span = Span(0, 0)
        began, programs = time.monotonic(), self._programs
        yield span
        span.seconds = time.monotonic() - began
        span.programs = self._programs - programs

    def _exists(self, server: dict) -> bool:
        try:
            self.admin_api.get_server(server['id'])
        except api_client.OpenStackApiNotFoundException:
            return False
        return True


def _report(what: str, ours: list[Span], other: list[Span],
            goal: float) -> bool:
    """Print the ratios of an operation; return whether it met its goal."""
    pairs = list(zip(ours, other, strict=True))
    ratios = [mine.seconds / its.seconds for mine, its in pairs]
    ratio = statistics.median(ratios)
    without = statistics.median(
        (mine.seconds - mine.programs) / its.seconds for mine, its in pairs)
    print('%-8s %6.3f / %6.3f s = %5.2f  (goal <= %.2f)  %.2f to %.2f; '
          'without %.3f s of fake programs %.2f' % (
              what, statistics.median(span.seconds for span in ours),
              statistics.median(span.seconds for span in other), ratio, goal,
              min(ratios), max(ratios),
              statistics.median(span.programs for span in ours), without))
    return ratio <= goal


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('--repeat', type=int, default=20,
                        help='pairs to measure (default: %(default)s)')
    parser.add_argument('--profile', action='store_true',
                        help="also print where our driver's time goes; this "
                             'makes the ratios worse')
    arguments = parser.parse_args()
    Servers.repeat = arguments.repeat
    if arguments.profile:
        Servers.profile = cProfile.Profile()
    logging.disable(logging.INFO)
    result = unittest.TextTestRunner(stream=sys.stderr).run(Servers())
    if not result.wasSuccessful():
        return 1
    ours, other = (list(zip(*Servers.spans[host], strict=True))
                   for host in (_OURS, _OTHER))
    met = [_report('boot', ours[0], other[0], _BOOT_GOAL),
           _report('delete', ours[1], other[1], _DELETE_GOAL)]
    if Servers.profile is not None:
        pstats.Stats(Servers.profile).sort_stats('cumulative').print_stats(60)
    return 0 if all(met) else 1


if __name__ == '__main__':
    sys.exit(main())
