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

"""Print how many compute hosts the database of a control plane bears.

Usage::

    python -m tests.benchmarks.reports [--nodes N [N ...]] [--seconds N]
        [--mariadb] [--nice N]

Starts a control plane with RabbitMQ. One process sends what so many idle
nova-computes would send to the conductor: the report every 10 seconds, and
every minute what the resource tracker reads and writes. Each sends as soon as
its turn comes, however long the others wait.

Prints how long a report takes, how many were late (10 seconds) or failed, how
many hosts Nova shows as down, and how often Nova's log says that a database is
locked. Other processes on the machine slow it down: the processor time of Nova
is printed, too.
"""

import argparse
from concurrent import futures
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

from nova_vmrun.aio import processes
import psutil

from tests.cluster import base
from tests import ending
from tests.functional.database import mariadb
from tests.functional.split import base as split
from tests.functional.split import compute

_REPORT_SECONDS, _TRACK_SECONDS = 10, 60
_LATE_SECONDS = 10
# Requests that wait for an answer at the same time.
_THREADS = 64
_LOCKED = 'database is locked'


class Host:
    """An idle nova-compute, as the conductor sees it."""

    def __init__(self, name: str) -> None:
        from nova import context
        from nova import objects

        self.name = name
        self._context = context.get_admin_context()
        self._service = objects.Service(
            self._context, host=name, binary='nova-compute', topic='compute',
            report_count=0)
        self._service.create()

    def report(self) -> None:
        """Say that it is alive."""
        self._service.report_count += 1
        self._service.save()

    def track(self) -> None:
        """Read what the resource tracker reads about instances."""
        from nova import objects

        objects.InstanceList.get_by_host_and_node(
            self._context, self.name, self.name)
        objects.MigrationList.get_in_progress_and_error(
            self._context, self.name, self.name)
        objects.InstanceList.get_by_host(self._context, self.name)


def load(config: str, number: int, seconds: int) -> None:
    """Be so many hosts, and print what they saw."""
    from nova.conductor import rpcapi
    from nova import config as nova_config
    from nova import objects
    from nova.objects import base as objects_base

    nova_config.parse_args(['reports', '--config-file', config])
    objects.register_all()
    objects_base.NovaObject.indirection_api = rpcapi.ConductorAPI()
    spans: list[float] = []
    failures: list[str] = []
    with futures.ThreadPoolExecutor(_THREADS) as pool:
        hosts = list(pool.map(Host, [
            'host%d-%d' % (number, each) for each in range(number)]))
        begin = time.monotonic()

        def live(due: float, host: Host, track: bool) -> None:
            try:
                host.track() if track else host.report()
            except Exception as error:
                failures.append(type(error).__name__)
            if not track:
                spans.append(time.monotonic() - due)

        for due, host, track in _turns(begin, hosts, seconds):
            time.sleep(max(0.0, due - time.monotonic()))
            pool.submit(live, due, host, track)
    spans.sort()
    print('  %d reports: median %.2f s, 99%% within %.2f s, slowest %.2f s, '
          '%d late; %d failed %s' % (
              len(spans), statistics.median(spans),
              spans[int(len(spans) * .99)], spans[-1],
              sum(span > _LATE_SECONDS for span in spans),
              len(failures), sorted(set(failures))), flush=True)


def _turns(begin: float, hosts: list[Host], seconds: int
           ) -> list[tuple[float, Host, bool]]:
    """Return when which host reports (or tracks), spread evenly."""
    turns = [(begin + every * (turn + each / len(hosts)), host, track)
             for each, host in enumerate(hosts)
             for every, track in ((_REPORT_SECONDS, False),
                                  (_TRACK_SECONDS, True))
             for turn in range(seconds // every)]
    return sorted(turns, key=lambda turn: turn[0])


def measure(cluster: base.Cluster, folder: pathlib.Path, number: int,
            seconds: int, nice: int) -> None:
    """Print the figures of so many hosts."""
    config = folder / 'nova.conf'
    compute.write_config(
        cluster.layout.config_dir('nova') / 'nova.conf', config, {})
    pid = processes.find(cluster.layout, 'nova')
    log = cluster.layout.log('nova')
    locked = log.read_text().count(_LOCKED)
    nova = psutil.Process(pid)
    for running in map(psutil.Process, (pid, os.getpid())):
        for thread in running.threads():
            os.setpriority(os.PRIO_PROCESS, thread.id, nice)
    before, began = sum(nova.cpu_times()[:2]), time.monotonic()
    print('%d hosts, load %.1f' % (number, os.getloadavg()[0]), flush=True)
    hosts = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-m', 'tests.benchmarks.reports',
         '--load', str(config), '--nodes', str(number),
         '--seconds', str(seconds)])
    down = 0
    while hosts.poll() is None:
        time.sleep(5)
        # Those of earlier runs have ended.
        down = max(down, sum(
            service.state == 'down' for service in
            cluster.cloud.compute.services(binary='nova-compute')
            if service.host.startswith('host%d-' % number)))
    elapsed = time.monotonic() - began
    print('  shown as down: %d; "%s": %d; Nova needed %.0f %% of a processor'
          % (down, _LOCKED, log.read_text().count(_LOCKED) - locked,
             100 * (sum(nova.cpu_times()[:2]) - before) / elapsed),
          flush=True)


def main() -> None:
    ending.clean_up_on_sigterm()
    parser = argparse.ArgumentParser(prog='tests.benchmarks.reports')
    parser.add_argument('--nodes', type=int, nargs='+',
                        default=[10, 30, 100, 300])
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--mariadb', action='store_true')
    parser.add_argument('--nice', type=int, default=0)
    parser.add_argument('--load', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load, arguments.nodes[0], arguments.seconds)
        return
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(mariadb.MariaDb(
            split.free_ports(1)[0])).url() if arguments.mariadb else ''
        cluster = stack.enter_context(base.Cluster((), url))
        for number in arguments.nodes:
            measure(cluster, cluster.layout.root, number, arguments.seconds,
                    arguments.nice)


if __name__ == '__main__':
    main()
