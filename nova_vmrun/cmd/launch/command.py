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

"""``nova-vmrun launch``: from the name of a system to a running server."""

import argparse
import os
import pathlib
from typing import TYPE_CHECKING

from cliff import command

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.cmd import completion
from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import recipes
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import plain
from nova_vmrun import exception

if TYPE_CHECKING:
    from nova_vmrun.cmd.launch import launcher


class Launch(plain.Plain, command.Command):
    """Launch a server from a well-known cloud image, an address or a file.

    Downloads the image and verifies it against the publisher's checksum,
    uploads it to Glance if it is not there yet, chooses the flavor, the
    network and your SSH key, creates the server, and prints how to reach it
    and the openstack commands that do the same. Without credentials of a
    cloud, it uses the one of "nova-vmrun aio up".
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        completion.suggest(parser.add_argument(
            'image', metavar='<image>', nargs='?',
            help='Name of a known image such as debian-12, an http or https '
                 'address, or the path of a disk image, an OVA or a VM'),
            catalogue.names())
        parser.add_argument(
            '--list', action='store_true',
            help='List the known images, and launch nothing')
        parser.add_argument(
            '--name', metavar='<name>',
            help='Name of the server (default: the name of the image)')
        parser.add_argument(
            '--wait', action='store_true',
            help='Wait until the first boot has ended: until cloud-init '
                 'prints its last line on the console')
        parser.add_argument(
            '--ssh', action='store_true',
            help='Wait as --wait does, and then log in, as "nova-vmrun ssh" '
                 'does')
        parser.add_argument(
            '--ready', metavar='<regex>',
            help='Regular expression for the line that --wait waits for')
        parser.add_argument(
            '--timeout', metavar='<seconds>', type=_seconds, default=900,
            help='How long to wait for the start of the server, and again '
                 'for its first boot (default: %(default)s)')
        _add_choices(parser)
        _add_places(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        images = catalogue.load(parsed_args.catalogue)
        if parsed_args.list:
            self.app.stdout.write(_table(images))
            return 0
        if parsed_args.image is None:
            raise exception.InvalidInput(
                'No image is named.', '', 'List the known images with '
                '"nova-vmrun launch --list".')
        recipe = recipes.find(
            parsed_args.image, images,
            parsed_args.arch or recipes.host_architecture(),
            parsed_args.checksum)
        own = _state_dir(parsed_args)
        launch = self._launcher(parsed_args, own)
        result = launch.launch(recipe, self._wishes(parsed_args))
        self.app.stdout.write(result.text())
        self.app.stdout.flush()
        if not parsed_args.ssh:
            return 0
        if own is not None:
            # They name another cloud.
            for name in own_cloud.VARIABLES:
                os.environ.pop(name, None)
        return self.app.run_subcommand(result.ssh()[1:])

    def _launcher(self, parsed_args: argparse.Namespace,
                  own: str | None) -> 'launcher.Launcher':
        from nova_vmrun.cmd.launch import launcher
        from nova_vmrun.cmd.launch import progress
        from nova_vmrun.cmd.launch import store

        shown = progress.Progress(self.app.stderr)
        return launcher.Launcher(
            launcher.connect(parsed_args.os_cloud, own),
            store.Store(parsed_args.cache_dir or store.default_folder(),
                        shown), shown)

    def _wishes(self, parsed_args: argparse.Namespace) -> 'launcher.Wishes':
        from nova_vmrun.cmd.launch import launcher

        return launcher.Wishes(
            parsed_args.name, parsed_args.flavor, parsed_args.network,
            parsed_args.key, parsed_args.user, parsed_args.property,
            parsed_args.wait or parsed_args.ssh, parsed_args.ready,
            parsed_args.timeout)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that replace what would be chosen."""
    parser.add_argument(
        '--flavor', metavar='<name>',
        help='Flavor (default: the smallest that the image fits into; if '
             'there is none, one is made)')
    parser.add_argument(
        '--network', metavar='<name>',
        help='Network (default: the only one there is)')
    parser.add_argument(
        '--key', metavar='<file>', type=pathlib.Path,
        help='SSH public key (default: ~/.ssh/id_ed25519.pub, id_ecdsa.pub or '
             'id_rsa.pub; if there is none, one is made)')
    parser.add_argument(
        '--user', metavar='<name>',
        help='User to log in as (default: that of the image)')
    parser.add_argument(
        '--property', metavar='<key=value>', action='append',
        type=plain.pair, default=[],
        help='Image property to set (repeat for more)')
    parser.add_argument(
        '--arch', choices=sorted(catalogue.ARCHITECTURES),
        help='Architecture of the image (default: that of this machine)')
    parser.add_argument(
        '--checksum', metavar='<algorithm:digest>',
        help='What the image must be, for example sha256:0123... (default: '
             "the publisher's checksum)")


def _add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where things are."""
    plain.add_os_cloud(parser)
    parser.add_argument(
        '--state-dir', metavar='<directory>',
        help='Directory of the control plane of "nova-vmrun aio up" to use')
    parser.add_argument(
        '--cache-dir', metavar='<directory>', type=pathlib.Path,
        help='Directory for downloaded images (default: '
             '~/.cache/nova-vmrun/images)')
    parser.add_argument(
        '--catalogue', metavar='<file>', type=pathlib.Path,
        help='Your own known images (default: '
             '~/.config/nova-vmrun/images.toml)')


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError('%r is no time' % text)
    return seconds


def _state_dir(parsed_args: argparse.Namespace) -> str | None:
    """Return the directory of the aio to use, or None for another cloud."""
    if parsed_args.state_dir is not None:
        return str(parsed_args.state_dir)
    if not own_cloud.is_meant(parsed_args.os_cloud):
        return None
    default = aio_layout.default_state_dir()
    return default if aio_layout.Layout(default).clouds.exists() else None


def _table(images: catalogue.Catalogue) -> str:
    rows = [('Name', 'System', 'Architectures', 'User')]
    rows += [(entry.name, entry.title, ', '.join(sorted(entry.builds)),
              entry.user) for _, entry in sorted(images.entries.items())]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ''.join(
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)
                  ).rstrip() + '\n' for row in rows)
