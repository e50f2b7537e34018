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
from typing import Any

from cliff import show
from oslo_utils import units

from nova_vmrun.cmd.image import inspect as common
from nova_vmrun.cmd.image import prepare
from nova_vmrun.cmd.image import source as sources
from nova_vmrun.cmd import plain
from nova_vmrun.formats import report

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
        plain.add_os_cloud(parser)
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
        ready = prepare.Preparation(source, parsed_args.property, self._print)
        client = cloud.connect(parsed_args.os_cloud)
        with ready.file(parsed_args.work_dir, parsed_args.qemu_img) as path:
            attributes = ready.attributes(path)
            attributes['name'] = parsed_args.name or source.name
            if parsed_args.visibility:
                attributes['visibility'] = parsed_args.visibility
            self._print('Uploading %d MiB'
                        % -(-os.path.getsize(path) // units.Mi))
            image = cloud.upload(client, path, attributes, source.path)
        rows = [(name, image.get(name)) for name in _FIELDS]
        rows.append(('properties', plain.Lines(
            ['%s=%s' % pair for pair in sorted(ready.properties.items())])))
        names, values = zip(*rows)
        return names, values

    def _print(self, text: str) -> None:
        self.app.stderr.write(report.printable(text) + '\n')
