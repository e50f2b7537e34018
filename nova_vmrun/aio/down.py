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

"""Shutdown and removal of the control plane."""

from collections.abc import Mapping
import pathlib
import shutil

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import databases
from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import volumes
from nova_vmrun.formats import words

# Seconds that a process has to end before it is killed. Nova finishes what it
# is doing, and anything that takes longer is safe to interrupt.
TIMEOUT = 20
# Compute needs the conductor to finish its work, Nova tells the others that it
# is stopping, and all of their messages need the bus.
_FIRST, _LAST = ('compute', 'nova'), 'rabbitmq'
_IN_TURN = (*_FIRST, _LAST)
# The number of servers that are listed by id.
_SHOWN = 20
# Seconds in which the fake's virtual networks notice that they are unused.
_NETWORK_TIMEOUT = 5


def down(layout: aio_layout.Layout, report: aio_report.Report) -> bool:
    """Stop the services, and leave the servers running.

    :returns: whether anything was running
    """
    running = {service: processes.find(layout, service)
               for service in aio_layout.SERVICES}
    others = [process.pid for process in processes.strays(layout)]
    rest = {pid: service for service, pid in running.items()
            if pid and service not in _IN_TURN}
    rest.update((pid, 'process %d' % pid) for pid in others)
    for service in _FIRST:
        _stop(running, service, report)
    if rest:
        report.line('stopping %s' % ', '.join(rest.values()))
        _end(rest, report)
    _stop(running, _LAST, report)
    # If the process that started them was killed, they run on.
    left = broker.leftovers(layout)
    if left:
        report.line('stopping %s' % ', '.join(left.values()))
        _end(left, report)
    for service in aio_layout.SERVICES:
        layout.pid(service).unlink(missing_ok=True)
        layout.phase(service).unlink(missing_ok=True)
    return bool(rest or left or any(running.values()))


def _stop(running: Mapping[str, int | None], service: str,
          report: aio_report.Report) -> None:
    """Stop a service, if it runs, and wait until it has ended."""
    pid = running[service]
    if pid:
        report.line('stopping %s (process %d)' % (service, pid))
        _end({pid: service}, report)


def inventory(layout: aio_layout.Layout) -> str:
    """Describe what "wipe" removes: the folder, its size, its servers."""
    size = sum(_size(path) for path in layout.root.rglob('*'))
    servers = sorted(layout.instances.glob('*/*.vmx'))
    images = [path for path in layout.images.glob('*') if path.is_file()]
    lines = ['%s holds %d MiB: %s, %s, %s, and the databases and logs of the '
             'control plane.' % (
                 layout.root, size // 1024 ** 2,
                 words.counted(len(servers), 'server'),
                 words.counted(len(images), 'image'), _volumes(layout))]
    lines += ['  server %s' % path.parent.name for path in servers[:_SHOWN]]
    if len(servers) > _SHOWN:
        lines.append('  and %d more' % (len(servers) - _SHOWN))
    server = databases.place(layout)
    if server:
        lines.append('Its databases on %s are dropped, too.' % server)
    return '\n'.join(lines) + '\n'


def _volumes(layout: aio_layout.Layout) -> str:
    """Describe how many volumes, snapshots and backups there are."""
    try:
        found = volumes.counts(layout)
    except errors.AioError:
        # A damaged control plane must be removable, too.
        return 'volumes that cannot be counted'
    return '%s, %s and %s of volumes' % (
        words.counted(found.volumes, 'volume'),
        words.counted(found.snapshots, 'snapshot'),
        words.counted(found.backups, 'backup'))


def _size(path: pathlib.Path) -> int:
    try:
        # Disks are sparse: count the blocks in use, not their capacity.
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


def wipe(layout: aio_layout.Layout, report: aio_report.Report) -> None:
    """Stop services and servers, then remove databases and state directory.

    :raises AioError: a server cannot be stopped, or a file not removed
    """
    down(layout, report)
    guests.stop_all(layout, report)
    done = databases.drop(layout)
    if done:
        report.line(done)
    report.line('removing %s' % layout.root)
    try:
        shutil.rmtree(layout.root)
    except OSError as error:
        raise errors.AioError(
            '%s could not be removed.' % layout.root, '%s.' % error,
            'Remove it by hand.') from error
    processes.wait_until(lambda: not processes.using(layout.root),
                         _NETWORK_TIMEOUT)


def _end(names: dict[int, str], report: aio_report.Report) -> None:
    def waiting(left: list[int]) -> None:
        report.line('waiting for %s' % ', '.join(
            '%s (process %d)' % (names[pid], pid) for pid in left))

    for pid in processes.end(list(names), TIMEOUT, waiting):
        report.line('%s (process %d) did not end within %d s and was killed'
                    % (names[pid], pid, TIMEOUT))
