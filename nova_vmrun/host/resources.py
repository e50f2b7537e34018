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

"""What this host has to give: processors, memory, disk."""

import functools
import os
import platform
import shutil
import time
from typing import Any

import psutil

from oslo_utils import units

from nova_vmrun.host import cpu_traits
from nova_vmrun.host import processor


class Host:
    """The machine that nova-compute runs on.

    :param layout: a nova_vmrun.server.layout.Layout; its file system is meant
    """

    def __init__(self, layout):
        self._layout = layout

    @property
    def vcpus(self):
        return psutil.cpu_count()

    @property
    def memory_mb(self):
        return psutil.virtual_memory().total // units.Mi

    @property
    def memory_mb_used(self):
        memory = psutil.virtual_memory()
        return (memory.total - memory.available) // units.Mi

    @property
    def disk_gb(self):
        return self._file_system().total // units.Gi

    @property
    def disk_gb_used(self):
        return self._file_system().used // units.Gi

    @property
    def disk_gb_free(self):
        return self._file_system().free // units.Gi

    @property
    def disk_gb_of_others(self):
        """GiB that no disk of a server can have, rounded up.

        Other files have them: those of people who work on this host, the
        image cache, the memory of suspended servers.
        """
        system = self._file_system()
        ours = sum(_taken_by_disks(folder)
                   for _uuid, folder in self._layout.folders())
        return max(-((ours - system.total + system.free) // units.Gi), 0)

    def _file_system(self):
        return shutil.disk_usage(self._layout.root)

    @property
    def architecture(self):
        """The processor's kind by its common name: x86_64 or aarch64."""
        machine = platform.machine()
        return {'arm64': 'aarch64', 'AMD64': 'x86_64'}.get(machine, machine)

    @functools.cached_property
    def _processor(self):
        return processor.read()

    @functools.cached_property
    def cpu_traits(self):
        """What the processor can, by placement's names: a set."""
        return cpu_traits.of(self._processor.flags)

    @functools.cached_property
    def cpu_info(self):
        """Facts of the processor, for the hypervisor's description."""
        found = self._processor
        cores = psutil.cpu_count(logical=False) or self.vcpus
        frequency = _frequency()
        return {
            'arch': self.architecture,
            'vendor': found.vendor or 'unknown',
            'model': found.model or platform.processor() or 'unknown',
            'topology': {
                'sockets': found.sockets,
                'cores': max(cores // found.sockets, 1),
                'threads': max(self.vcpus // cores, 1)},
            'features': sorted(found.flags),
            'mhz': int(frequency.max or frequency.current) if frequency
            else None,
        }

    def uptime(self):
        """Returns text like that of uptime(1)."""
        seconds = int(time.time() - psutil.boot_time())
        days, seconds = divmod(seconds, 24 * 3600)
        hours, seconds = divmod(seconds, 3600)
        load = ', '.join('%.2f' % number for number in psutil.getloadavg())
        return '%s up %d days, %d:%02d, load average: %s' % (
            time.strftime('%H:%M:%S'), days, hours, seconds // 60, load)


def _frequency() -> Any:
    try:
        return psutil.cpu_freq()
    except (AttributeError, OSError, RuntimeError):
        # Some versions of psutil cannot tell on Apple silicon.
        return None


def _taken_by_disks(folder):
    """Bytes that the VMDKs of a folder take; a thin one takes few."""
    try:
        return sum(entry.stat(follow_symlinks=False).st_blocks * 512
                   for entry in os.scandir(folder)
                   if entry.name.endswith('.vmdk'))
    except FileNotFoundError:  # It was deleted or moved meanwhile.
        return 0
