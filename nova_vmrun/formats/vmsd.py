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

"""The .vmsd beside a .vmx: which snapshots a VM has.

It has the grammar of a .vmx. Keys as Workstation 17 writes them:
snapshotN.displayName, snapshotN.numDisks, snapshotN.diskM.node and .fileName;
a disk's file is the one that nobody writes to since the snapshot was taken.
"""

import dataclasses

from nova_vmrun.formats import vmx

# Snapshots with such a name are ours to remove; the owner of the host may
# have made others.
OWN_PREFIX = 'nova-vmrun-'
# VMware allows a hundred; a damaged file must not keep us counting.
_MAX_SNAPSHOTS = 1000
_MAX_DISKS = 256


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A snapshot.

    :ivar name: as its maker called it
    :ivar disks: nodes (scsi0:0) to the files that it keeps, as written:
        relative to the folder of the VM, or absolute
    """

    name: str
    disks: dict[str, str]


def parse(data: bytes) -> list[Snapshot]:
    """Reads a .vmsd.

    :param data: its bytes; it may be empty
    :returns: a list of Snapshot
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
