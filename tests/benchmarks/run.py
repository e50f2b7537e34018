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

"""Prints what images cost, as ratios of two things measured in one run.

Usage::

    python -m tests.benchmarks.run [--folder DIRECTORY] [--size MIB]
                                   [--content MIB] [--repeat N]

Of each time the best of some repetitions counts. The exit status is 1 if a
ratio is above its goal.
"""

import argparse
import os
import sys
import tempfile
import types
from unittest import mock

from oslo_utils import units

from nova_vmrun.host import states
from tests.benchmarks import measure
from tests.benchmarks import rig as rigs

_UUIDS = ['00000000-0000-4000-8000-%012d' % number for number in range(99)]
_VMX = ('scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\n'
        'scsi0:0.fileName = "root.vmdk"\nmemsize = "64"\n')


class Benchmarks:
    """Measures one after the other, on one image.

    :param folder: for all files
    :param arguments: size and content in MiB, and repeat
    """

    def __init__(self, folder, arguments):
        self._folder = folder
        self._repeat = arguments.repeat
        self._rig = rigs.Rig(folder)
        self._uuids = iter(_UUIDS)
        self._image = os.path.join(folder, 'image.qcow2')
        rigs.make_qcow2(self._rig, self._image, arguments.size * units.Mi,
                        arguments.content * units.Mi)
        self.missed = []

    def run(self):
        self._first_boot()
        self._peak()
        self._second_boot()
        self._full_copy()
        self._snapshot()

    def _print(self, what, ours, other, goal, unit='s', scale=1):
        ratio = ours / other if other else ours
        print('%-34s %8.2f / %8.2f %-3s = %6.3f  (goal <= %.2f)' % (
            what, ours / scale, other / scale, unit, ratio, goal))
        if ratio > goal:
            self.missed.append(what)

    def _best(self, operation, prepare=lambda: None):
        """Returns the Cost of the fastest of some repetitions."""
        costs = []
        for _ in range(self._repeat):
            prepare()
            os.sync()
            with measure.cost() as cost:
                operation()
            costs.append(cost)
        return min(costs, key=lambda cost: cost.seconds)

    def _boot(self, download=None, link=True):
        return self._rig.boot(
            next(self._uuids),
            download or rigs.file_download(self._image), link)

    def _first_boot(self):
        alone = os.path.join(self._folder, 'alone.vmdk')

        def convert():
            self._rig.run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'vmdk',
                          '-o', 'subformat=monolithicSparse', self._image,
                          alone)
            # A base disk is whole after a power cut too.
            with open(alone, 'rb') as file:
                os.fsync(file.fileno())

        other = self._best(convert)
        ours = self._best(self._boot, self._rig.forget)
        self._print('first boot / qemu-img convert', ours.seconds,
                    other.seconds, 1.15)
        print('  processor time: %.2f s / %.2f s' % (ours.cpu, other.cpu))
        self._print('  bytes read', ours.read, other.read, 1.05, 'MiB',
                    units.Mi)
        self._print('  bytes written', ours.written, other.written, 1.05,
                    'MiB', units.Mi)
        self._converted = measure.allocated(alone)
        os.remove(alone)

    def _peak(self):
        self._rig.forget()
        with measure.peak(self._rig.layout.root) as peak:
            self._boot(rigs.stream_download(self._image))
        self._print('peak space / image + converted', peak.size,
                    measure.allocated(self._image) + self._converted, 1.05,
                    'MiB', units.Mi)

    def _second_boot(self):
        cost = self._best(self._boot)
        base = self._rig.base(None)
        # The empty child is copied, and headers are read.
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

        other = self._best(cp)
        os.remove(copy)
        ours = self._best(lambda: self._boot(link=False))
        self._print('full copy / cp', ours.seconds, other.seconds, 1.1)

    def _snapshot(self):
        from nova_vmrun.ops import snapshot

        # Compression takes ten times as long as all else.
        rig = rigs.Rig(os.path.join(self._folder, 'small'))
        image = os.path.join(self._folder, 'small.qcow2')
        target = os.path.join(self._folder, 'one.vmdk')
        rigs.make_qcow2(rig, image, 256 * units.Mi, 100 * units.Mi)
        uuid = next(self._uuids)
        disk = rig.boot(uuid, rigs.file_download(image))
        with open(rig.layout.vmx(uuid), 'w', encoding='ascii') as file:
            file.write(_VMX)
        chain = [disk, rig.base(None).disk]
        other = self._best(lambda: rig.qemu_img.convert_chain(
            chain, 'lsilogic', target))
        os.remove(target)
        power_states = types.SimpleNamespace(
            get=lambda uuid: states.State.OFF)
        make = snapshot.Snapshots(None, rig.qemu_img, None, power_states,
                                  rig.layout, None)
        instance = types.SimpleNamespace(uuid=uuid, system_metadata={})
        with mock.patch('nova_vmrun.ops.glance.upload'):
            ours = self._best(lambda: make(None, instance, rigs.IMAGE,
                                           lambda **_: None))
        self._print('snapshot / its conversion', ours.seconds, other.seconds,
                    1.15)
        print('  processor time: %.2f s / %.2f s' % (ours.cpu, other.cpu))
        self._print('  bytes read', ours.read, other.read, 1.05, 'MiB',
                    units.Mi)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('--folder', help='on the file system to measure')
    parser.add_argument('--size', type=int, default=2048,
                        help='of the disk, MiB')
    parser.add_argument('--content', type=int, default=600, help='MiB')
    parser.add_argument('--repeat', type=int, default=2)
    with tempfile.TemporaryDirectory(
            dir=(arguments := parser.parse_args()).folder) as folder:
        benchmarks = Benchmarks(folder, arguments)
        benchmarks.run()
    for what in benchmarks.missed:
        print('above its goal: %s' % what.strip())
    return 1 if benchmarks.missed else 0


if __name__ == '__main__':
    sys.exit(main())
