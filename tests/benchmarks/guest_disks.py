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

"""Print how fast a guest finds its volumes, compared with its root disk.

Usage::

    python -m tests.benchmarks.guest_disks [--folder DIRECTORY] [--size MIB]
                                           [--repeat N]

A guest of the fake, which runs in QEMU, has three disks beside the one that
it boots from: one linked to an image in the cache like a root disk, a volume
in a file, and a volume of an iSCSI target on this host. It reads and writes
each of them without a cache. It boots anew for each repetition, and the median
of the ratios counts. What the virtual controller costs is in all figures.

The exit status is 1 if a ratio is above its goal.
"""

import argparse
import os
import statistics
import sys
import tempfile
import unittest
import uuid

from oslo_utils import units

from nova_vmrun.bench import disk_requests
from nova_vmrun.bench import sample_images
from nova_vmrun.cinder import disk
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import iscsi
from tests.benchmarks import rig as rigs
from tests.e2e.engine import vms
from tests.e2e.guest import images
from tests.iscsi import base as iscsi_base
from tests.iscsi import target as targets

_OPERATIONS = ('large-writes', 'large-reads', 'small-writes', 'small-reads')
# The largest ratios of times to those of the root disk.
_GOALS = {'volume in a file': 1.5, 'iSCSI volume': 6.0}
_TIMEOUT = 900


class Guest(vms.EngineCase):
    """Boots a guest that measures its disks.

    :cvar mib: size of each disk
    :cvar seconds: by the name of a disk and an operation, one of each boot
    """

    mib = 128
    repeat = 3
    parent: str | None = None
    seconds: dict[tuple[str, str], list[float]] = {}

    def runTest(self) -> None:
        fuse.check()
        size = self.mib * units.Mi
        with (tempfile.TemporaryDirectory(dir=self.parent) as folder,
              targets.Target() as target):
            root = self._root(folder, size)
            store, volume = self._volume(folder, size)
            server, volume_id = str(uuid.uuid4()), str(uuid.uuid4())
            paths = layout.Layout(os.path.join(folder, 'connected'), '_base')
            paths.prepare()
            connector = iscsi.IscsiConnector(paths, iscsi_base.tools())
            shown = connector.connect(server, connection.parse(
                target.connection_info(target.add(size), volume_id)),
                'lsilogic')
            try:
                disk_requests.fill(
                    shown.descriptor.replace('.vmdk', '-flat.vmdk'), size)
                for number in range(self.repeat):
                    self._measure(number, {
                        'root disk': root, 'volume in a file': volume,
                        'iSCSI volume': shown.descriptor})
            finally:
                self._stop_all()
                connector.disconnect(server, volume_id)
                store.close()

    def _root(self, folder: str, size: int) -> str:
        rig = rigs.Rig(os.path.join(folder, 'host'))
        image = os.path.join(folder, 'image.qcow2')
        sample_images.make_qcow2(rig, image, size, size)
        return rig.boot(str(uuid.uuid4()), sample_images.file_download(image))

    def _volume(self, folder: str, size: int) -> tuple[folders.Folder, str]:
        number = str(uuid.uuid4())
        made = disk.Disk(number, 'volume', 'volume-' + number, size, False)
        where = folders.Folder(os.path.join(folder, 'volumes'))
        where.open()
        store = stores.Store(where)
        store.create(made)
        extent = store.settle(made)
        disk_requests.fill(extent, size)
        return where, extent.replace('-flat.vmdk', '.vmdk')

    def _measure(self, number: int, disks: dict[str, str]) -> None:
        keys = vms.disk_keys()
        for unit, path in enumerate(disks.values(), 1):
            keys.update(vms.disk_keys(unit=unit, name=path))
        vm = self.vm({**keys, **vms.cd_keys('ide1:0', self.config_drive(
            'measure %d\n' % self.mib, name='config%d' % number))},
            images.image(), 'vm%d' % number)
        vm.start()
        vm.console.wait_word('measured-all', timeout=_TIMEOUT)
        self.assertEqual([], [rest for word, rest in vm.console.lines()
                              if word == 'failed'])
        names = dict(zip(sorted({
            rest.split()[0] for word, rest in vm.console.lines()
            if word == 'measured'}), disks, strict=True))
        for word, rest in vm.console.lines():
            if word == 'measured':
                device, operation, seconds = rest.split()
                self.seconds.setdefault((names[device], operation),
                                        []).append(float(seconds))
        vm.run('stop', 'hard')


def _report() -> int:
    """Print the ratios; return the exit status."""
    missed = []
    for name, goal in _GOALS.items():
        for operation in _OPERATIONS:
            ours = Guest.seconds[name, operation]
            others = Guest.seconds['root disk', operation]
            ratio = statistics.median(
                mine / its for mine, its in zip(ours, others, strict=True))
            what = '%s, %s' % (name, operation.replace('-', ' '))
            print('%-32s %6.2f / %6.2f s = %5.2f  (goal <= %g)' % (
                what, statistics.median(ours), statistics.median(others),
                ratio, goal))
            if ratio > goal:
                missed.append(what)
    if missed:
        print('Above the goal: %s' % '; '.join(missed))
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--folder', help='on the file system to measure')
    parser.add_argument('--size', type=int, default=Guest.mib, help='MiB')
    parser.add_argument('--repeat', type=int, default=Guest.repeat)
    arguments = parser.parse_args()
    Guest.parent, Guest.mib, Guest.repeat = (
        arguments.folder, arguments.size, arguments.repeat)
    result = unittest.TextTestRunner(stream=sys.stderr).run(Guest())
    return _report() if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
