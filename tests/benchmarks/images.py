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

"""Print what images cost, as ratios of two operations.

Usage::

    python -m tests.benchmarks.images [--folder DIRECTORY] [--size MIB]
                                      [--content MIB] [--repeat N]

The two operations are run in turn, and the median of the ratios counts. The
smallest and the largest ratio are printed beside it, and the ratio of
processor time, which other programs disturb less. It takes a few minutes.

The exit status is 1 if a ratio is above its goal. It is 2 if only ratios of
times are above theirs and the machine was busy: one run of an operation took
half as long again as another run of the same operation.
"""

import argparse
import os
import sys
import tempfile
import types
from unittest import mock

from oslo_utils import units

from nova_vmrun.bench import measure
from nova_vmrun.bench import rig as bench_rig
from nova_vmrun.bench import sample_images
from nova_vmrun.server import disks
from nova_vmrun.server import states
from tests.benchmarks import rig as rigs

_UUIDS = ['00000000-0000-4000-8000-%012d' % number for number in range(99)]
# How much longer one run of an operation may take than another, in percent.
_NOISE = 50
_VMX = ('scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\n'
        'scsi0:0.fileName = "root.vmdk"\nmemsize = "64"\n')


class Benchmarks:
    """Measures one operation after another, on one image.

    :param folder: for all files
    :param arguments: size and content in MiB, and repeat
    """

    def __init__(self, folder, arguments):
        self._folder = folder
        self._repeat = arguments.repeat
        self._rig = rigs.Rig(folder)
        self._uuids = iter(_UUIDS)
        self._image = os.path.join(folder, 'image.qcow2')
        sample_images.make_qcow2(
            self._rig, self._image, arguments.size * units.Mi,
            arguments.content * units.Mi)
        self.missed, self.slow, self.noise = [], [], 0

    def run(self):
        self._first_boot()
        self._peak()
        self._second_boot()
        self._full_copy()
        self._snapshot()

    def _print(self, what, ours, other, goal, unit, scale=1, ratio=None,
               remark='', is_time=False):
        ratio = ours / other if ratio is None else ratio
        print('%-30s %8.2f / %8.2f %-3s = %6.3f  (goal <= %.2f)%s' % (
            what, ours / scale, other / scale, unit, ratio, goal, remark))
        if ratio > goal:
            (self.slow if is_time else self.missed).append(what.strip())

    def _compare(self, what, ours, other, goal, prepare=lambda: None,
                 has_bytes=True):
        found = measure.compare(ours, other, self._repeat, prepare)
        ratios = found.ratios('seconds')
        self.noise = max(self.noise, found.noise)
        self._print(what, *found.medians('seconds'), goal, 's',
                    ratio=found.ratio('seconds'), is_time=True,
                    remark='  %.2f to %.2f' % (min(ratios), max(ratios)))
        print('  processor time               %8.2f / %8.2f s   = %6.3f' % (
            *found.medians('cpu'), found.ratio('cpu')))
        if has_bytes:
            for name, words in (('read', '  bytes read'),
                                ('written', '  bytes written')):
                self._print(words, *found.medians(name), 1.05, 'MiB',
                            units.Mi)

    def _boot(self, download=None, link=True):
        return self._rig.boot(
            next(self._uuids),
            download or sample_images.file_download(self._image), link)

    def _first_boot(self):
        alone = os.path.join(self._folder, 'alone.vmdk')

        def convert():
            self._rig.run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'vmdk',
                          '-o', 'subformat=monolithicSparse', self._image,
                          alone)
            # The driver's base disk survives a power cut, so this must too.
            with open(alone, 'rb') as file:
                os.fsync(file.fileno())

        def prepare():
            self._rig.forget()
            if os.path.exists(alone):
                os.remove(alone)

        self._compare('first boot / qemu-img convert', self._boot, convert,
                      1.15, prepare)
        if not os.path.exists(alone):
            convert()
        self._converted = measure.allocated(alone)
        os.remove(alone)

    def _peak(self):
        self._rig.forget()
        with measure.peak(self._rig.layout.root) as peak:
            self._boot(sample_images.stream_download(self._image))
        self._print('peak space / image + converted', peak.size,
                    measure.allocated(self._image) + self._converted, 1.05,
                    'MiB', units.Mi)

    def _second_boot(self):
        with measure.cost() as cost:
            self._boot()
        base = self._rig.base(None)
        # A boot copies the empty child and reads headers.
        own = os.path.getsize(base.delta) + units.Mi // 4
        print('second boot, linked: %.3f s, %d KiB read of files other than '
              'the disk' % (cost.seconds, cost.read // units.Ki))
        self._print('  read / size of an empty child', cost.read, own, 1,
                    'KiB', units.Ki)

    def _full_copy(self):
        base, copy = self._rig.base(None).disk, os.path.join(self._folder,
                                                             'copy.vmdk')

        def cp():
            self._rig.run('cp', '--sparse=always', '--reflink=auto', base,
                          copy)
            with open(copy, 'rb') as file:
                os.fsync(file.fileno())

        def prepare():
            if os.path.exists(copy):
                os.remove(copy)

        # cp runs in a process of its own and skips holes; tests count the
        # bytes of both.
        self._compare('full copy / cp', lambda: self._boot(link=False), cp,
                      1.1, prepare, has_bytes=False)
        prepare()

    def _snapshot(self):
        from nova_vmrun.ops import snapshot

        # Compression takes ten times as long as everything else.
        rig = rigs.Rig(os.path.join(self._folder, 'small'))
        image = os.path.join(self._folder, 'small.qcow2')
        target = os.path.join(self._folder, 'one.vmdk')
        sample_images.make_qcow2(rig, image, 256 * units.Mi, 100 * units.Mi)
        uuid = next(self._uuids)
        disk = rig.boot(uuid, sample_images.file_download(image))
        with open(rig.layout.vmx(uuid), 'w', encoding='ascii') as file:
            file.write(_VMX)
        chain = [disk, rig.base(None).disk]

        def prepare():
            if os.path.exists(target):
                os.remove(target)

        servers = types.SimpleNamespace(
            layout=rig.layout, records=None,
            states=types.SimpleNamespace(get=lambda uuid: states.State.OFF),
            disk_lists=types.SimpleNamespace(
                find=lambda uuid, origin: disks.root(None, None)))
        host = types.SimpleNamespace(vmrun=None, qemu_img=rig.qemu_img,
                                     product=None)
        make = snapshot.Snapshots(host, servers, None, None)
        instance = types.SimpleNamespace(uuid=uuid, system_metadata={})
        with mock.patch('nova_vmrun.ops.nova.glance.upload'):
            self._compare(
                'snapshot / its conversion',
                lambda: make.take(None, instance, bench_rig.IMAGE,
                                  lambda **_: None),
                lambda: rig.qemu_img.convert_chain(chain, 'lsilogic', target),
                1.15, prepare)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('--folder', help='a folder on the file system to test')
    parser.add_argument('--size', type=int, default=2048,
                        help='size of the disk, in MiB (default: %(default)s)')
    parser.add_argument('--content', type=int, default=600,
                        help='size of its content, in MiB (default: '
                             '%(default)s)')
    parser.add_argument('--repeat', type=int, default=5,
                        help='runs of each pair (default: %(default)s)')
    with tempfile.TemporaryDirectory(
            dir=(arguments := parser.parse_args()).folder) as folder:
        benchmarks = Benchmarks(folder, arguments)
        benchmarks.run()
    for what in benchmarks.missed + benchmarks.slow:
        print('above its goal: %s' % what)
    if benchmarks.noise > _NOISE:
        print('This machine is busy: the same operation took up to %d %% '
              'longer.' % benchmarks.noise)
    if benchmarks.missed:
        return 1
    return (2 if benchmarks.noise > _NOISE else 1) if benchmarks.slow else 0


if __name__ == '__main__':
    sys.exit(main())
