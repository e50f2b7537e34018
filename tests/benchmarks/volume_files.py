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

"""Benchmarks of volumes in files, as ratios to the root disk of a server.

Usage::

    python -m tests.benchmarks.volume_files [--folder DIRECTORY] [--size MIB]
                                            [--repeat N]

The volume is made by the Cinder driver's store, the root disk is linked to an
image in the cache. Both have all their blocks, both are opened as VMware opens
them: by the descriptor. A snapshot is compared with cp. The two operations are
run in turn, and the median of the ratios counts.

The exit status is 1 if a ratio is above its goal, and 2 if the machine was
also busy.
"""

import os
import sys
import uuid

from nova_vmrun.bench import disk_requests
from nova_vmrun.bench import measure
from nova_vmrun.bench import sample_images
from nova_vmrun.cinder import disk
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from tests.benchmarks import rig as rigs
from tests.benchmarks import throughput

# A volume has no tables, and may not cost more than a disk that has some.
_GOAL = 1.15
_GOAL_OF_COPIES = 1.15


def _disk(kind: str, size: int) -> disk.Disk:
    number = str(uuid.uuid4())
    return disk.Disk(number, kind, '%s-%s' % (kind, number), size,
                     kind == 'snapshot')


class Benchmarks:
    """Measures a volume and a root disk of one size, in a folder.

    :param size: bytes
    """

    def __init__(self, folder: str, size: int, repeat: int,
                 verdict: throughput.Verdict) -> None:
        self._size, self._repeat = size, repeat
        self._verdict = verdict
        self._rig = rigs.Rig(folder)
        image = os.path.join(folder, 'image.qcow2')
        sample_images.make_qcow2(self._rig, image, size, size)
        self._root = self._rig.boot(str(uuid.uuid4()),
                                    sample_images.file_download(image))
        self._folder = folders.Folder(os.path.join(folder, 'volumes'))
        self._folder.open()
        self._store = stores.Store(self._folder)
        self._volume = _disk('volume', size)
        self._store.create(self._volume)
        self._extent = self._store.settle(self._volume)
        disk_requests.fill(self._extent, size)
        # The root disk gets its blocks, too.
        disk_requests.make(self._rig.runner, disk_requests.ALL[0], self._root,
                           'vmdk', size)

    def run(self) -> None:
        descriptor = self._extent.replace('-flat.vmdk', '.vmdk')
        for requests in disk_requests.ALL:
            self._compare(
                requests.what, _GOAL,
                lambda: disk_requests.make(
                    self._rig.runner, requests, descriptor, 'vmdk',
                    self._size),
                lambda: disk_requests.make(
                    self._rig.runner, requests, self._root, 'vmdk',
                    self._size))
        self._copies()
        self._folder.close()

    def _copies(self) -> None:
        snapshot = _disk('snapshot', self._size)
        copy = self._folder.join('copy')

        def cp() -> None:
            self._rig.run('cp', '--sparse=always', '--reflink=auto',
                          self._extent, copy)
            with open(copy, 'rb') as file:
                os.fsync(file.fileno())

        def prepare() -> None:
            self._store.remove(snapshot)
            if os.path.exists(copy):
                os.remove(copy)

        # qemu-img has written zeros, which cp would leave out.
        disk_requests.fill(self._extent, self._size)
        self._compare('snapshot / cp', _GOAL_OF_COPIES,
                      lambda: self._store.copy(self._volume, snapshot), cp,
                      prepare)

    def _compare(self, what, goal, ours, other, prepare=lambda: None):
        self._verdict.add(
            what, measure.compare(ours, other, self._repeat, prepare), goal)


def run(folder: str, size: int, repeat: int,
        verdict: throughput.Verdict) -> None:
    Benchmarks(folder, size, repeat, verdict).run()


if __name__ == '__main__':
    sys.exit(throughput.main(__doc__, run))
