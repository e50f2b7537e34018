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

"""The resources of this host: processors, memory and disk."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import functools
import os
import platform
import shutil
import time
from typing import Protocol, TypedDict

import psutil

from oslo_utils import units

from nova_vmrun.host import cpu_traits
from nova_vmrun.host import processor


class ServerFolders(Protocol):
    """The part of nova_vmrun.server.layout.Layout that is used here."""

    root: str

    def folders(self) -> Iterable[tuple[str, str]]:
        """Return the UUID and the folder of each server."""


class Topology(TypedDict):
    """The number of sockets, cores per socket and threads per core."""

    sockets: int
    cores: int
    threads: int


class CpuInfo(TypedDict):
    """The cpu_info of a hypervisor in Nova's API."""

    arch: str
    vendor: str
    model: str
    topology: Topology
    features: list[str]
    mhz: int | None


@dataclasses.dataclass(frozen=True)
class FileSystem:
    """A file system with disks of servers.

    :ivar total: bytes
    :ivar used: bytes
    :ivar free: bytes
    :ivar disk_folders: paths of the folders that disks of servers are in
    """

    total: int
    used: int
    free: int
    disk_folders: Iterable[str]


class Host:
    """The machine that nova-compute runs on.

    :param layout: of the servers; the disk numbers are those of
        their file system, unless there are storage folders
    """

    def __init__(self, layout: ServerFolders) -> None:
        self._layout = layout
        self._file_systems = self._only

    def use_folders(self, file_systems: Callable[[], list[FileSystem]]
                    ) -> None:
        """Count the disk space of several folders.

        :param file_systems: returns each file system once
        """
        self._file_systems = file_systems

    @property
    def vcpus(self) -> int:
        return psutil.cpu_count() or 1

    @property
    def memory_mb(self) -> int:
        return psutil.virtual_memory().total // units.Mi

    @property
    def memory_mb_used(self) -> int:
        memory = psutil.virtual_memory()
        return (memory.total - memory.available) // units.Mi

    @property
    def disk_gb(self) -> int:
        return sum(each.total for each in self._file_systems()) // units.Gi

    @property
    def largest_disk_gb(self) -> int:
        """GiB of the largest file system: no disk can be larger."""
        return max((each.total for each in self._file_systems()),
                   default=0) // units.Gi

    @property
    def disk_gb_used(self) -> int:
        return sum(each.used for each in self._file_systems()) // units.Gi

    @property
    def largest_disk_gb_free(self) -> int:
        """GiB that are free where most are free."""
        return max((each.free for each in self._file_systems()),
                   default=0) // units.Gi

    @property
    def disk_gb_used_by_others(self) -> int:
        """GiB used by files that are not disks of servers, rounded up.

        These are, for example, the files of people who work on this host, the
        image cache and the memory of suspended servers.
        """
        used = 0
        for system in self._file_systems():
            ours = sum(map(_allocated_by_disks, system.disk_folders))
            used += max(system.total - system.free - ours, 0)
        return -(-used // units.Gi)

    def _only(self) -> list[FileSystem]:
        """Return the file system of instances_path."""
        usage = shutil.disk_usage(self._layout.root)
        return [FileSystem(
            usage.total, usage.used, usage.free,
            (folder for _uuid, folder in self._layout.folders()))]

    @property
    def architecture(self) -> str:
        """The common name of the architecture, such as x86_64 or aarch64."""
        machine = platform.machine()
        return {'arm64': 'aarch64', 'AMD64': 'x86_64'}.get(machine, machine)

    @functools.cached_property
    def _processor(self) -> processor.Processor:
        return processor.read()

    @functools.cached_property
    def cpu_traits(self) -> frozenset[str]:
        """The features of the processor, by Placement's names."""
        return cpu_traits.from_flags(self._processor.flags)

    @functools.cached_property
    def cpu_info(self) -> CpuInfo:
        """The cpu_info of the hypervisor."""
        found = self._processor
        cores = psutil.cpu_count(logical=False) or self.vcpus
        return {
            'arch': self.architecture,
            'vendor': found.vendor or 'unknown',
            'model': found.model or platform.processor() or 'unknown',
            'topology': {
                'sockets': found.sockets,
                'cores': max(cores // found.sockets, 1),
                'threads': max(self.vcpus // cores, 1)},
            'features': sorted(found.flags),
            'mhz': _megahertz(),
        }

    def uptime(self) -> str:
        """Return text like that of uptime(1)."""
        seconds = int(time.time() - psutil.boot_time())
        days, seconds = divmod(seconds, 24 * 3600)
        hours, seconds = divmod(seconds, 3600)
        load = ', '.join('%.2f' % number for number in psutil.getloadavg())
        return '%s up %d days, %d:%02d, load average: %s' % (
            time.strftime('%H:%M:%S'), days, hours, seconds // 60, load)


def _megahertz() -> int | None:
    try:
        frequency = psutil.cpu_freq()
    except (AttributeError, OSError, RuntimeError):
        # Some versions of psutil fail on Apple silicon.
        return None
    return int(frequency.max or frequency.current) if frequency else None


def _allocated_by_disks(folder: str) -> int:
    """Return how many bytes the VMDKs in a folder take, without holes."""
    try:
        return sum(entry.stat(follow_symlinks=False).st_blocks * 512
                   for entry in os.scandir(folder)
                   if entry.name.endswith('.vmdk'))
    except FileNotFoundError:
        # It was deleted or moved in the meantime.
        return 0
