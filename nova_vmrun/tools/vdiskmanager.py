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

"""vmware-vdiskmanager, a method per switch.

It is run only where the product's own tool must do the work: qemu-img can
neither grow a VMDK nor make VMware's preallocated kinds.
"""

from nova_vmrun.tools import messages
from nova_vmrun.tools import noise

# Values of -t.
MONOLITHIC_SPARSE = 0


class VDiskManager:
    """The vmware-vdiskmanager program.

    :param runner: a nova_vmrun.tools.process.Runner
    :param path: the program
    :param timeout: seconds for each call
    """

    def __init__(self, runner, path, timeout):
        self._runner = runner
        self._path = path
        self._timeout = timeout

    def create(self, disk, *, size_mb, adapter='lsilogic',
               disk_type=MONOLITHIC_SPARSE):
        """Makes an empty disk.

        :param disk: the .vmdk to make; it must not exist
        :param size_mb: capacity in MiB, 1 at least
        :param adapter: ide, buslogic, or lsilogic for all other controllers
        :raises ToolRefused: DiskFull among others
        """
        self._run('-c', '-s', '%dMB' % size_mb, '-a', adapter,
                  '-t', disk_type, disk,
                  brief='The disk %s cannot be made.' % disk)

    def grow(self, disk, *, size_mb):
        """Enlarges a disk that has no parent, child or snapshot.

        :param disk: the .vmdk
        :param size_mb: new capacity in MiB, larger than the present one
        :raises ToolRefused: DiskFull among others
        """
        self._run('-x', '%dMB' % size_mb, disk,
                  brief='The disk %s cannot be enlarged.' % disk)

    def _run(self, *words, brief):
        result = noise.run(self._runner, self._path, *words,
                           timeout=self._timeout)
        if messages.is_disk_error(result):
            raise messages.refusal(result, brief)
