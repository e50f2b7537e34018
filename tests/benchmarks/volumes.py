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

"""Print what a volume through iSCSI and FUSE costs, as ratios to a file.

Usage::

    python -m tests.benchmarks.volumes [--folder DIRECTORY] [--size MIB]
                                       [--repeat N]

A target on this host has its volumes in files of the same folder, so that the
disk and the network are the same or none; what is measured is the way from
the guest's side of the FUSE mount to the file of the target. qemu-img reads
and writes with O_DIRECT, as VMware does. The two operations are run in turn,
and the median of the ratios counts.

The exit status is 1 if a ratio is above its goal, and 2 if the machine was
also busy.
"""

import argparse
import os
import sys
import tempfile
import uuid

from oslo_utils import units

from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from nova_vmrun.tools import process
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import iscsi
from tests.benchmarks import measure
from tests.benchmarks import throughput
from tests.iscsi import base
from tests.iscsi import target as targets

# How much longer one run of an operation may take than another, in percent.
_NOISE = 50
# The largest ratios of times to those of a plain file.
_GOAL_SEQUENTIAL = 6.0
_GOAL_SMALL = 12.0


def run(folder: str, size: int, repeat: int) -> int:
    fuse.check()
    runner = process.Runner()
    server, volume_id = str(uuid.uuid4()), str(uuid.uuid4())
    paths = layout.Layout(os.path.join(folder, 'instances'), '_base')
    paths.prepare()
    connector = iscsi.IscsiConnector(paths, base.tools())
    plain = os.path.join(folder, 'plain')
    with open(plain, 'wb') as file:
        file.truncate(size)
    missed, noise = [], 0.0
    with targets.Target() as target:
        number = target.add(size)
        shown = connector.connect(server, connection.parse(
            target.connection_info(number, volume_id)), 'lsilogic')
        try:
            export = shown.descriptor.replace('.vmdk', '-flat.vmdk')
            throughput.fill(plain, size)
            throughput.fill(export, size)
            for requests in throughput.ALL:
                found = measure.compare(
                    lambda: throughput.make(runner, requests, export, 'raw',
                                            size),
                    lambda: throughput.make(runner, requests, plain, 'raw',
                                            size), repeat, lambda: None)
                ratio = found.ratio('seconds')
                noise = max(noise, found.noise)
                goal = (_GOAL_SEQUENTIAL if requests.size == units.Mi
                        else _GOAL_SMALL)
                print('%-22s %8.2f / %8.2f s = %6.2f  (goal <= %.0f)' % (
                    requests.what, *found.medians('seconds'), ratio, goal))
                if ratio > goal:
                    missed.append(requests.what)
        finally:
            connector.disconnect(server, volume_id)
    print('Runs of one operation differed by up to %d %%.' % noise)
    if missed:
        print('Above the goal: %s' % ', '.join(missed))
    return 0 if not missed else 2 if noise > _NOISE else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--folder', help='on the file system to measure')
    parser.add_argument('--size', type=int, default=256, help='MiB')
    parser.add_argument('--repeat', type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        return run(folder, arguments.size * units.Mi, arguments.repeat)


if __name__ == '__main__':
    sys.exit(main())
