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

"""Make a file that Glance takes from a disk, an OVA or a VM."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import os
import tempfile
from typing import Any

from oslo_utils import units

from nova_vmrun.cmd.image import check
from nova_vmrun.cmd.image import convert
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.cmd.image import powered_off
from nova_vmrun.cmd.image import properties as found
from nova_vmrun.cmd.image import source as sources
from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import sniff


class Preparation:
    """What has to be done before a source can be uploaded.

    :param source: the source
    :param given: properties that the user gave
    :param tell: called with each line for the user
    :ivar properties: of the image
    :raises VmrunError: the VM runs, or files of its disk are missing
    """

    def __init__(self, source: sources.Source,
                 given: Iterable[tuple[str, str]],
                 tell: Callable[[str], None]) -> None:
        if source.vm is not None:
            powered_off.require(source.vm)
        self._source = source
        self._disk = source.disk() if source.is_vmdk else None
        self._tell = tell
        self.properties = _properties(source, self._disk, given)

    @contextlib.contextmanager
    def file(self, work_dir: str | None, qemu_img: str) -> Iterator[str]:
        """Provide the file to upload.

        :param work_dir: folder for a converted file; None: the system's
        :param qemu_img: name or path of qemu-img
        """
        with tempfile.TemporaryDirectory(
                prefix='nova-vmrun-', dir=work_dir) as folder:
            files = self._disk.files if self._disk else [self._source.path]
            self._tell('Reading %s' % ', '.join(map(_with_target, files)))
            if self.is_file_as_it_is:
                yield self._source.path
            else:
                assert self._disk is not None
                yield convert.make_one_file(self._disk, folder,
                                            convert.tool(qemu_img))

    @property
    def is_file_as_it_is(self) -> bool:
        """Whether the source itself can be uploaded."""
        return self._disk is None or _is_ready(self._disk)

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the attributes of the image, if the driver would boot it.

        :param path: as file() provides it
        :raises ImageRefused: the driver would not boot it
        """
        source = self._source
        kind = sniff.GlanceFormat('vmdk') if source.is_vmdk else source.kind
        verdict = check.judge(path, kind, self.properties)
        if verdict.reasons:
            raise exception.ImageRefused(
                os.path.basename(source.path), ' '.join(verdict.reasons),
                'See "nova-vmrun image inspect".')
        size = verdict.content.size if verdict.content else 0
        return dict(self.properties, disk_format=kind.disk_format,
                    container_format=kind.container_format,
                    min_disk=-(-size // units.Gi))


def _with_target(path: str) -> str:
    """Return the path of a file, and the target if it is a symbolic link."""
    return '%s -> %s' % (path, os.path.realpath(path)) if os.path.islink(
        path) else path


def _properties(source: sources.Source, disk: disk_files.DiskFiles | None,
                given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Combine the detected properties with the ones the user gave."""
    properties = dict(source.properties)
    if not properties and disk:
        properties = found.from_disk(disk.adapter_by_vmware)
    if source.kind.disk_type:
        properties['vmware_disktype'] = source.kind.disk_type
    properties.update(given)
    return properties


def _is_ready(disk: disk_files.DiskFiles) -> bool:
    """Return whether Glance, which also reads descriptors, takes the disk."""
    return (disk.is_one_file and
            disk.create_type == vmdk.STREAM_OPTIMIZED and
            disk.links[0].descriptor.is_ascii)
