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

"""Time limits of the commands that read or write a server's memory."""

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)


class TimeLimits:
    """Timeouts of vmrun, in seconds, that depend on the memory of a server.

    A suspend, a resume and a snapshot of a running server move all of its
    memory to or from the disk: 8 GiB have taken more than five minutes.

    :param conf: the [vmrun] options
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 vmx_files: vmx_file.VmxFiles) -> None:
        self._conf = conf
        self._vmx_files = vmx_files

    def start(self, keys: vmx.Vmx) -> int:
        """Return the limit of a start; a resume reads memory.

        :param keys: the .vmx of the server
        """
        if not keys.get(vmx.MEMORY):
            return int(self._conf.start_timeout)
        return int(self._conf.start_timeout + self._for_memory(keys))

    def suspend(self, uuid: str) -> int:
        """Return the limit of a suspend."""
        return int(self._conf.suspend_timeout +
                   self._for_memory(self._keys(uuid)))

    def snapshot(self, uuid: str) -> int:
        """Return the limit of a snapshot of a running server."""
        return int(self._conf.snapshot_timeout +
                   self._for_memory(self._keys(uuid)))

    def longest(self, uuid: str) -> int:
        """Return the limit of the command that may take longest."""
        return (max(int(self._conf.start_timeout),
                    int(self._conf.snapshot_timeout),
                    int(self._conf.suspend_timeout)) +
                self._for_memory(self._keys(uuid)))

    def _for_memory(self, keys: vmx.Vmx) -> int:
        gib = -(-max(0, keys.get_int('memsize')) // units.Ki)
        return int(gib * self._conf.memory_timeout_per_gib)

    def _keys(self, uuid: str) -> vmx.Vmx:
        try:
            return self._vmx_files.load(uuid)
        except (OSError, exception.VmrunError) as error:
            LOG.debug('The memory size of server %s is unknown: %s', uuid,
                      error)
            return vmx.Vmx()
