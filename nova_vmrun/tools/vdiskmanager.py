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

"""The vmware-vdiskmanager program: one method per switch.

Use it only for what qemu-img cannot do: grow a VMDK, or create VMware's
preallocated types.
"""

from nova_vmrun.tools import messages
from nova_vmrun.tools import noise
from nova_vmrun.tools import process

# Values of -t.
MONOLITHIC_SPARSE = 0


class VDiskManager:
    """The vmware-vdiskmanager program.

    :param path: the program
    :param timeout: seconds for each call
    """

    def __init__(self, runner: process.Runner, path: str,
                 timeout: float) -> None:
        self._runner = runner
        self._path = path
        self._timeout = timeout

    def create(self, disk: str, *, size_mb: int, adapter: str = 'lsilogic',
               disk_type: int = MONOLITHIC_SPARSE) -> None:
        """Create an empty disk.

        :param disk: the .vmdk to create; it must not exist
        :param size_mb: capacity in MiB, at least 1
        :param adapter: ide, buslogic, or lsilogic for all other controllers
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        self._run('-c', '-s', '%dMB' % size_mb, '-a', adapter,
                  '-t', disk_type, disk,
                  brief='Cannot create the disk %s.' % disk)

    def grow(self, disk: str, *, size_mb: int) -> None:
        """Enlarge a disk that has no parent, child or snapshot.

        :param disk: the .vmdk
        :param size_mb: new capacity in MiB, larger than the current one
        :raises DiskFull: no space is left
        :raises ToolRefused: it failed for another reason
        """
        self._run('-x', '%dMB' % size_mb, disk,
                  brief='Cannot enlarge the disk %s.' % disk)

    def _run(self, *words: object, brief: str) -> None:
        result = noise.run(self._runner, self._path, *words,
                           timeout=self._timeout)
        if messages.is_disk_error(result):
            raise messages.refusal(result, brief)
