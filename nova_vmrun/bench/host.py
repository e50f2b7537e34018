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

"""How fast servers can be on this host, measured without OpenStack.

Tiny VMs, disks and images are made in a temporary folder, which is removed at
the end. No other VM is touched.
"""

from collections.abc import Callable
from collections.abc import Mapping
from concurrent import futures
import dataclasses
import functools
import os
import shutil
import statistics
import tempfile
import time
import uuid

from oslo_utils import fileutils
from oslo_utils import units

from nova_vmrun.bench import deadline as deadlines
from nova_vmrun.bench import disk_requests
from nova_vmrun.bench import figure as figures
from nova_vmrun.bench import measure
from nova_vmrun.bench import rig as rigs
from nova_vmrun.bench import sample_images
from nova_vmrun.doctor import steps
from nova_vmrun.doctor import trial_vms
from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun.host import space
from nova_vmrun import system

#: What the names of everything that a benchmark makes begin with.
PREFIX = 'nova-vmrun-bench'
# Bytes of the disk of which the throughput is measured.
_DISK = 64 * units.Mi
# Files of the image's size that exist at once: the image, what it is made
# from, the base disk, the conversion, a copy, and another copy.
_FILES = 6
# How long processes are started for each rate, in seconds.
_RATE_SECONDS = 2.0
# How many programs the driver runs at once, by default.
_AT_ONCE = 4
_START = 'start of a VM'
# A program that does nothing.
_NOTHING = 'true'
_ERRORS = (exception.VmrunError, steps.Failure, OSError)


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much a benchmark may use.

    :ivar content: bytes of the image to convert and to copy
    :ivar repeat: how often each operation is measured
    :ivar seconds: for everything
    """

    content: int = 128 * units.Mi
    repeat: int = 3
    seconds: float = 300

    @property
    def space(self) -> int:
        """Bytes that all files together take at most."""
        return _FILES * self.content + 4 * _DISK


class HostBenchmark:
    """Measures this host.

    :param found: the product
    :param environment: variables to start its programs with
    :param parent: folder to make the temporary folder in
    :param tell: called with each figure
    """

    def __init__(self, found: product.Product,
                 environment: Mapping[str, str], qemu_img_path: str,
                 parent: str, limits: Limits,
                 tell: Callable[[figures.Figure], None]) -> None:
        self._product = found
        self._environment = environment
        self._qemu_img_path = qemu_img_path
        self._parent = parent
        self._limits = limits
        self._tell = tell
        self._figures: list[figures.Figure] = []
        self._starts: list[float] = []
        self.folder = ''

    @property
    def tool_start(self) -> float | None:
        """Seconds that "vmrun start" takes by itself, or None."""
        return statistics.median(self._starts) if self._starts else None

    def run(self) -> list[figures.Figure]:
        """Measure everything, then stop the VMs and remove the files.

        :raises DiskFull: there is not enough space
        """
        space.of_folder(
            self._parent, 'Free some space there, measure a smaller image '
            'with --size, or name another directory with --folder.',
            space.RESERVE).require(
                self._limits.space, 'The benchmark needs more disk space.')
        deadline = deadlines.Deadline(self._limits.seconds)
        self.folder = os.path.realpath(tempfile.mkdtemp(
            prefix=PREFIX + '-', dir=self._parent))
        self._runner = deadlines.Runner(self._environment)
        self._recorder = deadlines.Recorder(self._environment)
        self._recorder.folder = self.folder
        self._runner.deadline = self._recorder.deadline = deadline
        self._vms = trial_vms.TrialVMs(self._product, self._recorder,
                                       self.folder)
        try:
            self._measure_all()
        finally:
            self._recorder.deadline = None
            self._vms.end()
            shutil.rmtree(self.folder, ignore_errors=True)
        return self._figures

    def _measure_all(self) -> None:
        for name, at_once in (('vmrun list', 1),
                              ('vmrun list, %d at once' % _AT_ONCE, _AT_ONCE)):
            self._add(name, 'per second',
                      functools.partial(self._rate, name, at_once))
        self._add(_START, 's', self._start)
        self._add('stop of a VM', 's', self._stop)
        self._rig = rigs.Rig(self.folder, self._runner,
                             self._product.vdiskmanager, self._qemu_img_path)
        self._image = os.path.join(self.folder, 'image.qcow2')
        self._add('image made ready', 's', self._convert)
        self._add('first boot', 's', self._first_boot)
        self._add('full copy of a disk', 's', self._copy)
        for requests in disk_requests.ALL:
            self._add('disk: ' + requests.what, _unit(requests),
                      functools.partial(self._disk, requests))

    def _add(self, name: str, unit: str,
             find: Callable[[], figures.Figure]) -> None:
        try:
            found = find()
        except _ERRORS as error:
            found = figures.unmeasured(name, unit, str(error))
        self._figures.append(found)
        self._tell(found)

    def _rate(self, name: str, at_once: int) -> figures.Figure:
        nothing = shutil.which(_NOTHING)
        if nothing is None:
            raise steps.Failure('There is no program "%s".' % _NOTHING)
        return figures.Figure(
            name, 'per second', self._per_second(
                at_once, self._product.vmrun, '-T', self._product.kind,
                'list'),
            self._per_second(at_once, nothing),
            'a program that does nothing', more_is_better=True)

    def _per_second(self, at_once: int, *words: str) -> float:
        """Return how many programs end in a second."""
        began = time.monotonic()

        def run() -> int:
            count = 0
            while not count or time.monotonic() - began < _RATE_SECONDS:
                self._runner.run(*words, timeout=trial_vms.TIMEOUT)
                count += 1
            return count

        with futures.ThreadPoolExecutor(at_once) as pool:
            running = [pool.submit(run) for _ in range(at_once)]
            count = sum(each.result() for each in running)
        return count / (time.monotonic() - began)

    def _start(self) -> figures.Figure:
        """Start a VM as the driver does, which then looks for it."""
        self._vms.make_disks(self._qemu_img_path)
        self._vms.write('first', {})
        spans = []
        for number in range(self._limits.repeat):
            if number:
                self._vms.stop('first')
            spans.append(self._timed(lambda: self._vms.start('first')))
            self._starts.append(self._recorded('start'))
        return figures.Figure(_START, 's', statistics.median(spans),
                              self.tool_start, '"vmrun start" alone')

    def _stop(self) -> figures.Figure:
        seconds = self._timed(lambda: self._vms.stop('first'))
        return figures.Figure('stop of a VM', 's', seconds,
                              self._recorded('stop'), '"vmrun stop" alone')

    def _recorded(self, verb: str) -> float:
        """Return the seconds that the last call of a verb took."""
        return next(call.seconds for call in reversed(self._recorder.calls)
                    if verb in call.argv)

    def _timed(self, do: Callable[[], object]) -> float:
        began = time.monotonic()
        do()
        return time.monotonic() - began

    def _convert(self) -> figures.Figure:
        """Inspect and convert an image, and compare with qemu-img alone."""
        size = 2 * self._limits.content
        sample_images.make_qcow2(self._rig, self._image, size,
                                 self._limits.content)
        alone = os.path.join(self.folder, 'alone.vmdk')

        def convert() -> None:
            self._rig.run(
                self._qemu_img_path, 'convert', '-f', 'qcow2', '-O', 'vmdk',
                '-o', 'subformat=monolithicSparse', self._image, alone)
            _flush(alone)

        def prepare() -> None:
            self._rig.forget()
            fileutils.delete_if_exists(alone)

        found = measure.compare(self._boot, convert, self._limits.repeat,
                                prepare)
        fileutils.delete_if_exists(alone)
        ready, self._conversion = found.medians('seconds')
        return figures.Figure('image made ready', 's', ready,
                              self._conversion, 'conversion alone')

    def _boot(self, link: bool = True) -> None:
        self._root = self._rig.boot(
            str(uuid.uuid4()), sample_images.file_download(self._image), link)

    def _first_boot(self) -> figures.Figure:
        """Make an image ready, link a disk to it, and start a VM."""
        if self.tool_start is None:
            raise steps.Failure('No VM has started.')
        self._rig.forget()

        def boot() -> None:
            self._boot()
            self._vms.start('first')

        seconds = self._timed(boot)
        self._vms.stop('first')
        return figures.Figure(
            'first boot', 's', seconds, self._conversion + self.tool_start,
            'conversion and "vmrun start" alone')

    def _copy(self) -> figures.Figure:
        """Copy a base disk as the driver does, and with cp."""
        base = self._rig.base(sample_images.file_download(self._image)).disk
        copy = os.path.join(self.folder, 'copy.vmdk')

        def copy_alone() -> None:
            self._rig.run('cp', base, copy)
            _flush(copy)

        def prepare() -> None:
            fileutils.delete_if_exists(copy)
            if self._root is not None:
                fileutils.delete_if_exists(self._root)

        found = measure.compare(lambda: self._boot(link=False), copy_alone,
                                self._limits.repeat, prepare)
        prepare()
        return figures.Figure('full copy of a disk', 's',
                              *found.medians('seconds'), 'cp')

    def _disk(self, requests: disk_requests.Requests) -> figures.Figure:
        """Read or write a server's linked disk, and a plain file."""
        plain = os.path.join(self.folder, 'plain')
        linked = os.path.join(self.folder, 'linked')
        if not os.path.exists(plain):
            with open(plain, 'wb') as file:
                file.truncate(_DISK)
            disk_requests.fill(plain, _DISK)
            self._boot()
            os.symlink(self._root, linked)

        def make(path: str, image_format: str) -> Callable[[], None]:
            return lambda: disk_requests.make(
                self._runner, requests, path, image_format, _DISK,
                self._qemu_img_path)

        found = measure.compare(make(linked, 'vmdk'), make(plain, 'raw'),
                                self._limits.repeat)
        amount = _amount(requests)
        here, best = found.medians('seconds')
        return figures.Figure(
            'disk: ' + requests.what, _unit(requests), amount / here,
            amount / best, 'a plain file', more_is_better=True)


def _unit(requests: disk_requests.Requests) -> str:
    return 'MiB/s' if requests.is_large else 'per second'


def _amount(requests: disk_requests.Requests) -> float:
    count = requests.count(_DISK)
    return count * requests.size / units.Mi if requests.is_large else count


def _flush(path: str) -> None:
    # The driver's own disks survive a power cut, so these must, too.
    with open(path, 'rb') as file:
        system.here().flush(file.fileno())
