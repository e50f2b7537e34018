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

"""``nova-vmrun image upload``: make an image from a local disk."""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import os
import tempfile
from typing import Any

from cliff import show
from oslo_utils import units

from nova_vmrun.cmd.image import check
from nova_vmrun.cmd.image import convert
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.cmd.image import inspect as common
from nova_vmrun.cmd.image import powered_off
from nova_vmrun.cmd.image import properties as found
from nova_vmrun.cmd.image import source as sources
from nova_vmrun.cmd import plain
from nova_vmrun import exception
from nova_vmrun.formats import report
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import sniff

_VISIBILITIES = ('public', 'private', 'shared', 'community')
_FIELDS = ('id', 'name', 'disk_format', 'container_format', 'size',
           'min_disk', 'visibility', 'os_hash_algo', 'os_hash_value')


class Upload(plain.Plain, show.ShowOne):
    """Upload a disk, or the boot disk of a VM, to Glance.

    A disk that Workstation, Player or Fusion keeps in several files is
    converted to a single file first; the command lists the files that it
    reads. The image gets the properties it needs to boot as it did before,
    taken from the .vmx, the OVF inside an OVA, or the disk itself. The
    command checks the hash that Glance reports.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        common.add_arguments(parser)
        parser.add_argument('--name', metavar='<name>',
                            help='Name of the image (default: the name of the '
                                 'VM or file)')
        parser.add_argument(
            '--os-cloud', metavar='<name>',
            help='Name of a cloud in clouds.yaml (default: from OS_CLOUD or '
                 'the other OS_* variables)')
        parser.add_argument(
            '--work-dir', metavar='<directory>',
            help='Directory for the converted file (default: the '
                 "system's directory for temporary files)")
        parser.add_argument('--qemu-img', metavar='<path>',
                            default='qemu-img',
                            help='Name or path of qemu-img (default: '
                                 '%(default)s)')
        visibility = parser.add_mutually_exclusive_group()
        for name in _VISIBILITIES:
            visibility.add_argument(
                '--' + name, dest='visibility', action='store_const',
                const=name, help='Make the image %s' % name)
        return parser

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> tuple[Sequence[str], Iterable[Any]]:
        from nova_vmrun.cmd.image import cloud

        source = sources.find(parsed_args.file, parsed_args.disk,
                              parsed_args.disk_format,
                              common.ova_disk(parsed_args.property))
        if source.vm is not None:
            powered_off.require(source.vm)
        disk = source.disk() if source.is_vmdk else None
        properties = _properties(source, disk, parsed_args.property)
        client = cloud.connect(parsed_args.os_cloud)
        with tempfile.TemporaryDirectory(
                prefix='nova-vmrun-', dir=parsed_args.work_dir) as folder:
            path = source.path
            files = disk.files if disk else [path]
            self._print('Reading %s' % ', '.join(map(_with_target, files)))
            if disk and not _is_ready(disk):
                path = convert.make_one_file(
                    disk, folder, convert.tool(parsed_args.qemu_img))
            attributes = _attributes(source, path, properties)
            attributes['name'] = parsed_args.name or source.name
            if parsed_args.visibility:
                attributes['visibility'] = parsed_args.visibility
            self._print('Uploading %d MiB'
                        % -(-os.path.getsize(path) // units.Mi))
            image = cloud.upload(client, path, attributes, source.path)
        rows = [(name, image.get(name)) for name in _FIELDS]
        rows.append(('properties', common.Lines(
            ['%s=%s' % pair for pair in sorted(properties.items())])))
        names, values = zip(*rows)
        return names, values

    def _print(self, text: str) -> None:
        self.app.stderr.write(report.printable(text) + '\n')


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


def _attributes(source: sources.Source, path: str,
                properties: dict[str, str]) -> dict[str, Any]:
    """Return the attributes of the image if the driver would boot it."""
    kind = sniff.GlanceFormat('vmdk') if source.is_vmdk else source.kind
    verdict = check.judge(path, kind, properties)
    if verdict.reasons:
        raise exception.ImageRefused(
            os.path.basename(source.path), ' '.join(verdict.reasons),
            'See "nova-vmrun image inspect".')
    size = verdict.content.size if verdict.content else 0
    return dict(properties, disk_format=kind.disk_format,
                container_format=kind.container_format,
                min_disk=-(-size // units.Gi))
