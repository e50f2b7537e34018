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

"""``nova-vmrun image``: inspect disks and upload them as images.

Needs neither Nova nor VMware. Files are read by the same code as in the
driver.
"""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import logging
from typing import Any

from cliff import show

from nova_vmrun.catalog import properties as props
from nova_vmrun.cmd.image import check
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.cmd.image import source as sources
from nova_vmrun.cmd import plain
from nova_vmrun import exception
from nova_vmrun.formats import report
from nova_vmrun.formats import vmdk


def ova_disk(pairs: Iterable[tuple[str, str]]) -> str | None:
    """Return the OVA disk that the properties name, or None."""
    return props.ova_disk(dict(pairs))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both commands share."""
    parser.add_argument(
        'file', metavar='<file>',
        help='A disk image in any format, an OVA, an ISO image, or a .vmx or '
             'VM folder (for the boot disk of that VM)')
    parser.add_argument(
        '--property', metavar='<key=value>', action='append',
        type=plain.pair, default=[],
        help='Image property to set, overriding the detected one (repeat for '
             'more)')
    parser.add_argument(
        '--disk-format', metavar='<format>',
        help='disk_format of the image in Glance (default: detected from the '
             'file; use "raw" for a raw disk without a partition table, boot '
             'sector or file system, which cannot be detected)')
    parser.add_argument(
        '--disk', metavar='<node>',
        help="Which of the VM's disks to use, such as scsi0:1 (default: the "
             'boot disk)')


class Inspect(plain.Plain, show.ShowOne):
    """Show the format of a disk image and whether a server can boot from it.

    The exit status is 1 if the driver would refuse the image. The controller
    and guest OS shown are the ones the image would have after "image upload",
    which also uses the .vmx beside the file or the OVF inside it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        add_arguments(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> tuple[Sequence[str], Iterable[Any]]:
        source = sources.find(parsed_args.file, parsed_args.disk,
                              parsed_args.disk_format,
                              ova_disk(parsed_args.property))
        properties = dict(source.properties, **dict(parsed_args.property))
        # What it logs about an image is also among the reasons.
        logging.getLogger('oslo_utils').setLevel(logging.CRITICAL)
        disk, problems = _disk(source)
        verdict = check.judge(source.path, source.kind, properties,
                              disk.adapter_by_vmware if disk else None)
        if verdict.reasons and disk:
            problems += _why_not_alone(disk)
        reasons = [*verdict.reasons, *problems]
        rows = [*_about_file(source, disk, verdict),
                *_about_server(verdict, properties, source.told_by),
                ('bootable', not verdict.reasons),
                ('reasons', plain.Lines(list(map(report.printable, reasons))))]
        self._refused = bool(verdict.reasons)
        names, values = zip(*rows)
        return names, values

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or int(self._refused)


def _disk(source: sources.Source
          ) -> tuple[disk_files.DiskFiles | None, list[str]]:
    """Return the DiskFiles of a VMDK or None, and a list of problems."""
    if not source.is_vmdk:
        return None, []
    try:
        return source.disk(), []
    except exception.InvalidVmdk as error:
        return None, [str(error)]


def _why_not_alone(disk: disk_files.DiskFiles) -> list[str]:
    """Explain why an intact disk cannot be used as a single file."""
    try:
        vmdk.refuse_unless_self_contained(disk.links[0].descriptor,
                                          check.CREATE_TYPES)
        return []
    except exception.InvalidVmdk as error:
        return [str(error),
                '"nova-vmrun image upload" converts it to a single file.']


def _about_file(source: sources.Source, disk: disk_files.DiskFiles | None,
                verdict: check.Verdict) -> Iterator[tuple[str, Any]]:
    yield 'file', report.printable(source.path)
    yield 'disk_format', source.kind.disk_format
    yield 'container_format', source.kind.container_format
    yield 'sub_format', report.printable(
        disk.create_type if disk else source.kind.disk_type or '')
    yield 'virtual_size', (verdict.content.size if verdict.content else
                           disk.size if disk else None)
    files = disk.files if disk else ['%s (%d bytes)' % (name, length) for
                                     name, (_, length) in
                                     source.members.items()]
    yield 'files', plain.Lines(list(map(report.printable, files)))
    yield 'recorded_adapter', report.printable(
        disk.links[-1].descriptor.ddb.get('ddb.adaptertype', '')
        if disk else '')


def _about_server(verdict: check.Verdict, properties: Mapping[str, str],
                  told_by: str | None) -> Iterator[tuple[str, Any]]:
    if verdict.guest and verdict.guest_is_known:
        yield 'guest', verdict.guest.id
        yield 'guest_by', report.printable(verdict.guest.origin)
    else:
        yield 'guest', 'unknown'
        yield 'guest_by', ('nothing; servers get %s, or the value of [vmrun] '
                           'default_guestos' % verdict.guest.id
                           if verdict.guest else '')
    yield 'controller', verdict.bus or ''
    yield 'controller_by', report.printable(verdict.bus_origin or '')
    yield 'properties', plain.Lines([
        '%s=%s' % (name, report.printable(value))
        for name, value in sorted(properties.items())])
    yield 'told_by', report.printable(told_by or '')
