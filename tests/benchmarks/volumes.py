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

import os
import sys
import uuid

from oslo_utils import units

from nova_vmrun.bench import disk_requests
from nova_vmrun.bench import measure
from nova_vmrun.host import fuse
from nova_vmrun.server import layout
from nova_vmrun.tools import process
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import iscsi
from tests.benchmarks import throughput
from tests.iscsi import base
from tests.iscsi import target as targets

# The largest ratios of times to those of a plain file.
_GOAL_SEQUENTIAL = 6.0
_GOAL_SMALL = 12.0


def run(folder: str, size: int, repeat: int,
        verdict: throughput.Verdict) -> None:
    fuse.check()
    runner = process.Runner()
    server, volume_id = str(uuid.uuid4()), str(uuid.uuid4())
    paths = layout.Layout(os.path.join(folder, 'instances'), '_base')
    paths.prepare()
    connector = iscsi.IscsiConnector(paths, base.tools())
    plain = os.path.join(folder, 'plain')
    with open(plain, 'wb') as file:
        file.truncate(size)
    with targets.Target() as target:
        number = target.add(size)
        shown = connector.connect(server, connection.parse(
            target.connection_info(number, volume_id)), 'lsilogic')
        try:
            export = shown.descriptor.replace('.vmdk', '-flat.vmdk')
            disk_requests.fill(plain, size)
            disk_requests.fill(export, size)
            for requests in disk_requests.ALL:
                found = measure.compare(
                    lambda: disk_requests.make(
                        runner, requests, export, 'raw', size),
                    lambda: disk_requests.make(
                        runner, requests, plain, 'raw', size), repeat)
                verdict.add(requests.what, found,
                            _GOAL_SEQUENTIAL if requests.size == units.Mi
                            else _GOAL_SMALL)
        finally:
            connector.disconnect(server, volume_id)


if __name__ == '__main__':
    sys.exit(throughput.main(__doc__, run))
