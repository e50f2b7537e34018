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

"""Print what a control plane needs for more compute hosts and more servers.

Usage::

    python -m tests.benchmarks.growing [--nodes N [N ...]] [--servers N]
        [--mariadb] [--nice N]

For each number of compute hosts, starts a control plane with RabbitMQ and that
many stock nova-computes, each with folders and fake VMware tools of its own,
and plants the servers on them: copies of one that was booted, half of which
run. Then measures

* the messages that RabbitMQ receives in a minute without requests;
* how long a server takes from the request to ACTIVE, one after the other, and
  the messages for each;
* how long the list of all servers takes;
* how long the power sync takes on the host where it takes longest;
* the memory: what each process would free if it ended, and its share of what
  it has in common with others (PSS).

Times depend on the processor and on what else it does, so the processor time
of the control plane and of the nodes is printed, too. There are no goals.
"""

import argparse
from collections.abc import Iterator
from concurrent import futures
import contextlib
import datetime
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
from typing import Any

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
import psutil

from tests.cluster import base
from tests.cluster import node
from tests import ending
from tests.functional.database import mariadb
from tests.functional.split import base as split
from tests.load import existing
from tests.load import planting

_BOOTS = 8
_LISTS = 5
_TIMEOUT = 300
_SYNC_SECONDS = 45
_MIB = 1024 ** 2
_QUIET_SECONDS = 60
_IMAGE_MB = 16
_LOCAL_CONF = """
[quota]
instances = -1
cores = -1
ram = -1
"""
# Ranges of the ports of consoles, one after the other.
_FIRST_VNC_PORT, _VNC_PORTS = 30000, 1000
_CHANGES = {
    ('DEFAULT', 'cpu_allocation_ratio'): '1000.0',
    ('DEFAULT', 'ram_allocation_ratio'): '100.0',
    ('DEFAULT', 'disk_allocation_ratio'): '1000.0',
    ('vmrun', 'vnc_port_range'): '%d:%d' % (
        _FIRST_VNC_PORT, _FIRST_VNC_PORT + _VNC_PORTS - 1)}
# What shows when a power sync begins, and when each server was looked at.
_SYNCING = {
    ('DEFAULT', 'sync_power_state_interval'): str(_SYNC_SECONDS),
    ('DEFAULT', 'default_log_levels'):
        'nova.service=DEBUG,oslo_service.periodic_task=DEBUG,'
        'oslo_concurrency.lockutils=DEBUG'}
_SYNC = re.compile(
    r'^(\S+ \S+) \d+ DEBUG .*(?:(Running periodic task '
    r'ComputeManager._sync_power_states)|"released" by .*'
    r'query_driver_power_state_and_sync)', re.MULTILINE)


class Growing:
    """A control plane with some compute hosts and servers.

    :param cluster: that is set up
    """

    def __init__(self, cluster: base.Cluster) -> None:
        self._cluster = cluster
        self._cloud = cluster.cloud
        self._nodes = list(cluster.nodes.values())

    def prepare(self, servers: int) -> None:
        """Plant the servers, the same number on each host."""
        self._wait(lambda: self._hosts() == {
            each.name for each in self._nodes}, 'all hosts are up')
        self._image = self._upload()
        with futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: self._plant(
                each, servers // len(self._nodes) - 1), self._nodes))
        self._wait(lambda: self._hosts() == {
            each.name for each in self._nodes}, 'all hosts are up again')

    def _hosts(self) -> set[str]:
        return {host.name for host in self._cloud.compute.hypervisors()
                if host.state == 'up'}

    def _upload(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'disk.qcow2')
            subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', path,
                            '%dM' % _IMAGE_MB], check=True)
            return str(self._cloud.image.create_image(
                name='growing', filename=path, disk_format='qcow2',
                container_format='bare', wait=True).id)

    def _plant(self, each: node.Node, number: int) -> None:
        template, _ = self.boot(host=each.name)
        self._cloud.compute.stop_server(template)
        self._wait(lambda: self._status(template) == 'SHUTOFF',
                   'the template is stopped')
        each.compute.stop()
        made = planting.plant(
            self._cloud, self._layout.config_dir('nova') / 'nova.conf',
            each.instances, template, number)
        for index, uuid in enumerate(made):
            if existing.runs(index):
                each.vmrun('start', each.instances / uuid / (uuid + '.vmx'),
                           'nogui')
        self._start(each)

    def _start(self, each: node.Node) -> None:
        each.compute.start()
        self._wait(lambda: bool(each.compute.has_started()),
                   '%s runs' % each.name)

    @property
    def _layout(self) -> aio_layout.Layout:
        return self._cluster.layout

    def boot(self, **options: Any) -> tuple[str, float]:
        """Boot a server.

        :returns: its id, and seconds from the request until it is ACTIVE
        """
        compute = self._cloud.compute
        flavor = compute.find_flavor('m1.nano', ignore_missing=False)
        began = time.monotonic()
        server = compute.create_server(
            name='new', image_id=self._image, flavor_id=flavor.id,
            networks='none', **options).id
        self._wait(lambda: self._status(server) == 'ACTIVE',
                   'the server is ACTIVE')
        return server, time.monotonic() - began

    def _status(self, server: str) -> str:
        found = self._cloud.compute.get_server(server)
        if found.status == 'ERROR':
            raise RuntimeError(found.fault)
        return found.status if found.task_state is None else 'busy'

    def _wait(self, condition: Any, what: str) -> None:
        if not processes.wait_until(condition, _TIMEOUT, interval=0.1):
            raise RuntimeError('%s: not within %d s' % (what, _TIMEOUT))

    def messages(self) -> int:
        """Return how many messages RabbitMQ has received so far."""
        printed = broker.control(
            self._layout, self._cluster.settings, 'eval',
            'rabbit_global_counters:overview().')
        return sum(int(number) for number in re.findall(
            r'messages_received_total\s*=>\s*(\d+)', printed))

    def quiet_messages(self) -> float:
        """Return the messages in a minute in which nothing is asked for."""
        before, began = self.messages(), time.monotonic()
        time.sleep(_QUIET_SECONDS)
        return ((self.messages() - before) * 60
                / (time.monotonic() - began))

    def list_servers(self) -> float:
        """Return seconds until Nova has listed all servers in detail."""
        began = time.monotonic()
        answer = self._cloud.compute.get('/servers/detail?limit=1000',
                                         microversion='2.100')
        self.listed = len(answer.json()['servers'])
        return time.monotonic() - began

    def power_sync(self) -> tuple[float, float]:
        """Return the median and the longest time of a host's power sync."""
        for each in self._nodes:
            each.compute.stop()
            each.configure(_SYNCING)
            self._start(each)
        time.sleep(2.5 * _SYNC_SECONDS)
        spans = [seconds for each in self._nodes
                 for seconds in _syncs(each.compute.log)]
        return statistics.median(spans), max(spans)

    def memory(self) -> dict[str, float]:
        """Return the PSS of the parts in MiB."""
        found = {name: sum(map(_pss, pids))
                 for name, pids in self._pids().items()}
        found['each node'] = statistics.median(
            _pss(each.compute.pid) for each in self._nodes)
        return found

    def set_priority(self, nice: int) -> None:
        """Let all parts, and this process, precede others on this machine."""
        for pid in [os.getpid(), *sum(self._pids().values(), [])]:
            # Each thread has a priority of its own.
            for thread in os.listdir('/proc/%d/task' % pid):
                os.setpriority(os.PRIO_PROCESS, int(thread), nice)

    def _pids(self) -> dict[str, list[int]]:
        pids = {name: [pid] for name in self._cluster.settings.services
                if (pid := processes.find(self._layout, name))}
        pids['rabbitmq'] += broker.leftovers(self._layout)
        pids['all nodes'] = [each.compute.pid for each in self._nodes]
        return pids

    @contextlib.contextmanager
    def cost(self, what: str) -> Iterator[None]:
        """Print the processor time and messages of what is done meanwhile."""
        seconds, messages = self._seconds(), self.messages()
        yield
        spent = {name: now - seconds[name]
                 for name, now in self._seconds().items()}
        print('  %s: %d messages; processor seconds: %s' % (
            what, self.messages() - messages, ', '.join(
                '%s %.2f' % item for item in spent.items())), flush=True)

    def _seconds(self) -> dict[str, float]:
        return {name: sum(sum(psutil.Process(pid).cpu_times()[:2])
                          for pid in numbers)
                for name, numbers in self._pids().items()}


def _pss(pid: int) -> float:
    return float(psutil.Process(pid).memory_full_info().pss / _MIB)


def _syncs(log: pathlib.Path) -> Iterator[float]:
    """Return seconds from the start of each sync to its last server."""
    begin = end = None
    for text, starts in _SYNC.findall(log.read_text()):
        moment = datetime.datetime.fromisoformat(text)
        if starts:
            if begin and end:
                yield (end - begin).total_seconds()
            begin, end = moment, None
        else:
            end = moment
    if begin and end:
        yield (end - begin).total_seconds()


def measure(cluster: base.Cluster, servers: int, nice: int) -> None:
    """Print the figures of one control plane."""
    growing = Growing(cluster)
    growing.prepare(servers)
    growing.set_priority(nice)
    # When it starts, nova-compute looks at each server.
    time.sleep(_QUIET_SECONDS)
    print('%d nodes, %d servers, load %.1f' % (
        len(cluster.nodes), servers, os.getloadavg()[0]), flush=True)
    with growing.cost('a quiet minute'):
        quiet = growing.quiet_messages()
    print('  messages in a quiet minute: %.0f' % quiet)
    growing.boot()
    with growing.cost('%d boots' % _BOOTS):
        boots = [growing.boot()[1] for _ in range(_BOOTS)]
    print('  request to ACTIVE: median %.2f s, fastest %.2f s, slowest %.2f s'
          % (statistics.median(boots), min(boots), max(boots)))
    growing.list_servers()
    with growing.cost('%d lists' % _LISTS):
        lists = [growing.list_servers() for _ in range(_LISTS)]
    print('  list of %d servers: median %.2f s, fastest %.2f s' % (
        growing.listed, statistics.median(lists), min(lists)))
    print('  memory (PSS, MiB): %s' % ', '.join(
        '%s %.0f' % item for item in growing.memory().items()), flush=True)
    print('  power sync of a host: median %.2f s, longest %.2f s'
          % growing.power_sync())
    print('  load %.1f' % os.getloadavg()[0], flush=True)


def main() -> None:
    ending.clean_up_on_sigterm()
    parser = argparse.ArgumentParser(prog='tests.benchmarks.growing')
    parser.add_argument('--nodes', type=int, nargs='+', default=[1, 3, 10])
    parser.add_argument('--servers', type=int, default=500)
    parser.add_argument('--mariadb', action='store_true')
    parser.add_argument('--nice', type=int, default=0,
                        help='priority of what is measured; below 0 for root')
    arguments = parser.parse_args()
    for number in arguments.nodes:
        with contextlib.ExitStack() as stack:
            url = ''
            if arguments.mariadb:
                url = stack.enter_context(
                    mariadb.MariaDb(split.free_ports(1)[0])).url()
            measure(stack.enter_context(base.Cluster(
                ['n%d' % each for each in range(1, number + 1)], url,
                _LOCAL_CONF, _CHANGES)), arguments.servers, arguments.nice)


if __name__ == '__main__':
    main()
