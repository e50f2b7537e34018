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

"""The .vmsd beside a .vmx: the snapshots of a VM.

It has the grammar of a .vmx. Keys as Workstation 17 writes them:
snapshotN.displayName, snapshotN.numDisks, snapshotN.diskM.node and .fileName.
The file of a disk is the one that has not been written to since the snapshot.
"""

import dataclasses

from nova_vmrun.formats import vmx

# The driver may delete snapshots with such a name; others may belong to the
# owner of the host.
OWN_PREFIX = 'nova-vmrun-'
# VMware allows a hundred; a damaged file must not cause a long loop.
_MAX_SNAPSHOTS = 1000
_MAX_DISKS = 256


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A snapshot.

    :ivar name: name that its creator gave it
    :ivar disks: nodes (scsi0:0) to the files that it keeps, as written:
        relative to the folder of the VM, or absolute
    """

    name: str
    disks: dict[str, str]


def parse(data: bytes) -> list[Snapshot]:
    """Parse a .vmsd.

    :param data: the file; it may be empty
    :raises InvalidVmx: it is not well-formed
    """
    keys = vmx.load(data)
    count = min(keys.get_int('snapshot.numSnapshots'), _MAX_SNAPSHOTS)
    return [_snapshot(keys, 'snapshot%d.' % number)
            for number in range(count)]


def _snapshot(keys: vmx.Vmx, prefix: str) -> Snapshot:
    count = min(keys.get_int(prefix + 'numDisks'), _MAX_DISKS)
    disks = ['%sdisk%d.' % (prefix, number) for number in range(count)]
    return Snapshot(
        keys.get(prefix + 'displayName', ''),
        {keys.get(disk + 'node', '').lower(): keys.get(disk + 'fileName', '')
         for disk in disks})
