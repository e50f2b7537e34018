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

"""How long VMware may take to read or write the memory of a server."""

from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)


class TimeLimits:
    """Seconds after which a command of vmrun is considered hung.

    A suspend, a resume and a snapshot of a running server move all of its
    memory to or from the disk: 8 GiB were measured to take over five minutes.

    :param conf: the [vmrun] options
    :param vmx_files: a nova_vmrun.server.vmx_file.VmxFiles
    """

    def __init__(self, conf, vmx_files: vmx_file.VmxFiles) -> None:
        self._conf = conf
        self._vmx_files = vmx_files

    def start(self, keys: vmx.Vmx) -> int:
        """Returns the limit of a start; one that resumes reads memory.

        :param keys: the .vmx of the server
        """
        if not keys.get('checkpoint.vmState'):
            return self._conf.start_timeout
        return self._conf.start_timeout + self._for_memory(keys)

    def suspend(self, uuid: str) -> int:
        """Returns the limit of a suspend."""
        return self._conf.suspend_timeout + self._for_memory(self._keys(uuid))

    def snapshot(self, uuid: str) -> int:
        """Returns the limit of a snapshot of a running server."""
        return (self._conf.snapshot_timeout +
                self._for_memory(self._keys(uuid)))

    def longest(self, uuid: str) -> int:
        """Returns the limit of the command that may take longest."""
        return (max(self._conf.start_timeout, self._conf.snapshot_timeout,
                    self._conf.suspend_timeout) +
                self._for_memory(self._keys(uuid)))

    def _for_memory(self, keys: vmx.Vmx) -> int:
        gib = -(-max(0, keys.get_int('memsize')) // units.Ki)
        return gib * self._conf.memory_timeout_per_gib

    def _keys(self, uuid: str) -> vmx.Vmx:
        try:
            return self._vmx_files.load(uuid)
        except (OSError, exception.VmrunError) as error:
            LOG.debug('The memory of server %s is not known: %s', uuid, error)
            return vmx.Vmx()
