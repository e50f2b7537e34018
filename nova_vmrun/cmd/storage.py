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

"""``nova-vmrun storage``: the storage folders of a compute host."""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

from cliff import columns
from cliff import command
from cliff import lister

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd import plain
from nova_vmrun.formats import report

_GIB = 1 << 30


class _Gibibytes(columns.FormattableColumn[int | None]):
    """A number of bytes in GiB, or the number itself in JSON and YAML."""

    def human_readable(self) -> str:
        return ('' if self._value is None
                else '%.1f GiB' % (self._value / _GIB))


class List(plain.Plain, lister.Lister):
    """List the storage folders of this compute host.

    These are [DEFAULT] instances_path and the folders of [vmrun]
    storage_folders, with their tags, the space of their file systems, the
    space that their image caches take, and the ids of the servers whose disks
    are there. Run it on the compute host as the user who runs nova-compute.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        compute_host.add_config_file(parser)
        return parser

    def take_action(
            self, parsed_args: argparse.Namespace
            ) -> tuple[Sequence[str], Iterable[Any]]:
        from nova_vmrun.storage import folder_report

        conf, compute_id = compute_host.configuration(parsed_args.config_file)
        compute_host.require_owner(conf.instances_path)
        storage = compute_host.open_hypervisor(conf, compute_id).storage
        return ('Name', 'Path', 'Tags', 'State', 'Size', 'Free', 'Cache',
                'Servers'), [
            (each.name, report.printable(each.path), plain.Lines(each.tags),
             each.state.value, _Gibibytes(each.total), _Gibibytes(each.free),
             _Gibibytes(each.cached), plain.Lines(each.servers))
            for each in folder_report.make(storage.folders,
                                           storage.servers_by_folder())]


class Evict(plain.Plain, command.Command):
    """Move the disks of a stopped server to another storage folder.

    The root, ephemeral and swap disks move, with what VMware has written
    since a snapshot. Volumes, CDs and the server's folder in [DEFAULT]
    instances_path stay where they are. nova-compute may run meanwhile: it
    refuses operations on the server until the command has ended. The command
    can be interrupted and repeated; no data is lost. Run it on the compute
    host as the user who runs nova-compute, with administrator credentials for
    its cloud.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('server', metavar='<server>',
                            help='Name or id of the server')
        parser.add_argument(
            '--to', metavar='<folder>',
            help='Name of the storage folder; "default" is [DEFAULT] '
                 'instances_path (default: the folder with most free space '
                 'that the server does not use)')
        compute_host.add_config_file(parser)
        plain.add_os_cloud(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from nova_vmrun.cmd import servers

        conf, compute_id = compute_host.configuration(parsed_args.config_file)
        compute_host.require_owner(conf.instances_path)
        nova = servers.Servers(parsed_args.os_cloud)
        uuid = nova.stopped(parsed_args.server, nova.host(compute_id))
        moved = compute_host.open_hypervisor(
            conf, compute_id).evictor.evict(uuid, parsed_args.to)
        if moved.disks:
            text = 'Moved to the storage folder %s: %s (%.1f GiB).' % (
                moved.folder, ', '.join(moved.disks), moved.size / _GIB)
        else:
            text = 'All disks are in the storage folder %s.' % moved.folder
        self.app.stdout.write(text + '\n')
